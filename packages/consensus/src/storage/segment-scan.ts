/**
 * Reading a segment: batch by batch, and what to make of its end.
 *
 * A batch is appended only after the sync of the one before has resolved. So what a crash may leave unwritten, half
 * written, or as bytes that nobody wrote, is one batch, the last: a *torn end*, never acknowledged, which is cut. Everything
 * else is damage, and told from it by batch numbers: a whole record of a later batch behind the broken one, or the witness
 * (`witness.ts`), shows that the broken batch was synced once.
 */
import { damaged } from "./log-errors.js";
import { RECORD_HEAD_BYTES, type RecordCursor } from "./record.js";

/** Called for each whole batch, with where its records begin and end. */
export type OnBatch = (from: number, to: number) => void;

export interface ScanEnd {
  /** Where the last whole batch ends. */
  readonly offset: number;
  /** The number of the batch that comes next. */
  readonly batch: number;
  /** Where the first record stands that is not whole; the segment's size when all are. */
  readonly brokenAt: number;
}

/** Reads whole batches from the offset on, the first of which must have the number `batch`. */
export function scanBatches(
  cursor: RecordCursor,
  offset: number,
  batch: number,
  onBatch: OnBatch,
): ScanEnd {
  let start = offset;
  let number = batch;
  let at = offset;
  while (at < cursor.sizeBytes) {
    if (!cursor.read(at) || cursor.batch !== number) break;
    at = cursor.end;
    if (!cursor.isLastOfBatch) continue;
    onBatch(start, at);
    start = at;
    number += 1;
  }
  return { offset: start, batch: number, brokenAt: at };
}

/**
 * Makes sure that what a scan left over can be the torn end of a crash.
 * @throws {ERR_LOG_DAMAGED} when a later batch follows.
 */
export function refuseDamage(cursor: RecordCursor, end: ScanEnd, file: string): void {
  for (let at = end.brokenAt; at + RECORD_HEAD_BYTES <= cursor.sizeBytes; at++) {
    if (!cursor.read(at) || cursor.batch <= end.batch) continue;
    const reason = `the record there is not whole, and whole ones of later writes begin at ${at}`;
    throw damaged(file, end.brokenAt, reason);
  }
}
