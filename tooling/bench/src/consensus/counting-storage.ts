/** A storage that counts what waits for the disk. */
import type { Storage } from "@foundation/core/ports";

export interface CountingStorage {
  readonly storage: Storage;
  /** Calls of fsync or what contains one. */
  fsyncs(): number;
}

export function countingStorage(inner: Storage): CountingStorage {
  let fsyncs = 0;
  const counted =
    <Args extends readonly unknown[]>(call: (...args: Args) => Promise<void>) =>
    (...args: Args) => {
      fsyncs += 1;
      return call(...args);
    };
  const storage: Storage = {
    list: (prefix) => inner.list(prefix),
    read: (file) => inner.read(file),
    append: (file, bytes) => inner.append(file, bytes),
    truncate: (file, sizeBytes) => inner.truncate(file, sizeBytes),
    remove: (file) => inner.remove(file),
    close: () => inner.close(),
    sync: counted((file: string) => inner.sync(file)),
    replace: counted((file: string, bytes: Uint8Array) => inner.replace(file, bytes)),
  };
  return { storage, fsyncs: () => fsyncs };
}
