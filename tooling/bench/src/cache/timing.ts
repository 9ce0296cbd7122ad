/** How often something synchronous happens in a second, and how long something asynchronous takes. */
import { quantile } from "../consensus/load.js";

/** Calls between two looks at the clock: a look costs as much as a hit. */
const BATCH = 1_000;

/**
 * Calls of `call(i)` in a second of the processor: what the compiler and the collector of garbage take beside counts, what
 * other processes take does not.
 */
export function rateOf(call: (i: number) => unknown, forMs: number): number {
  const before = process.cpuUsage();
  const untilMs = performance.now() + forMs;
  let done = 0;
  while (performance.now() < untilMs) {
    for (let i = 0; i < BATCH; i++) call(done + i);
    done += BATCH;
  }
  const { user, system } = process.cpuUsage(before);
  return (done * 1_000_000) / (user + system);
}

/** Calls a second that are awaited one after the other, by the clock. */
export async function awaitedRateOf(
  call: (i: number) => Promise<unknown>,
  forMs: number,
): Promise<number> {
  const startedMs = performance.now();
  const untilMs = startedMs + forMs;
  let done = 0;
  let nowMs = startedMs;
  for (; nowMs < untilMs; nowMs = performance.now()) {
    for (let i = 0; i < BATCH; i++) await call(done + i);
    done += BATCH;
  }
  return (done * 1_000) / (nowMs - startedMs);
}

export interface Gets {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
}

/** One client for latencies, then `clients` at once for the rate. */
export async function getsOf(
  call: (i: number) => Promise<unknown>,
  clients: number,
  forMs: number,
): Promise<Gets> {
  const latenciesMs: number[] = [];
  for (const untilMs = performance.now() + forMs; performance.now() < untilMs; ) {
    const startedMs = performance.now();
    await call(latenciesMs.length);
    latenciesMs.push(performance.now() - startedMs);
  }
  latenciesMs.sort((a, b) => a - b);
  const startedMs = performance.now();
  const untilMs = startedMs + forMs;
  let done = 0;
  const client = async () => {
    while (performance.now() < untilMs) await call(done++);
  };
  await Promise.all(Array.from({ length: clients }, client));
  const perSecond = (done * 1_000) / (performance.now() - startedMs);
  return { p50Ms: quantile(latenciesMs, 0.5), p99Ms: quantile(latenciesMs, 0.99), perSecond };
}
