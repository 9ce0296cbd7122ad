/**
 * KeyedFiles: values under lists of texts, each in a file of a Storage, in the order they were saved.
 *
 * A value is replaced as a whole and durable when `save` resolves. Before its bytes stands a number that grows with each
 * save, since a range is read in the order it was written. What reads a range sees each value as it was before or after a
 * save beside it, never half of one.
 */
import type { Clock, Storage } from "@foundation/core";
import { documentLimits } from "./limits.js";
import { fileOf, keyOf, prefixOf } from "./storage-key.js";

/** A list of texts, of which case matters. */
export type FileKey = string[];

export interface KeyedValue {
  key: FileKey;
  data: Uint8Array;
}

const HEADER_BYTES = 8;

export class KeyedFiles {
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #clock: Pick<Clock, "wallNow">;
  #last = 0;

  constructor(storage: Storage, folder: string, clock: Pick<Clock, "wallNow">) {
    this.#storage = storage;
    this.#folder = folder;
    this.#clock = clock;
  }

  async load(key: FileKey): Promise<Uint8Array | undefined> {
    const bytes = await this.#storage.read(fileOf(this.#folder, key));
    return bytes === undefined ? undefined : bytesOf(bytes);
  }

  async save(key: FileKey, data: Uint8Array): Promise<void> {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#clock.wallNow() * 1_000));
    const bytes = new Uint8Array(HEADER_BYTES + data.length);
    new DataView(bytes.buffer).setFloat64(0, this.#last);
    bytes.set(data, HEADER_BYTES);
    await this.#storage.replace(fileOf(this.#folder, key), bytes);
  }

  async remove(key: FileKey): Promise<void> {
    await this.#storage.remove(fileOf(this.#folder, key));
  }

  async loadRange(keyPrefix: FileKey): Promise<KeyedValue[]> {
    const found: { readonly key: FileKey; readonly bytes: Uint8Array }[] = [];
    await this.#each(keyPrefix, async (file, key) => {
      // One that is removed while the range is read is not there.
      const bytes = await this.#storage.read(file);
      if (bytes !== undefined) found.push({ key, bytes });
    });
    return found
      .sort((a, b) => orderOf(a.bytes) - orderOf(b.bytes))
      .map(({ key, bytes }) => ({ key, data: bytesOf(bytes) }));
  }

  /** The first texts of all keys there are, each once. */
  async firstParts(): Promise<readonly string[]> {
    const files = await this.#storage.list(`${this.#folder}/`);
    const parts = files.flatMap((file) => keyOf(this.#folder, file)?.slice(0, 1) ?? []);
    return [...new Set(parts)];
  }

  async removeRange(keyPrefix: FileKey): Promise<void> {
    await this.#each(keyPrefix, (file) => this.#storage.remove(file));
  }

  /** Every file whose key is this one or begins with it, a few at a time. */
  async #each(prefix: FileKey, run: (file: string, key: FileKey) => Promise<void>): Promise<void> {
    const below = await this.#storage.list(prefixOf(this.#folder, prefix));
    const own = prefix.length === 0 ? [] : [fileOf(this.#folder, prefix)];
    const files = [...own, ...below];
    for (let from = 0; from < files.length; from += documentLimits.readsMax) {
      const some = files.slice(from, from + documentLimits.readsMax).map(async (file) => {
        const key = keyOf(this.#folder, file);
        if (key !== undefined) await run(file, key);
      });
      await Promise.all(some);
    }
  }
}

function orderOf(bytes: Uint8Array): number {
  // A file that was cut off: its value is empty, which is for the reader to judge.
  if (bytes.length < HEADER_BYTES) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES).getFloat64(0);
}

/** A copy: what the reader is given is its own. */
function bytesOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice(HEADER_BYTES);
}
