// folder-shelf.ts: a shelf that is a folder.
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Shelf } from "./shelf.js";

/** Files of a folder. What is being written has a name that no reader takes for a file. */
export function folderShelf(folder: string): Shelf {
  let writes = 0;
  return {
    async names() {
      await mkdir(folder, { recursive: true });
      const entries = await readdir(folder, { withFileTypes: true });
      return entries.filter((each) => each.isFile() && isName(each.name)).map(({ name }) => name);
    },
    async read(name) {
      const path = join(folder, checked(name));
      const { size } = await stat(path);
      // Opened by whoever reads it: a file that cannot be opened is told to nobody before that, and would end the process.
      const bytes = {
        [Symbol.asyncIterator]: () => createReadStream(path)[Symbol.asyncIterator](),
      };
      return { sizeBytes: size, bytes };
    },
    async write(name, bytes) {
      const path = join(folder, checked(name));
      await mkdir(folder, { recursive: true });
      writes += 1;
      const part = `${path}.${process.pid}-${writes}.part`;
      try {
        await pipeline(bytes, createWriteStream(part));
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
  };
}

/** A plain name: what another node sends never leads out of the folder. */
function isName(name: unknown): name is string {
  return typeof name === "string" && /^[\w][\w .-]{0,127}$/.test(name) && !name.endsWith(".part");
}

function checked(name: string): string {
  if (isName(name)) return name;
  throw new TypeError(
    "A file is named by 1 to 128 letters, digits, spaces and _ . -, and not *.part",
  );
}
