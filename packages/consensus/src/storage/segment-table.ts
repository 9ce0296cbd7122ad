/**
 * SegmentTable: which entries stand in which segment.
 *
 * A segment is only ever appended to. An entry that is written again, in the same segment or a later one, voids what
 * stood at its index and behind it; so of each segment a range of indexes counts. No entry has a place in memory: where
 * in its segment it stands is found when the segment is read.
 */

/** One file of the log. */
export interface Segment {
  readonly seq: number;
  readonly file: string;
  /** The entries that count, `from` to `to`; none when `to` is smaller. */
  from: number;
  to: number;
  /** The highest index that was ever written to it. */
  highest: number;
}

/** Names of segments sort like their numbers. */
export function segmentFile(folder: string, seq: number): string {
  return `${folder}/log-${String(seq).padStart(12, "0")}`;
}

/** The number of a segment by its name; undefined for other files. */
export function segmentSeq(folder: string, file: string): number | undefined {
  const match = /^log-(\d{12})$/.exec(file.slice(folder.length + 1));
  return match ? Number(match[1]) : undefined;
}

export class SegmentTable {
  readonly #segments: Segment[] = [];
  /** Where the last entry was found: reads go on where they ended. */
  #hint: Segment | undefined;

  get all(): readonly Segment[] {
    return this.#segments;
  }

  get newest(): Segment | undefined {
    return this.#segments.at(-1);
  }

  /** A new segment, into which entries go from now on. */
  add(seq: number, file: string): void {
    this.#segments.push({ seq, file, from: 1, to: 0, highest: 0 });
  }

  /** An entry was written to the newest segment. */
  note(index: number): void {
    const newest = this.#segments.at(-1) as Segment;
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i] as Segment;
      if (segment.to >= index) segment.to = index - 1;
      // What is older ends earlier, but for segments that are void and say nothing.
      else if (segment.to >= segment.from) break;
    }
    if (newest.to < newest.from) newest.from = index;
    newest.to = index;
    newest.highest = Math.max(newest.highest, index);
  }

  /** No entry counts any more. */
  voidAll(): void {
    for (const segment of this.#segments) {
      segment.to = segment.from - 1;
      segment.highest = 0;
    }
  }

  /** The segment that has the entry. */
  locate(index: number): Segment | undefined {
    if (this.#hint && this.#hint.from <= index && index <= this.#hint.to) return this.#hint;
    for (let i = this.#segments.length - 1; i >= 0; i--) {
      const segment = this.#segments[i] as Segment;
      if (segment.from > index || index > segment.to) continue;
      this.#hint = segment;
      return segment;
    }
    return undefined;
  }

  /** The oldest segments that have nothing behind `index`; the newest stays always. */
  removable(index: number): readonly Segment[] {
    const end = this.#segments.findIndex((segment) => segment.highest > index);
    const kept = end < 0 ? this.#segments.length - 1 : Math.min(end, this.#segments.length - 1);
    return this.#segments.slice(0, kept);
  }

  /** The oldest segment is no more. */
  removeOldest(): void {
    if (this.#segments.shift() === this.#hint) this.#hint = undefined;
  }
}
