/**
 * History: the changes of past revisions, newest kept longest.
 *
 * Why it exists: a watch that begins in the past, or was slow, reads the changes from here, and a read of the past takes
 * the newest state and undoes what came after. So the present costs nothing for having a past, and a read of the past
 * costs as much as has happened since; the past is bounded by count, by size and by the log's time.
 *
 * Invariants: revisions follow each other without a gap; what is before `first` is forgotten; nothing here is changed,
 * only dropped, so whoever holds a batch may keep it.
 */
import type { Change, KeyValue, Revision, WatchBatch } from "../../engine/engine.js";
import { invariant } from "../invariant.js";
import { orderOf } from "./key-order.js";
import { PAIR_OVERHEAD_BYTES, type StoreLimits } from "./limits.js";
import { valueBytesOf } from "./stored-pair.js";

/** One revision. */
export interface HistoryBatch extends WatchBatch {
  /** Of the log, when it was made. */
  readonly timeMs: number;
}

/** Dropped ones are cut off when this many have gathered, and they are the half. */
const CUT_MIN = 1_024;

export class History {
  #batches: HistoryBatch[] = [];
  /** Of each batch: what is dropped is old, and need not be read again. */
  #sizes: number[] = [];
  #head = 0;
  #bytes = 0;
  #compacted: Revision;

  /** @param compacted what is before this revision is forgotten; `batches` are those from it on */
  constructor(compacted: Revision = 0, batches: readonly HistoryBatch[] = []) {
    this.#compacted = compacted;
    for (const batch of batches) this.add(batch);
  }

  /** Reads and watches before this revision are refused. */
  get compacted(): Revision {
    return this.#compacted;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#batches.length - this.#head;
  }

  at(revision: Revision): HistoryBatch | undefined {
    const first = this.#batches[this.#head];
    return first && this.#batches[this.#head + revision - first.revision];
  }

  add(batch: HistoryBatch): void {
    const last = this.#batches.at(-1);
    invariant(!last || batch.revision === last.revision + 1, "revisions have no gap");
    const sizeBytes = batchBytes(batch);
    this.#batches.push(batch);
    this.#sizes.push(sizeBytes);
    this.#bytes += sizeBytes;
  }

  /** Forgets what is before `revision`, which has been. */
  compact(revision: Revision): void {
    if (revision <= this.#compacted) return;
    this.#compacted = revision;
    let first = this.#batches[this.#head];
    while (first && first.revision < revision) first = this.#drop();
    if (this.#head < CUT_MIN || this.#head * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#sizes = this.#sizes.slice(this.#head);
    this.#head = 0;
  }

  /** Forgets what is too much or too old; the newest revision stays. */
  trim(timeMs: number, limits: StoreLimits): void {
    const { historyRevisionsMax, historyBytesMax, historyMs } = limits;
    let first = this.#batches[this.#head];
    while (first && this.count > 1) {
      const isOld = timeMs - first.timeMs > historyMs;
      if (!isOld && this.count <= historyRevisionsMax && this.#bytes <= historyBytesMax) return;
      this.compact(first.revision + 1);
      first = this.#batches[this.#head];
    }
  }

  /** All that is kept, oldest first. */
  batches(): readonly HistoryBatch[] {
    return this.#batches.slice(this.#head);
  }

  /**
   * What keys between `from` and `to` (as `orderOf` gives them) were at `revision`, where it is not what they are now.
   *
   * @param pending changes that are not in the history yet, and are undone too
   */
  undo(
    revision: Revision,
    from: string,
    to: string,
    pending: readonly Change[],
  ): Map<string, KeyValue | undefined> {
    const past = new Map<string, KeyValue | undefined>();
    undoChanges(past, pending, from, to);
    for (let i = this.#batches.length - 1; i >= this.#head; i -= 1) {
      const batch = this.#batches[i] as HistoryBatch;
      if (batch.revision <= revision) break;
      undoChanges(past, batch.changes, from, to);
    }
    return past;
  }

  #drop(): HistoryBatch | undefined {
    this.#bytes -= this.#sizes[this.#head] as number;
    // The place is freed at once; the array is cut later.
    (this.#batches as (HistoryBatch | undefined)[])[this.#head] = undefined;
    this.#head += 1;
    return this.#batches[this.#head];
  }
}

function undoChanges(
  past: Map<string, KeyValue | undefined>,
  changes: readonly Change[],
  from: string,
  to: string,
): void {
  for (const change of changes) {
    const order = orderOf(change.type === "put" ? change.pair.key : change.key);
    if (order >= from && order < to) past.set(order, change.previous);
  }
}

function batchBytes(batch: HistoryBatch): number {
  let bytes = PAIR_OVERHEAD_BYTES;
  for (const change of batch.changes) {
    const key = change.type === "put" ? change.pair.key : change.key;
    bytes += PAIR_OVERHEAD_BYTES + key.length;
    if (change.type === "put") bytes += valueBytesOf(change.pair);
    if (change.previous) bytes += valueBytesOf(change.previous);
  }
  return bytes;
}
