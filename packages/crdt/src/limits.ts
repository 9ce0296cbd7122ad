/** Every limit and interval of @foundation/crdt, with its name. Options may change those of a store. */

/** Limits of an owner-sharded store. */
export interface OwnedLimits {
  /** Live entries one node may own in one store. */
  readonly entriesMax: number;
  /** Estimated encoded size of one value. */
  readonly valueBytesMax: number;
  /** UTF-8 size of one key. */
  readonly keyBytesMax: number;
  /** Tombstones a shard keeps; above it the older half is compacted and the floor rises. */
  readonly tombstonesMax: number;
  /** Entries of one delta message. */
  readonly deltaEntriesMax: number;
  /** A delta message is closed when its entries' estimated size reaches this. */
  readonly deltaBytesAim: number;
  /** Deltas one flush broadcasts; receivers pull the rest at their own pace. */
  readonly flushDeltasMax: number;
  /** Shards one message of a version vector names. */
  readonly vectorEntriesMax: number;
  /** Down owners whose entries are kept for their return; the one down longest is forgotten. */
  readonly hiddenShardsMax: number;
  /** Requests of other nodes to be told when a shard has arrived. */
  readonly waitersMax: number;
}

export const OWNED_LIMITS: OwnedLimits = {
  entriesMax: 1_000_000,
  valueBytesMax: 65_536,
  keyBytesMax: 1_024,
  tombstonesMax: 10_000,
  deltaEntriesMax: 1_000,
  deltaBytesAim: 65_536,
  flushDeltasMax: 4,
  vectorEntriesMax: 500,
  hiddenShardsMax: 1_000,
  waitersMax: 10_000,
};

/** Limits of a multi-writer map. */
export interface MapLimits {
  /** Live entries of one map. */
  readonly entriesMax: number;
  /** Estimated encoded size of one value. */
  readonly valueBytesMax: number;
  /** UTF-8 size of one key. */
  readonly keyBytesMax: number;
  /** Tombstones of one map; above it the oldest are dropped before their time, and counted. */
  readonly tombstonesMax: number;
  /** Entries of one delta message. */
  readonly deltaEntriesMax: number;
  /** A delta message is closed when its entries' estimated size reaches this. */
  readonly deltaBytesAim: number;
  /** Entries one round of anti-entropy compares; the next round goes on behind them. */
  readonly roundEntriesMax: number;
  /** Estimated size of what one round compares: a larger bucket is compared in several rounds. */
  readonly summaryBytesAim: number;
  /** Estimated size of the entries one round or one flush sends; the next round sends the rest. */
  readonly roundBytesAim: number;
}

export const MAP_LIMITS: MapLimits = {
  entriesMax: 1_000_000,
  valueBytesMax: 65_536,
  keyBytesMax: 1_024,
  tombstonesMax: 100_000,
  deltaEntriesMax: 1_000,
  deltaBytesAim: 65_536,
  roundEntriesMax: 2_000,
  summaryBytesAim: 131_072,
  roundBytesAim: 1_048_576,
};

/** Limits of one causal state: a replicated map, set, counter, flag, register or nested map. */
export interface CausalLimits {
  /** Keys of one state; others' writes are still taken up to twice as many. */
  readonly entriesMax: number;
  /** Encoded size of one value. */
  readonly valueBytesMax: number;
  /** UTF-8 size of one key. */
  readonly keyBytesMax: number;
  /** Entries of one delta message. */
  readonly deltaEntriesMax: number;
  /** A delta message is closed when its entries' estimated size reaches this. */
  readonly deltaBytesAim: number;
  /** What one turn broadcasts at most; receivers pull the rest at their own pace. */
  readonly flushBytesAim: number;
  /** The credit of one pull: what a server sends before the puller asks again. */
  readonly pullBytesAim: number;
  /** Writers (openings of the state by a node) one replica knows; more are refused. */
  readonly strandsMax: number;
  /** Writers one message of a version vector names. */
  readonly vectorStrandsMax: number;
  /** Holes in what is known of one writer; what would make more is taken only if it was asked for. */
  readonly gapsMax: number;
  /** Block digests one message compares; the next comparison goes on behind them. */
  readonly blocksMax: number;
  /** Bitmaps of blocks one message holds, 128 bytes each. */
  readonly bitmapsMax: number;
  /** Runs of removed writes one message holds; what exceeds is found by digests. */
  readonly runsMax: number;
}

export const CAUSAL_LIMITS: CausalLimits = {
  entriesMax: 1_000_000,
  valueBytesMax: 65_536,
  keyBytesMax: 1_024,
  deltaEntriesMax: 1_000,
  deltaBytesAim: 65_536,
  flushBytesAim: 524_288,
  pullBytesAim: 524_288,
  strandsMax: 10_000,
  vectorStrandsMax: 500,
  gapsMax: 1_000,
  blocksMax: 2_048,
  bitmapsMax: 256,
  runsMax: 2_000,
};

/** Writes of one writer that share a digest in anti-entropy; part of the wire format. */
export const BLOCK_WRITES = 1_024;

/** Entries with a time to live end together when they do so within so many milliseconds. */
export const EXPIRY_SLOT_MS = 50;

/** Writers whose blocks one round of anti-entropy compares; the next round takes the others. */
export const COMPARED_STRANDS_MAX = 64;

/** A persistent state's log is folded into a snapshot above this, and above twice the snapshot. */
export const LOG_BYTES_AIM = 1_048_576;

/** After a failed write of a persistent state it is not tried again for so long, twice as long each time, milliseconds. */
export const PERSIST_RETRY_MS = 500;

/** The longest pause between two such tries. */
export const PERSIST_RETRY_MS_MAX = 30_000;

/** Buckets a multi-writer map's keys are spread over for anti-entropy; part of the wire format. */
export const BUCKETS = 1_024;

/** Nesting of a value that is still measured; deeper ones the codec refuses. */
export const PLAIN_DEPTH_MAX = 64;

/** Between two rounds of anti-entropy with a random member, milliseconds. */
export const EXCHANGE_INTERVAL_MS = 10_000;

/** Part of the interval that is drawn at random, so that nodes do not move in step. */
export const EXCHANGE_JITTER = 0.2;

/** How long a down owner's hidden shard, and a deletion, are remembered, milliseconds: one day. */
export const TOMBSTONE_MS = 86_400_000;

/**
 * Nodes that spoke of their shard before they were members and are greeted when they are; of more,
 * what they said comes by anti-entropy.
 */
export const EARLY_SPEAKERS_MAX = 1_000;

/**
 * How long an unanswered pull keeps others for the same shard back, and a question to a member
 * another one, milliseconds.
 */
export const PULL_TIMEOUT_MS = 2_000;

/** One probe of `visible()`: how long a member may take to answer, and the pause after a failure. */
export const PROBE_TIMEOUT_MS = 2_000;
export const PROBE_PAUSE_MS = 200;

/** `visible()` waits this long unless told otherwise, milliseconds. */
export const VISIBLE_TIMEOUT_MS = 10_000;

/** UTF-8 size of a store's name. */
export const STORE_NAME_BYTES_MAX = 128;

/** Fields a path in a nested map has at most. */
export const NESTED_DEPTH_MAX = 16;

/** Replicated states a node has open at once. */
export const OPEN_STATES_MAX = 10_000;
