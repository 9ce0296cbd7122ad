/**
 * Intervals: a set of positive integers as sorted, disjoint, not touching ranges.
 *
 * The causal context of one writer: which of its writes this replica has taken in, alive or already
 * removed. Writes mostly arrive in order, so it is nearly always the one range [1, n], whatever was
 * written and removed: this is why removals need no tombstones (Almeida, Shoker, Baquero: "Delta
 * State Replicated Data Types", 2018, causal contexts).
 *
 * Invariant: bounds are ascending; between two ranges at least one number is missing.
 */

/** Ranges as from, through, from, through …: what travels. */
export type Ranges = readonly number[];

export class Intervals {
  #bounds: number[];
  #size: number;

  constructor(ranges: Ranges = []) {
    this.#bounds = [...ranges];
    this.#size = sizeOf(ranges);
  }

  /** How many numbers. */
  get size(): number {
    return this.#size;
  }

  /** How many ranges. */
  get count(): number {
    return this.#bounds.length / 2;
  }

  /** The greatest number; 0 for none. */
  get upper(): number {
    return this.#bounds.at(-1) ?? 0;
  }

  get ranges(): Ranges {
    return this.#bounds;
  }

  has(n: number): boolean {
    const bounds = this.#bounds;
    for (let i = bounds.length - 2; i >= 0; i -= 2) {
      if (n >= (bounds[i] as number)) return n <= (bounds[i + 1] as number);
    }
    return false;
  }

  add(from: number, through: number): void {
    const bounds = this.#bounds;
    const last = bounds.length - 1;
    if (last >= 0 && from === (bounds[last] as number) + 1) {
      bounds[last] = through;
      this.#size += through - from + 1;
      return;
    }
    if (last < 0 || from > (bounds[last] as number)) {
      bounds.push(from, through);
      this.#size += through - from + 1;
      return;
    }
    this.#merge(from, through);
  }

  /** What of `ranges` is not in this set. */
  missing(ranges: Ranges): number[] {
    const bounds = this.#bounds;
    const out: number[] = [];
    for (let i = 0; i < ranges.length; i += 2) {
      let from = ranges[i] as number;
      const through = ranges[i + 1] as number;
      for (let k = 0; k < bounds.length && from <= through; k += 2) {
        const a = bounds[k] as number;
        const b = bounds[k + 1] as number;
        if (b < from) continue;
        if (a > through) break;
        if (a > from) out.push(from, a - 1);
        from = b + 1;
      }
      if (from <= through) out.push(from, through);
    }
    return out;
  }

  /** What of `ranges` is in this set too. */
  common(ranges: Ranges): number[] {
    return new Intervals(this.missing(ranges)).missing(ranges);
  }

  #merge(from: number, through: number): void {
    const out: number[] = [];
    let low = from;
    let high = through;
    let placed = false;
    const bounds = this.#bounds;
    for (let i = 0; i < bounds.length; i += 2) {
      const a = bounds[i] as number;
      const b = bounds[i + 1] as number;
      if (b < low - 1) out.push(a, b);
      else if (a > high + 1) {
        if (!placed) out.push(low, high);
        placed = true;
        out.push(a, b);
      } else {
        low = Math.min(low, a);
        high = Math.max(high, b);
      }
    }
    if (!placed) out.push(low, high);
    this.#bounds = out;
    this.#size = sizeOf(out);
  }
}

function sizeOf(ranges: Ranges): number {
  let size = 0;
  for (let i = 0; i < ranges.length; i += 2)
    size += (ranges[i + 1] as number) - (ranges[i] as number) + 1;
  return size;
}

/** True for well-formed ranges of positive integers; used on what a peer sent. */
export function isRanges(value: unknown): value is Ranges {
  if (!Array.isArray(value) || value.length % 2 !== 0) return false;
  let before = -1;
  for (let i = 0; i < value.length; i += 2) {
    const [from, through] = [value[i] as unknown, value[i + 1] as unknown];
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(through)) return false;
    if (
      (from as number) < 1 ||
      (from as number) <= before + 1 ||
      (through as number) < (from as number)
    )
      return false;
    before = through as number;
  }
  return true;
}
