/** Every limit of a durable log, with its name. Options may change those of a log. */

/** Limits of a durable log. */
export interface LogLimits {
  /** A segment is closed when it would grow beyond this; it is also read as a whole. */
  readonly segmentBytesAim: number;
  /** Appends that wait for the disk go into one batch, under one sync, until it has this size. */
  readonly batchBytesAim: number;
  /** Appends that wait for the disk, together; more are refused. */
  readonly pendingBytesMax: number;
  /** Newest entries kept in memory until their size reaches this; older ones are read again. */
  readonly windowBytesAim: number;
  /** Encoded size of one entry; a larger one is refused. */
  readonly entryBytesMax: number;
  /** Segments whose bytes are kept after a read, the least recently used given up first. */
  readonly cachedSegmentsMax: number;
  /** The witness is written anew when it has this size. */
  readonly witnessBytesMax: number;
  /** Size of one file of a snapshot, all but the last of which are full. */
  readonly snapshotPartBytes: number;
  /** Files of one snapshot; a larger one is refused. */
  readonly snapshotPartsMax: number;
}

export const LOG_LIMITS: LogLimits = {
  segmentBytesAim: 4_194_304,
  batchBytesAim: 1_048_576,
  pendingBytesMax: 67_108_864,
  windowBytesAim: 8_388_608,
  entryBytesMax: 2_097_152,
  cachedSegmentsMax: 2,
  witnessBytesMax: 262_144,
  snapshotPartBytes: 4_194_304,
  snapshotPartsMax: 16_384,
};

/** Size of a vote's text in a record. */
export const VOTE_BYTES_MAX = 64;
