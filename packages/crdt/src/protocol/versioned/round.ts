/**
 * A round of anti-entropy: which part of what differs is compared next.
 *
 * Whole buckets, as many as the limits allow. A bucket that alone is too large for a message (long
 * keys, many entries) is compared in parts, in the order of its keys; the summary says which part,
 * because nothing may follow from what was not compared.
 *
 * Invariants: a summary has at least one entry or one bucket and about `summaryBytesAim` bytes; a
 * cursor that is handed back again and again passes every key of every bucket that differs.
 */
import { BUCKETS } from "../../limits.js";
import { plainSize, utf8Size } from "../plain-size.js";
import type { BucketTable } from "./bucket-table.js";
import type { KeyRange, Summary } from "./messages.js";

/** Where the comparison goes on: behind a key of a bucket, or "" for its beginning. */
export interface Cursor {
  readonly bucket: number;
  readonly after: string;
}

export const START: Cursor = { bucket: 0, after: "" };

/** A bucket whose digests differ, with the larger of both counts. */
export interface Differing {
  readonly index: number;
  readonly count: number;
}

export interface Round<S> {
  readonly summary: Summary<S>;
  readonly next: Cursor;
  /** Buckets that are compared to their end by it. */
  readonly buckets: number;
}

export interface RoundLimits {
  readonly roundEntriesMax: number;
  readonly summaryBytesAim: number;
}

type SummaryItem<S> = Summary<S>["items"][number];

/** The next round from the cursor on, around the end. */
export function nextRound<V, S>(
  table: BucketTable<V, S>,
  differing: readonly Differing[],
  cursor: Cursor,
  limits: RoundLimits,
): Round<S> {
  const at = differing.findIndex(({ index }) => index >= cursor.bucket);
  const first = Math.max(0, at);
  const after = differing[first]?.index === cursor.bucket ? cursor.after : "";
  const buckets: number[] = [];
  const items: SummaryItem<S>[] = [];
  let entries = 0;
  let sizeBytes = 0;
  for (let step = 0; step < differing.length; step += 1) {
    const bucket = differing[(first + step) % differing.length];
    if (bucket === undefined) break;
    const part = itemsOf(table, bucket.index);
    const partBytes = part.reduce((sum, item) => sum + sizeOf(item), 0);
    entries += bucket.count;
    sizeBytes += partBytes;
    if (buckets.length === 0 && (after !== "" || partBytes > limits.summaryBytesAim)) {
      return partOf(bucket.index, part, after, limits.summaryBytesAim);
    }
    const isFull = entries > limits.roundEntriesMax || sizeBytes > limits.summaryBytesAim;
    if (buckets.length > 0 && isFull) break;
    buckets.push(bucket.index);
    items.push(...part);
  }
  const next = { bucket: ((buckets.at(-1) ?? 0) + 1) % BUCKETS, after: "" };
  return { summary: { type: "summary", buckets, items }, next, buckets: buckets.length };
}

/** True when a key is in the compared part of its bucket. */
export function isWithin(key: string, range: KeyRange | undefined): boolean {
  if (range === undefined) return true;
  return key > range.after && (range.through === undefined || key <= range.through);
}

function partOf<S>(
  bucket: number,
  all: SummaryItem<S>[],
  after: string,
  bytesAim: number,
): Round<S> {
  const rest = all.filter(([key]) => key > after).sort(([a], [b]) => (a < b ? -1 : 1));
  const items: SummaryItem<S>[] = [];
  let sizeBytes = 0;
  for (const item of rest) {
    if (sizeBytes >= bytesAim) break;
    items.push(item);
    sizeBytes += sizeOf(item);
  }
  const isEnd = items.length === rest.length;
  const through = isEnd ? undefined : items.at(-1)?.[0];
  const next = isEnd
    ? { bucket: (bucket + 1) % BUCKETS, after: "" }
    : { bucket, after: through ?? "" };
  const summary = { type: "summary", buckets: [bucket], items, range: { after, through } } as const;
  return { summary, next, buckets: isEnd ? 1 : 0 };
}

function itemsOf<V, S>(table: BucketTable<V, S>, index: number): SummaryItem<S>[] {
  const items: SummaryItem<S>[] = [];
  for (const item of table.bucket(index).values()) {
    if (!item.ripe) items.push([item.key, item.stamp, item.hash.low, item.deleted ? 1 : 0]);
  }
  return items;
}

function sizeOf<S>([key, stamp]: SummaryItem<S>): number {
  return 16 + utf8Size(key) + plainSize(stamp);
}
