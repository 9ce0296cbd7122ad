/** What this process holds, after its garbage is gone. */

export interface MemoryReading {
  readonly rssBytes: number;
  /** Heap and what it holds outside of it. */
  readonly heldBytes: number;
}

declare const gc: (() => void) | undefined;

export async function memoryNow(): Promise<MemoryReading> {
  // Finalisers run in a turn of their own and free more.
  for (let i = 0; i < 3; i += 1) {
    gc?.();
    await new Promise(setImmediate);
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rssBytes: rss, heldBytes: heapUsed + external };
}

/** Without this the readings above would be those of garbage. */
export const GC_ARGUMENT = "--expose-gc";

export const MIB = 1024 * 1024;
