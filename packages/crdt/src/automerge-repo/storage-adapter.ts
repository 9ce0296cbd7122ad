/**
 * DataDirectoryStorageAdapter: automerge-repo's storage on the Storage port, and so on a node's data directory.
 *
 * A value is one file, replaced as a whole and durable when `save` resolves. Before the bytes stands a number that
 * grows with each save, since a range is read in the order it was written. What reads a range sees each value as it was
 * before or after a save beside it, never half of one.
 */
import type { Chunk, StorageAdapterInterface, StorageKey } from "@automerge/automerge-repo";
import type { Clock, Storage } from "@foundation/core";
import { nodeRuntime } from "@foundation/core";
import { adapterLimits } from "./limits.js";
import { fileOf, keyOf, prefixOf } from "./storage-key.js";

export interface DataDirectoryStorageAdapterOptions {
  /** Where to keep it: the node's own, or that of another directory. */
  readonly storage: Storage;
  /** The folder inside, `[a-z0-9._-]`; one for each repository. @default "automerge" */
  readonly folder?: string;
  /** Orders values that are saved after a restart behind older ones. @default Node's */
  readonly clock?: Pick<Clock, "wallNow">;
}

const HEADER_BYTES = 8;

/**
 * Keeps a repository's documents in a data directory.
 *
 * @example
 * ```ts
 * import { Repo } from "@automerge/automerge-repo"
 * import { openDataDirectory } from "@foundation/core"
 * import { DataDirectoryStorageAdapter } from "@foundation/crdt/automerge-repo"
 *
 * export async function open(folder: string) {
 *   const storage = await openDataDirectory(folder)
 *   return new Repo({ storage: new DataDirectoryStorageAdapter({ storage }) })
 * }
 * ```
 */
export class DataDirectoryStorageAdapter implements StorageAdapterInterface {
  readonly #storage: Storage;
  readonly #folder: string;
  readonly #clock: Pick<Clock, "wallNow">;
  #last = 0;

  constructor({ storage, folder = "automerge", clock }: DataDirectoryStorageAdapterOptions) {
    this.#storage = storage;
    this.#folder = folder;
    this.#clock = clock ?? nodeRuntime().clock;
  }

  async load(key: StorageKey): Promise<Uint8Array | undefined> {
    const bytes = await this.#storage.read(fileOf(this.#folder, key));
    return bytes === undefined ? undefined : valueOf(bytes);
  }

  async save(key: StorageKey, data: Uint8Array): Promise<void> {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#clock.wallNow() * 1_000));
    const bytes = new Uint8Array(HEADER_BYTES + data.length);
    new DataView(bytes.buffer).setFloat64(0, this.#last);
    bytes.set(data, HEADER_BYTES);
    await this.#storage.replace(fileOf(this.#folder, key), bytes);
  }

  async remove(key: StorageKey): Promise<void> {
    await this.#storage.remove(fileOf(this.#folder, key));
  }

  async loadRange(keyPrefix: StorageKey): Promise<Chunk[]> {
    const found: { readonly key: StorageKey; readonly bytes: Uint8Array }[] = [];
    await this.#each(keyPrefix, async (file, key) => {
      // One that is removed while the range is read is not there.
      const bytes = await this.#storage.read(file);
      if (bytes !== undefined) found.push({ key, bytes });
    });
    return found
      .sort((a, b) => orderOf(a.bytes) - orderOf(b.bytes))
      .map(({ key, bytes }) => ({ key, data: valueOf(bytes) }));
  }

  async removeRange(keyPrefix: StorageKey): Promise<void> {
    await this.#each(keyPrefix, (file) => this.#storage.remove(file));
  }

  /** Every file whose key is this one or begins with it, a few at a time. */
  async #each(
    prefix: StorageKey,
    run: (file: string, key: StorageKey) => Promise<void>,
  ): Promise<void> {
    const below = await this.#storage.list(prefixOf(this.#folder, prefix));
    const own = prefix.length === 0 ? [] : [fileOf(this.#folder, prefix)];
    const files = [...own, ...below];
    for (let from = 0; from < files.length; from += adapterLimits.readsMax) {
      const some = files.slice(from, from + adapterLimits.readsMax).map(async (file) => {
        const key = keyOf(this.#folder, file);
        if (key !== undefined) await run(file, key);
      });
      await Promise.all(some);
    }
  }
}

function orderOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES).getFloat64(0);
}

/** A copy: what a repository is given is its own. */
function valueOf(bytes: Uint8Array): Uint8Array {
  return bytes.slice(HEADER_BYTES);
}
