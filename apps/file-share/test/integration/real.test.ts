import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { silentLogger } from "@foundation/core";
import { startFileShare } from "../../src/file-share.js";
import { folderShelf } from "../../src/folder-shelf.js";
import { someBytes } from "./memory-shelf.js";

describe("a file share over real sockets", () => {
  let folders: string[];
  let shares: Awaited<ReturnType<typeof startFileShare>>[];
  beforeEach(async () => {
    folders = ["a", "b"].map((name) => mkdtempSync(join(tmpdir(), `file-share-${name}-`)));
    const name = `file-share-test-${process.pid}`;
    const options = { name, signals: false, logger: silentLogger() };
    shares = await Promise.all(folders.map((each) => startFileShare(folderShelf(each), options)));
    await Promise.all(shares.map(({ cluster }) => cluster.ready({ nodes: 2 })));
  });
  afterEach(async () => {
    await Promise.all(shares.map(({ cluster }) => cluster.leave()));
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  test("a file of a folder arrives in the other's, byte for byte", async () => {
    const [a, b] = shares;
    const film = someBytes(5_000_000);
    writeFileSync(join(folders[0]!, "film.mp4"), film);
    let last = 0;
    const onProgress = (sentBytes: number) => {
      last = sentBytes;
    };
    expect(await a!.send(b!.cluster.self, "film.mp4", { onProgress })).toBe(film.length);
    expect(last).toBe(film.length);
    expect(Buffer.compare(readFileSync(join(folders[1]!, "film.mp4")), film)).toBe(0);
    expect(await a!.names(b!.cluster.self)).toEqual(["film.mp4"]);
  });

  test("an aborted transfer leaves no part of the file", async () => {
    const [a, b] = shares;
    writeFileSync(join(folders[0]!, "film.mp4"), someBytes(5_000_000));
    const abort = new AbortController();
    const onProgress = () => abort.abort();
    const sent = a!.send(b!.cluster.self, "film.mp4", { signal: abort.signal, onProgress });
    await expect(sent).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    // A stream after it: when that has arrived, the handler of the first has ended.
    writeFileSync(join(folders[0]!, "note.txt"), "hello");
    await a!.send(b!.cluster.self, "note.txt");
    const deadline = Date.now() + 5_000;
    while (readdirSync(folders[1]!).length > 1 && Date.now() < deadline) {
      await new Promise((resume) => setTimeout(resume, 20));
    }
    expect(readdirSync(folders[1]!)).toEqual(["note.txt"]);
  });

  test("a file that cannot be opened fails the transfer, however late it is read", async () => {
    const unheard: unknown[] = [];
    const hear = (error: unknown) => unheard.push(error);
    process.on("uncaughtExceptionMonitor", hear);
    const socket = createServer().listen(join(folders[0]!, "not-a-file"));
    try {
      await once(socket, "listening");
      const { bytes } = await folderShelf(folders[0]!).read("not-a-file");
      await new Promise((resume) => setTimeout(resume, 50));
      expect(unheard).toEqual([]);
      const read = async () => {
        for await (const _ of bytes);
      };
      await expect(read()).rejects.toMatchObject({ code: "ENXIO" });
      const [a, b] = shares;
      await expect(a!.send(b!.cluster.self, "not-a-file")).rejects.toMatchObject({ code: "ENXIO" });
    } finally {
      process.off("uncaughtExceptionMonitor", hear);
      socket.close();
    }
  });

  test("a name that leads out of the folder is refused by whoever receives it", async () => {
    const [a, b] = shares;
    const files = a!.cluster.channel("files");
    const metadata = { name: "../outside" };
    const sent = files.stream(b!.cluster.self, [someBytes(10)], { metadata });
    await expect(sent).rejects.toMatchObject({ code: "ERR_HANDLER_FAILED" });
    expect(readdirSync(folders[1]!)).toEqual([]);
  });
});
