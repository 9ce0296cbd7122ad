/** Every limit of @foundation/cache, with its name. */

/** Limits of one cache on one node. */
export interface CacheLimits {
  /** Bytes of one encoded entry of a shared cache: it travels in one message. */
  readonly entryBytesMax: number;
  /** Length of a key in UTF-16 units. */
  readonly keyLengthMax: number;
  /** Tags of one entry. */
  readonly tagsMax: number;
  /** Deletions remembered one by one; older ones are remembered as a floor of their bucket. */
  readonly tombstonesMax: number;
  /** Tag invalidations remembered, so that a computation that began before cannot fill after. */
  readonly tagFloorsMax: number;
  /** Keys that are being computed at one time, as their primary counts them. */
  readonly flightsMax: number;
  /** Callers on other nodes that wait for one computation. */
  readonly flightWaitersMax: number;
  /** Keys whose near copies the primary keeps account of; those of older ones are withdrawn. */
  readonly nearKeysMax: number;
  /** Bytes of records in one message of a repair, and in one page of a dump. */
  readonly pageBytesMax: number;
  /** Pages of one bucket that are taken of one node. */
  readonly bucketPagesMax: number;
  /** Buckets that are pulled from other nodes at one time. */
  readonly pullsMax: number;
  /** Attempts of `update` before it gives up. */
  readonly updateAttemptsMax: number;
}

export const CACHE_LIMITS: CacheLimits = {
  entryBytesMax: 786_432,
  keyLengthMax: 1_024,
  tagsMax: 32,
  tombstonesMax: 100_000,
  tagFloorsMax: 10_000,
  flightsMax: 100_000,
  flightWaitersMax: 10_000,
  nearKeysMax: 100_000,
  pageBytesMax: 131_072,
  bucketPagesMax: 16_384,
  pullsMax: 16,
  updateAttemptsMax: 32,
};

/** Times, milliseconds. */
export interface CacheTimes {
  /** A write waits this long for a copy on a node that does not answer; then repair brings it. */
  readonly copyMs: number;
  /** Between two attempts while nodes see different members. */
  readonly retryMs: number;
  /** Between two rounds of repair. */
  readonly repairMs: number;
  /** A node that joins waits this long for the others to say what they hold. */
  readonly joinMs: number;
  /**
   * In quorum mode a node whose epoch was not confirmed for this long keeps silent. A new epoch that cannot reach the
   * old owners waits a quarter longer, the bound on how clocks differ in speed, and begins without their entries.
   */
  readonly confirmedWithinMs: number;
}

export const CACHE_TIMES: CacheTimes = {
  copyMs: 1_000,
  retryMs: 20,
  repairMs: 30_000,
  joinMs: 5_000,
  confirmedWithinMs: 10_000,
};

/** Entries of one cache on one node unless `maxEntries` says otherwise. */
export const ENTRIES_MAX = 100_000;
/** Bytes of one cache on one node unless `maxBytes` says otherwise. */
export const BYTES_MAX = 64 * 1_048_576;
/** Counted for each entry beside its key and its value: what the tables around it take. */
export const ENTRY_OVERHEAD_BYTES = 160;

/** Parts that the keys are divided into. The same on every node: part of the protocol. */
export const BUCKETS = 512;

/** In the eventual mode nothing is taken of a node whose clock is further ahead than this, milliseconds. */
export const CLOCK_AHEAD_MS_MAX = 24 * 3_600_000;

/** Operations wait this long unless told otherwise, milliseconds. */
export const TIMEOUT_MS = 5_000;
/** `getOrCompute` waits this long for somebody else's computation unless told otherwise. */
export const COMPUTE_TIMEOUT_MS = 30_000;
/** A near copy is believed this long unless it is withdrawn before, milliseconds. */
export const NEAR_TTL_MS = 5_000;
/** Nodes that keep a copy of each entry of a partitioned cache unless told otherwise. */
export const REPLICAS = 2;
export const REPLICAS_MAX = 7;
