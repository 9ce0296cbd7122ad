/**
 * A boot's handle on its node's disk: takes effect as the disk does, answers after the disk's latency, and never answers
 * a boot that has died.
 */
import type { Random, Storage } from "@foundation/core/ports";
import type { Boot } from "./boot.js";

/** @param latencyMsMax each operation takes up to so long */
export function diskOf(disk: Storage, boot: Boot, random: Random, latencyMsMax: number): Storage {
  const answer = <T>(result: Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const delayMs = random.next() * latencyMsMax;
      result.then(
        (value) => boot.later(delayMs, () => resolve(value)),
        (error: unknown) => boot.later(delayMs, () => reject(error)),
      );
    });
  return {
    list: (prefix) => answer(disk.list(prefix)),
    read: (file) => answer(disk.read(file)),
    replace: (file, bytes) => answer(disk.replace(file, bytes)),
    append: (file, bytes) => answer(disk.append(file, bytes)),
    truncate: (file, sizeBytes) => answer(disk.truncate(file, sizeBytes)),
    sync: (file) => answer(disk.sync(file)),
    remove: (file) => answer(disk.remove(file)),
    close: () => answer(disk.close()),
  };
}
