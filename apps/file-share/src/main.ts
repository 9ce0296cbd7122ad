/**
 * A node that keeps the files of a folder, and sends one of them to every other node when it is told to:
 *
 *   main.ts <folder>          takes what it is sent
 *   main.ts <folder> <file>   sends that file of the folder to everybody, and leaves; Ctrl-C gives up
 */
import { startFileShare } from "./file-share.js";
import { folderShelf } from "./folder-shelf.js";

const [folder = ".", file] = process.argv.slice(2);
const abort = new AbortController();
process.once("SIGINT", () => abort.abort());

const share = await startFileShare(folderShelf(folder), { signals: file === undefined });
const { cluster } = share;

if (file === undefined) {
  for await (const { type, node } of cluster.watch()) console.log(type, node?.name);
} else {
  await cluster.ready();
  for (const node of cluster.nodes().filter(({ id }) => id !== cluster.self.id)) {
    const onProgress = (sent: number, size: number) =>
      process.stdout.write(
        `\r${node.name}: ${file} ${Math.floor((100 * sent) / Math.max(1, size))} %`,
      );
    try {
      await share.send(node, file, { signal: abort.signal, onProgress });
      console.log();
    } catch (error) {
      console.error(`\n${node.name}: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
  await cluster.leave();
}
