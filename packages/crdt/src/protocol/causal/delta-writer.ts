/**
 * DeltaWriter: live writes as delta messages of bounded size, until a budget is used up.
 *
 * Invariant: a part covers its range only as far as its writes were put in; so whatever is cut off
 * is simply not claimed.
 */
import type { CausalLimits } from "../../limits.js";
import { plainSize, utf8Size } from "../plain-size.js";
import type { Delta, Part } from "./messages.js";
import type { Entry, Strand } from "./strand.js";

type DeltaLimits = Pick<CausalLimits, "deltaEntriesMax" | "deltaBytesAim">;

/** Of a part without its writes, about. */
const PART_BYTES = 100;

export class DeltaWriter<V> {
  readonly #limits: DeltaLimits;
  readonly #now: number;
  readonly messages: { type: "delta"; parts: Part<V>[] }[] = [];
  #open: { type: "delta"; parts: Part<V>[] } | undefined;
  #entries = 0;
  #bytes = 0;
  #budgetBytes: number;

  constructor(limits: DeltaLimits, budgetBytes: number, now: number) {
    this.#limits = limits;
    this.#budgetBytes = budgetBytes;
    this.#now = now;
  }

  get isSpent(): boolean {
    return this.#budgetBytes <= 0;
  }

  /** Adds the writes of a range; the number through which they were added, `from - 1` for none. */
  add(strand: Strand<V>, from: number, through: number): number {
    let first = from;
    while (first <= through && !this.isSpent) {
      const delta = this.#delta();
      const entries: Entry<V>[] = [];
      let isCut = false;
      strand.scan(first, through, (entry) => {
        isCut = this.#isFull || this.isSpent;
        if (isCut) return false;
        entries.push(entry);
        this.#count(24 + utf8Size(entry.key) + plainSize(entry.value), 1);
        return true;
      });
      const last = isCut ? (entries.at(-1)?.sequence ?? first - 1) : through;
      if (last >= first) {
        delta.parts.push(partOf(strand, first, last, entries, this.#now));
        this.#count(PART_BYTES, 0);
      }
      first = last + 1;
      if (this.#isFull) this.#open = undefined;
      else if (isCut) break;
    }
    return first - 1;
  }

  get #isFull(): boolean {
    return (
      this.#entries >= this.#limits.deltaEntriesMax || this.#bytes >= this.#limits.deltaBytesAim
    );
  }

  #count(bytes: number, entries: number): void {
    this.#bytes += bytes;
    this.#budgetBytes -= bytes;
    this.#entries += entries;
  }

  #delta(): { type: "delta"; parts: Part<V>[] } {
    if (this.#open !== undefined) return this.#open;
    const delta = { type: "delta" as const, parts: [] };
    this.#open = delta;
    this.#entries = 0;
    this.#bytes = 0;
    this.messages.push(delta);
    return delta;
  }
}

function partOf<V>(
  strand: Strand<V>,
  from: number,
  through: number,
  entries: readonly Entry<V>[],
  now: number,
): Part<V> {
  const isDense = entries.length === through - from + 1;
  const isTimed = entries.some(({ wallMs }) => wallMs !== 0);
  const hasEnds = entries.some(({ endsAtMs }) => endsAtMs !== Number.POSITIVE_INFINITY);
  return {
    of: strand.id,
    from,
    through,
    ...(isDense ? {} : { gaps: gapsOf(from, entries) }),
    keys: entries.map(({ key }) => key),
    values: entries.map(({ value }) => value),
    ...(isTimed ? { times: timesOf(entries) } : {}),
    ...(hasEnds ? { left: entries.map(({ endsAtMs }) => leftOf(endsAtMs, now)) } : {}),
  };
}

function gapsOf<V>(from: number, entries: readonly Entry<V>[]): number[] {
  let at = from;
  return entries.map(({ sequence }) => {
    const gap = sequence - at;
    at = sequence;
    return gap;
  });
}

function timesOf<V>(entries: readonly Entry<V>[]): number[] {
  const times = [entries[0]?.wallMs ?? 0];
  let at = times[0] as number;
  for (const { wallMs, counter } of entries) {
    times.push(wallMs - at, counter);
    at = wallMs;
  }
  return times;
}

function leftOf(endsAtMs: number, now: number): number {
  return endsAtMs === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(endsAtMs - now));
}

/** An empty delta that ends the answer to a pull. */
export function endOf<V>(pull: number): Delta<V> {
  return { type: "delta", parts: [], ends: pull };
}
