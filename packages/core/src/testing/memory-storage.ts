/**
 * MemoryStorage: the twin of Storage, with a crash that does what a power cut may do.
 *
 * Each file knows how many of its bytes are durable. `crash` keeps those and a random part of the rest: some bytes may
 * be lost from the end, and the last one kept may be damaged (a torn write). A test that passes with it does not lean on
 * more durability than the port promises.
 */
import type { Random } from "../ports/random.js";
import type { Storage } from "../ports/storage.js";
import { isStorageName, nameFailure, storageFailure } from "../runtime/storage-name.js";
import { seededRandom } from "./seeded-random.js";

/** A store for tests; see `memoryStorage`. */
export interface MemoryStorage extends Storage {
  /** What a power cut may do to bytes that were not synced. The handle can be used on, as by the restarted node. */
  crash(): void;
  /** Another handle on the same files, also after `close`: the restarted node's. */
  reopen(): MemoryStorage;
  /** Makes every later call of the operation fail with ERR_STORAGE and this reason, until called with undefined. */
  failOn(operation: StorageOperation, reason: string | undefined): void;
}

export type StorageOperation = Exclude<keyof Storage, "close">;

/** An empty store. `random` decides what a crash leaves of unsynced bytes. */
export function memoryStorage(options: { readonly random?: Random } = {}): MemoryStorage {
  return new MemoryDisk(new Map(), options.random ?? seededRandom("memory-storage"));
}

interface MemoryFile {
  bytes: Uint8Array;
  durableBytes: number;
}

class MemoryDisk implements MemoryStorage {
  readonly #failures = new Map<StorageOperation, string>();
  #closed = false;

  constructor(
    readonly files: Map<string, MemoryFile>,
    readonly random: Random,
  ) {}

  list(prefix: string): Promise<readonly string[]> {
    return this.#do("list", prefix, () =>
      [...this.files.keys()].filter((name) => name.startsWith(prefix)).sort(),
    );
  }

  read(file: string): Promise<Uint8Array | undefined> {
    return this.#do("read", file, () => this.files.get(file)?.bytes.slice());
  }

  replace(file: string, bytes: Uint8Array): Promise<void> {
    return this.#do("replace", file, () => {
      this.files.set(file, { bytes: new Uint8Array(bytes), durableBytes: bytes.length });
    });
  }

  append(file: string, bytes: Uint8Array): Promise<void> {
    return this.#do("append", file, () => {
      const old = this.files.get(file) ?? { bytes: new Uint8Array(0), durableBytes: 0 };
      const grown = new Uint8Array(old.bytes.length + bytes.length);
      grown.set(old.bytes);
      grown.set(bytes, old.bytes.length);
      this.files.set(file, { bytes: grown, durableBytes: old.durableBytes });
    });
  }

  truncate(file: string, sizeBytes: number): Promise<void> {
    return this.#do("truncate", file, () => {
      const old = this.files.get(file);
      if (!old) throw storageFailure(file, "truncate", "there is no such file");
      const bytes = old.bytes.slice(0, sizeBytes);
      this.files.set(file, { bytes, durableBytes: Math.min(old.durableBytes, bytes.length) });
    });
  }

  sync(file: string): Promise<void> {
    return this.#do("sync", file, () => {
      const found = this.files.get(file);
      if (found) found.durableBytes = found.bytes.length;
    });
  }

  remove(file: string): Promise<void> {
    return this.#do("remove", file, () => {
      this.files.delete(file);
    });
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  crash(): void {
    for (const [name, file] of this.files) {
      const unsynced = file.bytes.length - file.durableBytes;
      if (unsynced === 0) continue;
      const kept = Math.floor(this.random.next() * (unsynced + 1));
      const bytes = file.bytes.slice(0, file.durableBytes + kept);
      const torn = kept > 0 && this.random.next() < 0.5;
      if (torn) bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 0xff;
      if (file.durableBytes === 0 && kept === 0) this.files.delete(name);
      else this.files.set(name, { bytes, durableBytes: bytes.length });
    }
  }

  reopen(): MemoryStorage {
    return new MemoryDisk(this.files, this.random);
  }

  failOn(operation: StorageOperation, reason: string | undefined): void {
    if (reason === undefined) this.#failures.delete(operation);
    else this.#failures.set(operation, reason);
  }

  /** Takes effect in the call, so the order of calls is the order of effects; the result comes a microtask later. */
  #do<T>(operation: StorageOperation, file: string, effect: () => T): Promise<T> {
    try {
      if (this.#closed) throw storageFailure(file, operation, "the storage is closed");
      if (operation !== "list" && !isStorageName(file)) throw nameFailure(file, operation);
      const reason = this.#failures.get(operation);
      if (reason !== undefined) throw storageFailure(file, operation, reason);
      return Promise.resolve(effect());
    } catch (error) {
      return Promise.reject(error);
    }
  }
}
