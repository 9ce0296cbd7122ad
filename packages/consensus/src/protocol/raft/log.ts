/**
 * RaftLog: the entries since the last compaction, and which of them no write has taken yet.
 *
 * All of them are in memory: the owner bounds them by snapshots. What is on the disk is the
 * outbox's knowledge; here stands only what the next write must contain. A cut of entries that a
 * write has taken needs no word of its own, because what is cut is always replaced: the next write
 * begins behind the cut.
 *
 * Invariants: indexes have no gap; terms never fall (Raft paper, section 5.3); a committed entry is
 * never cut.
 */
import { invariant } from "../invariant.js";
import { entryBytes, type Entry } from "./entry.js";

/** Entries to put on disk behind `after`; whatever stood there is void. */
export interface LogWrite {
  readonly after: number;
  readonly entries: readonly Entry[];
}

const NONE: readonly Entry[] = [];

export class RaftLog {
  /** The last entry that is gone: (0, 0) before the first compaction. */
  #base: number;
  #baseTerm: number;
  #entries: Entry[];
  /** The first index that no write has taken. */
  #unwritten: number;
  #bytes = 0;

  /** `entries` are on disk and follow (base, baseTerm). */
  constructor(base: number, baseTerm: number, entries: readonly Entry[]) {
    this.#base = base;
    this.#baseTerm = baseTerm;
    this.#entries = [...entries];
    let term = baseTerm;
    entries.forEach((entry, i) => {
      invariant(entry.index === base + 1 + i, "the log on disk has a gap");
      invariant(entry.term >= term, "the terms of the log on disk fall");
      term = entry.term;
      this.#bytes += entryBytes(entry);
    });
    this.#unwritten = this.lastIndex + 1;
  }

  /** The first entry that is still there, or would be. */
  get firstIndex(): number {
    return this.#base + 1;
  }

  get lastIndex(): number {
    return this.#base + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#baseTerm;
  }

  /** Size of the entries since the last compaction. */
  get sizeBytes(): number {
    return this.#bytes;
  }

  /** The term of the entry; undefined when it is compacted away or not there yet. */
  termAt(index: number): number | undefined {
    if (index === this.#base) return this.#baseTerm;
    return this.#entries[index - this.#base - 1]?.term;
  }

  entryAt(index: number): Entry | undefined {
    return this.#entries[index - this.#base - 1];
  }

  matches(index: number, term: number): boolean {
    return this.termAt(index) === term;
  }

  /** Raft paper, section 5.4.1: the later last term wins, then the longer log. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const own = this.lastTerm;
    return lastTerm > own || (lastTerm === own && lastIndex >= this.lastIndex);
  }

  /** From `from` up to and including `to`: at least one entry, then until the size is reached. */
  slice(from: number, to: number, bytesAim: number, entriesMax: number): readonly Entry[] {
    if (from > to) return NONE;
    invariant(from > this.#base, "an entry is asked for that is compacted away");
    let end = from;
    let bytes = 0;
    const last = Math.min(to, this.lastIndex, from + entriesMax - 1);
    while (end <= last && (bytes < bytesAim || end === from)) {
      bytes += entryBytes(this.#entries[end - this.#base - 1] as Entry);
      end += 1;
    }
    return this.#entries.slice(from - this.#base - 1, end - this.#base - 1);
  }

  /** Adds entries at the end. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.lastIndex + 1, "an append leaves a gap");
      invariant(entry.term >= this.lastTerm, "an append lowers the term");
      this.#entries.push(entry);
      this.#bytes += entryBytes(entry);
    }
  }

  /** Cuts what is behind `index`; its caller appends something else there. */
  truncate(index: number): void {
    invariant(index >= this.#base, "a cut reaches into what is compacted away");
    for (const entry of this.#entries.splice(index - this.#base)) this.#bytes -= entryBytes(entry);
    this.#unwritten = Math.min(this.#unwritten, index + 1);
  }

  /** The first of these entries that is not in the log; undefined when all are. */
  firstNew(entries: readonly Entry[]): Entry | undefined {
    for (const entry of entries) if (!this.matches(entry.index, entry.term)) return entry;
    return undefined;
  }

  /**
   * The last index up to `index` whose term is at most `term`: beyond it the logs of two members
   * cannot agree, when the other one has `term` at `index`. The compaction point if there is none.
   */
  lastNotAbove(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#base && (this.termAt(at) as number) > term) at -= 1;
    return at;
  }

  /** Forgets everything up to `index`, which a snapshot has. */
  compact(index: number): void {
    const term = this.termAt(index);
    invariant(term !== undefined, "a compaction reaches beyond the log");
    for (const entry of this.#entries.splice(0, index - this.#base)) {
      this.#bytes -= entryBytes(entry);
    }
    this.#base = index;
    this.#baseTerm = term as number;
  }

  /** Begins anew behind a snapshot. */
  restore(index: number, term: number): void {
    this.#base = index;
    this.#baseTerm = term;
    this.#entries = [];
    this.#bytes = 0;
    this.#unwritten = index + 1;
  }

  /** What the next write must contain; it counts as taken from then on. */
  takeUnwritten(): LogWrite | undefined {
    if (this.#unwritten > this.lastIndex) return undefined;
    const after = this.#unwritten - 1;
    invariant(after >= this.#base, "an entry is compacted away that no write has taken");
    const entries = this.#entries.slice(after - this.#base);
    this.#unwritten = this.lastIndex + 1;
    return { after, entries };
  }
}
