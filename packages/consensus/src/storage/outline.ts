/**
 * Outline: what is known of the log without its entries: where it begins and ends, the term of each index, the hard state.
 *
 * It is kept twice: as the caller sees the log, and as recovery replays it. The same rules hold for both, so what the one
 * may write the other accepts, and nothing else:
 * - indexes have no gap; terms never fall from one entry to the next (Raft paper, section 5.3);
 * - no entry is of a later term than the hard state: the term is on disk before anything of it;
 * - an entry known as committed is never replaced (section 5.4.3);
 * - terms of the hard state never fall, and within one the vote never changes (section 5.2).
 *
 * Terms are kept as runs: a log has few of them, however many entries.
 */
import type { HardState } from "../protocol/raft/entry.js";

export interface Position {
  readonly index: number;
  readonly term: number;
}

interface Run {
  readonly from: number;
  readonly term: number;
}

export const NO_HARD_STATE: HardState = { term: 0, vote: undefined, commit: 0 };

export class Outline {
  #baseIndex: number;
  /** Undefined where the segments that knew it are gone. */
  #baseTerm: number | undefined;
  #lastIndex: number;
  #runs: Run[] = [];
  #hardState: HardState;
  /** The commit index at the end of the batch before: a batch may replace what it commits itself. */
  #committed: number;

  /** An empty log behind `base`. */
  constructor(base: Position, hardState: HardState) {
    this.#baseIndex = base.index;
    this.#baseTerm = base.term;
    this.#lastIndex = base.index;
    this.#hardState = hardState;
    this.#committed = hardState.commit;
  }

  get firstIndex(): number {
    return this.#baseIndex + 1;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get lastTerm(): number {
    return this.termAt(this.#lastIndex) ?? 0;
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  /** The term of the entry, or of the one before the first; undefined when it is not known. */
  termAt(index: number): number | undefined {
    if (index === this.#baseIndex) return this.#baseTerm;
    if (index < this.#baseIndex || index > this.#lastIndex) return undefined;
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#runs[middle] as Run).from <= index) low = middle;
      else high = middle - 1;
    }
    return this.#runs[low]?.term;
  }

  /** Why the entry must not be put where it says; undefined when it may. */
  problemOfEntry(index: number, term: number): string | undefined {
    if (index > this.#lastIndex + 1) return `entry ${index} follows entry ${this.#lastIndex}`;
    if (index <= this.#lastIndex && index <= this.#committed) {
      return `entry ${index} replaces a committed one`;
    }
    if (term > this.#hardState.term) {
      return `entry ${index} is of term ${term}, beyond the hard state's ${this.#hardState.term}`;
    }
    const before = this.termAt(index - 1) ?? 0;
    if (term < before) return `entry ${index} is of term ${term}, behind one of term ${before}`;
    return undefined;
  }

  /** Puts an entry at its index; what stood there and behind it is gone. */
  put(index: number, term: number): void {
    if (index <= this.#baseIndex) {
      // Only while reading a log whose beginning was removed after entries of it were replaced.
      this.#baseIndex = index - 1;
      this.#baseTerm = undefined;
      this.#runs = [];
    }
    while (this.#runs.length > 0 && (this.#runs.at(-1) as Run).from >= index) this.#runs.pop();
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ from: index, term });
    this.#lastIndex = index;
  }

  problemOfHardState({ term, vote, commit }: HardState): string | undefined {
    const now = this.#hardState;
    if (term < now.term) return `the hard state's term falls from ${now.term} to ${term}`;
    if (term === now.term && now.vote !== undefined && vote !== now.vote) {
      return `the vote of term ${term} changes`;
    }
    if (commit < now.commit) return `the commit index falls from ${now.commit} to ${commit}`;
    return undefined;
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Why the hard state and the entries behind it must not be written; undefined when they may. */
  problemOfWrite(
    hardState: HardState | undefined,
    entries: readonly Position[],
  ): string | undefined {
    const problem = hardState && this.problemOfHardState(hardState);
    if (problem !== undefined) return problem;
    const { term, commit } = hardState ?? this.#hardState;
    const last = entries.at(-1);
    if (commit > (last?.index ?? this.#lastIndex))
      return `the commit index ${commit} is beyond the log`;
    if (last && last.term > term)
      return `entry ${last.index} is of term ${last.term}, beyond ${term}`;
    let before: Position | undefined;
    for (const entry of entries) {
      const follows = before
        ? entry.index === before.index + 1 && entry.term >= before.term
        : this.#mayFollow(entry);
      if (!follows) return `entry ${entry.index} of term ${entry.term} does not fit the log`;
      before = entry;
    }
    return undefined;
  }

  #mayFollow({ index, term }: Position): boolean {
    if (index > this.#lastIndex + 1 || index <= this.#baseIndex) return false;
    return index > this.#committed && term >= (this.termAt(index - 1) ?? 0);
  }

  /** Ends a batch, or says why it must not end here. */
  endBatch(): string | undefined {
    const { commit } = this.#hardState;
    this.#committed = commit;
    if (commit <= this.#lastIndex) return undefined;
    return `entry ${commit} is committed, and the last one is ${this.#lastIndex}`;
  }

  /** Forgets entries up to `index`, which must be one of the log. */
  compact(index: number): void {
    if (index <= this.#baseIndex) return;
    const term = this.termAt(index);
    while (this.#runs.length > 1 && (this.#runs[1] as Run).from <= index + 1) this.#runs.shift();
    this.#baseIndex = index;
    this.#baseTerm = term;
    if (index === this.#lastIndex) this.#runs = [];
  }
}
