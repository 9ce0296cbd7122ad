/** Slow: a disk and a link that are slower than they are, as long as they are told to be. */
import { setTimeout as sleep } from "node:timers/promises";
import type { GroupLink } from "@foundation/consensus";
import type { Storage } from "@foundation/core/ports";

export interface Slowness {
  byMs: number;
}

/** The disk takes its time before anything is durable. */
export function slowStorage(inner: Storage, slowness: Slowness): Storage {
  const later = async (work: () => Promise<void>): Promise<void> => {
    if (slowness.byMs > 0) await sleep(slowness.byMs);
    await work();
  };
  return {
    list: (prefix) => inner.list(prefix),
    read: (file) => inner.read(file),
    append: (file, bytes) => inner.append(file, bytes),
    truncate: (file, sizeBytes) => inner.truncate(file, sizeBytes),
    remove: (file) => inner.remove(file),
    close: () => inner.close(),
    sync: (file) => later(() => inner.sync(file)),
    replace: (file, bytes) => later(() => inner.replace(file, bytes)),
  };
}

/** What is sent leaves later, in the order in which it was sent. */
export function slowLink(inner: GroupLink, slowness: Slowness): GroupLink {
  let lastLeavesMs = 0;
  return {
    self: inner.self,
    open: (handlers) => inner.open(handlers),
    send: (to, bytes, lane) => {
      const nowMs = performance.now();
      const leavesMs = Math.max(lastLeavesMs, nowMs + slowness.byMs);
      lastLeavesMs = leavesMs;
      if (leavesMs <= nowMs) return inner.send(to, bytes, lane);
      setTimeout(() => inner.send(to, bytes, lane), leavesMs - nowMs);
      return true;
    },
  };
}
