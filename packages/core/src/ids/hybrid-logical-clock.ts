/**
 * HybridLogicalClock: timestamps that order like causality and stay close to the wall clock.
 *
 * Kulkarni, Demirbas, Madappa, Avva, Leone: "Logical Physical Clocks" (OPODIS 2014),
 * https://cse.buffalo.edu/tech-reports/2014-04.pdf. What happened before has the smaller timestamp, on any node, though
 * wall clocks are skewed or jump. Pure: the wall clock's reading is an argument.
 *
 * Invariants: every timestamp given is greater than every one given or received before; `counter` stays within 16 bits
 * (when it would not, the logical clock runs one millisecond ahead instead). Skew is refused where nodes meet, never
 * here: refusing a timestamp while merging would make replicas differ.
 */
import { coreErrors } from "../errors/errors.js";

/** A moment: wall-clock milliseconds, then a counter for what happened within them. Plain data. */
export interface HybridTimestamp {
  readonly wallMs: number;
  readonly counter: number;
}

/** The largest counter. */
export const HYBRID_COUNTER_MAX = 0xffff;
/** The largest wall time that fits 48 bits: the year 10889. What claims more is not a timestamp. */
export const HYBRID_WALL_MS_MAX = 2 ** 48 - 1;

/** Negative when `a` is before `b`, positive when after, 0 when they are the same. */
export function compareHybridTimestamps(a: HybridTimestamp, b: HybridTimestamp): number {
  return a.wallMs - b.wallMs || a.counter - b.counter;
}

/** True for a well-formed timestamp; use it on what a peer sent. */
export function isHybridTimestamp(value: unknown): value is HybridTimestamp {
  if (typeof value !== "object" || value === null) return false;
  const { wallMs, counter } = value as Partial<Record<keyof HybridTimestamp, unknown>>;
  return isWithin(wallMs, HYBRID_WALL_MS_MAX) && isWithin(counter, HYBRID_COUNTER_MAX);
}

/**
 * The clock of one node.
 *
 * @example
 * ```ts
 * import { compareHybridTimestamps, HybridLogicalClock } from "@foundation/core"
 *
 * const ours = new HybridLogicalClock()
 * const theirs = new HybridLogicalClock()
 * const sent = ours.tick(1_000)
 * const received = theirs.receive(sent, 400) // their wall clock is behind
 * console.log(compareHybridTimestamps(sent, received) < 0) // true
 * ```
 */
export class HybridLogicalClock {
  #wallMs: number;
  #counter: number;

  /** @param last the greatest timestamp known from before, e.g. from storage. Default: none */
  constructor(last: HybridTimestamp = { wallMs: 0, counter: 0 }) {
    assertTimestamp(last);
    this.#wallMs = last.wallMs;
    this.#counter = last.counter;
  }

  /** The greatest timestamp given or received so far. */
  get last(): HybridTimestamp {
    return { wallMs: this.#wallMs, counter: this.#counter };
  }

  /** The timestamp of an event on this node. @param wallNow the wall clock's reading in ms */
  tick(wallNow: number): HybridTimestamp {
    return this.#next(wallReading(wallNow));
  }

  /**
   * Takes a timestamp from another node into account and gives that of its arrival.
   * @throws {ERR_INVALID_ARGUMENT} when `remote` is not a timestamp.
   */
  receive(remote: HybridTimestamp, wallNow: number): HybridTimestamp {
    assertTimestamp(remote);
    if (compareHybridTimestamps(remote, this.last) > 0) {
      this.#wallMs = remote.wallMs;
      this.#counter = remote.counter;
    }
    return this.#next(wallReading(wallNow));
  }

  #next(wallMs: number): HybridTimestamp {
    if (wallMs > this.#wallMs) {
      this.#wallMs = wallMs;
      this.#counter = 0;
    } else if (this.#counter < HYBRID_COUNTER_MAX) {
      this.#counter += 1;
    } else {
      this.#wallMs += 1;
      this.#counter = 0;
    }
    return this.last;
  }
}

/** Whole milliseconds; a clock that is set to nonsense counts as one that stands still. */
function wallReading(wallNow: number): number {
  return wallNow >= 0 && wallNow <= HYBRID_WALL_MS_MAX ? Math.floor(wallNow) : 0;
}

function isWithin(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

function assertTimestamp(value: HybridTimestamp): void {
  if (isHybridTimestamp(value)) return;
  const expected = "wallMs from 0 to 2^48 - 1 and counter from 0 to 65535, both integers";
  const found = (JSON.stringify(value) ?? String(value)).slice(0, 120);
  throw coreErrors.ERR_INVALID_ARGUMENT(`A hybrid timestamp has ${expected}, found ${found}`, {
    argument: "timestamp",
    expected,
    found,
  });
}
