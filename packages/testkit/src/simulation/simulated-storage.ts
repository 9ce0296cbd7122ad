/** A boot's handle on its node's disk: answers as the disk does, and never answers a boot that has died. */
import { isStorageName, storageFailure, storageNameFailure } from "@foundation/core";
import type { Storage } from "@foundation/core/ports";
import type { Boot } from "./boot.js";
import type { SimulatedDisk } from "./simulated-disk.js";

/** Opens the files of the disk for a boot. */
export function diskOf(disk: SimulatedDisk, boot: Boot): Storage {
  disk.opened();
  return new DiskHandle(disk, boot);
}

class DiskHandle implements Storage {
  readonly #disk: SimulatedDisk;
  readonly #boot: Boot;
  #closing: Promise<void> | undefined;

  constructor(disk: SimulatedDisk, boot: Boot) {
    this.#disk = disk;
    this.#boot = boot;
  }

  list(prefix: string): Promise<readonly string[]> {
    if (this.#closing) return refusal(prefix, "list");
    return this.#afterAll(() => this.#disk.names(prefix));
  }

  read(file: string): Promise<Uint8Array | undefined> {
    return this.#do(file, "read", () => this.#disk.read(file));
  }

  replace(file: string, bytes: Uint8Array): Promise<void> {
    // A copy: the write may come after the caller has gone on and used its buffer again.
    const content = bytes.slice();
    return this.#do(file, "replace", () => this.#disk.replace(file, content));
  }

  append(file: string, bytes: Uint8Array): Promise<void> {
    const content = bytes.slice();
    const effect = () => this.#disk.append(file, content);
    return this.#do(file, "append", effect, () => this.#disk.appendPartly(file, content));
  }

  truncate(file: string, sizeBytes: number): Promise<void> {
    return this.#do(file, "truncate", () => this.#disk.truncate(file, sizeBytes));
  }

  sync(file: string): Promise<void> {
    return this.#do(file, "sync", () => this.#disk.sync(file));
  }

  remove(file: string): Promise<void> {
    return this.#do(file, "remove", () => this.#disk.remove(file));
  }

  close(): Promise<void> {
    this.#closing ??= this.#afterAll(() => {});
    return this.#closing;
  }

  #do<T>(file: string, operation: string, effect: () => T, actPartly?: () => void): Promise<T> {
    if (this.#closing) return refusal(file, operation);
    if (!isStorageName(file)) return Promise.reject(storageNameFailure(file, operation));
    return new Promise((resolve, reject) => {
      const act = outcome(effect, resolve, reject);
      this.#disk.queue.add(this.#boot, { file, act, actPartly });
    });
  }

  /** An operation on no file of its own: after all that is under way. */
  #afterAll<T>(effect: () => T): Promise<T> {
    const { queue } = this.#disk;
    return new Promise((resolve, reject) => {
      const act = outcome(effect, resolve, reject);
      // No file has this name.
      queue.afterAll(() => queue.add(this.#boot, { file: "", act }));
    });
  }
}

function outcome<T>(
  effect: () => T,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): () => () => void {
  return () => {
    try {
      const value = effect();
      return () => resolve(value);
    } catch (error) {
      return () => reject(error);
    }
  };
}

function refusal(file: string, operation: string): Promise<never> {
  return Promise.reject(storageFailure(file, operation, "the storage is closed"));
}
