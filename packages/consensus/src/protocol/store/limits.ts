/**
 * Limits of the replicated store. They are part of its state: a command changes them, a snapshot carries them, so every
 * member refuses the same. A first member begins with `STORE_LIMITS`.
 */
export interface StoreLimits {
  /** Of a key's UTF-8 bytes; a longer one is refused. */
  readonly keyBytesMax: number;
  /** Of one value; a larger one is refused. */
  readonly valueBytesMax: number;
  /** Operations in one branch of a transaction, and comparisons; more are refused. */
  readonly operationsMax: number;
  /** Keys that one transaction reads or deletes; for more than these ask with a limit, page by page. */
  readonly rangeKeysMax: number;
  /** Size of the values that one transaction reads or deletes; with more than these it is refused. */
  readonly answerBytesMax: number;
  /** Leases at one time; one more is refused. */
  readonly leasesMax: number;
  /** A lease's time to live, milliseconds; shorter and longer ones are refused. */
  readonly leaseMsMin: number;
  readonly leaseMsMax: number;
  /** Leases renewed by one command. */
  readonly keptLeasesMax: number;
  /** Keys and values that are there, `PAIR_OVERHEAD_BYTES` added for each; a put beyond is refused. */
  readonly storeBytesMax: number;
  /** Past revisions kept; older ones are compacted. */
  readonly historyRevisionsMax: number;
  /** Size of the changes of the past revisions kept; older ones are compacted. */
  readonly historyBytesMax: number;
  /** Revisions older than this in the log's time are compacted, milliseconds. */
  readonly historyMs: number;
}

export const STORE_LIMITS: StoreLimits = {
  keyBytesMax: 1_024,
  valueBytesMax: 1_000_000,
  operationsMax: 128,
  rangeKeysMax: 10_000,
  answerBytesMax: 33_554_432,
  leasesMax: 100_000,
  leaseMsMin: 1,
  leaseMsMax: 86_400_000,
  keptLeasesMax: 1_000,
  storeBytesMax: 1_073_741_824,
  historyRevisionsMax: 100_000,
  historyBytesMax: 67_108_864,
  historyMs: 600_000,
};

/** What a key is counted with beside its bytes and its value's, so that small ones are bounded too. */
export const PAIR_OVERHEAD_BYTES = 64;

/** Values up to this size are kept as texts, larger ones as bytes: beside them the cost of an array is nothing. */
export const VALUE_TEXT_BYTES_MAX = 4_096;

/** Keys in one page of the sorted map: small enough to move, large enough that pages are few. */
export const PAGE_KEYS_MAX = 512;

/** A frame of a snapshot is closed when its records reach this size. */
export const SNAPSHOT_FRAME_BYTES_AIM = 65_536;

/** A larger frame of a snapshot is malformed: the largest answer that a session keeps is within it. */
export const SNAPSHOT_FRAME_BYTES_MAX = 268_435_456;
