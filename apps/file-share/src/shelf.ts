// shelf.ts: where a node keeps its files.

/** A place for files. In a test it is memory, in the program a folder. */
export interface Shelf {
  names(): Promise<readonly string[]>;
  /** @throws {Error} there is no file of that name */
  read(
    name: string,
  ): Promise<{ readonly sizeBytes: number; readonly bytes: AsyncIterable<Uint8Array> }>;
  /** Takes a whole file or none of it: what fails on the way leaves nothing behind. */
  write(name: string, bytes: AsyncIterable<Uint8Array>): Promise<void>;
}
