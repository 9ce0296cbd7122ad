/**
 * YoungCollection: collects young garbage early while bulk comes in, so that the whole heap need not
 * be collected.
 *
 * Why: what a socket reads lies outside of V8's heap. V8 sweeps it with the young generation, every
 * 32 MB, and also lets it count towards the limit that starts a collection of the *whole* heap,
 * which in a heap of up to some 100 MB is about 24 MB away. So a node that receives hundreds of
 * megabytes a second collects its whole heap up to forty times a second, and all it does waits
 * milliseconds for that. A young collection before those 24 MB costs 0.3 ms, and the other never starts
 * (measured: bulk 650 → 1,200 MB/s, p99 of small messages beside it 7.3 → 2.3 ms; decision 11).
 *
 * Limits: YOUNG. A trickle is left alone, and where collections are slow, because an application
 * keeps much that is young, they take a quarter of it at most.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export const YOUNG = {
  /** So much is worth a collection. */
  bytes: 2 * 1024 * 1024,
  /** … if it came within this time: 60 MB a second. */
  withinMs: 35,
  /** After one that took a millisecond there is none for so many: a quarter of the time at most. */
  restPerCost: 3,
} as const;

export class YoungCollection {
  readonly #collect: () => void;
  readonly #now: () => number;
  #bytes = 0;
  #sinceMs = -Infinity;
  #restUntilMs = -Infinity;
  #lastCostMs = 0;

  /** @param collect collects the young generation, before it returns */
  constructor(collect: () => void = collectYoung, now: () => number = () => performance.now()) {
    this.#collect = collect;
    this.#now = now;
  }

  /** So many bytes were received and handled. */
  passed(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < YOUNG.bytes) return;
    this.#bytes = 0;
    const now = this.#now();
    const isBulk = now - this.#sinceMs <= YOUNG.withinMs;
    this.#sinceMs = now;
    if (!isBulk || now < this.#restUntilMs) return;
    this.#collect();
    const end = this.#now();
    const costMs = end - now;
    // One that was slow by itself was held up: by another process, or by the collector's own threads.
    this.#restUntilMs = end + Math.min(costMs, this.#lastCostMs) * YOUNG.restPerCost;
    this.#lastCostMs = costMs;
  }
}

type Collector = (options: { readonly type: "minor" }) => void;
/** Of this process: there is one heap. Undefined until it is needed, null where there is none. */
let collector: Collector | null | undefined;

function collectYoung(): void {
  if (collector === undefined) collector = findCollector();
  collector?.({ type: "minor" });
}

/**
 * The function that V8 shows to contexts made while the flag is set. It is set only for as long as
 * that takes: no other context gets it.
 */
function findCollector(): Collector | null {
  const given: unknown = globalThis.gc;
  if (typeof given === "function") return given as Collector;
  try {
    setFlagsFromString("--expose-gc");
    const found: unknown = runInNewContext("typeof gc === 'function' ? gc : null");
    setFlagsFromString("--no-expose-gc");
    return found as Collector | null;
  } catch {
    // Another engine, or flags that are frozen: it works without.
    return null;
  }
}
