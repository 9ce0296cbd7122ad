/** Every limit and every time of delivery, with its unit and what happens at it. */

/** Monotonic channels: what waits in one lane. */
export const LATEST = {
  /** Keys that wait; a message of a further key is refused, one of a waiting key never is. */
  keysMax: 10_000,
  /** Bytes that wait; while there are more, a message of a further key is refused. */
  bytesMax: 8 * 1024 * 1024,
  /** Posted at once when the link asks for more, so that a value stays replaceable. */
  burstBytes: 64 * 1024,
} as const;

/** Acked channels, at the sender. */
export const ACKED_OUT = {
  /** Messages of this node that are not answered yet; a further one is refused. */
  pendingMax: 10_000,
  /** Repetitions of one message; then its outcome is unknown. */
  retriesMax: 3,
  /** The wait for the first answer; doubled each time, times a random factor from 3/4 to 5/4. */
  delayMsMin: 1_000,
  /** No wait is longer. */
  delayMsMax: 8_000,
  /** Nodes whose last id is remembered; a forgotten one goes on after the highest id of all. */
  targetsMax: 10_000,
  /** Due messages are looked for no more often than this, by one timer for all of them. */
  granularityMs: 50,
} as const;

/** Acked channels, at the receiver: what it remembers of one start of a sender. */
export const ACKED_IN = {
  /** Messages that were handled; of more the oldest are forgotten, and repeats of them refused. */
  idsMax: 100_000,
  /** The same after this time. */
  keepMs: 10 * 60 * 1_000,
  /** Answers that are errors are kept whole; above this many bytes the oldest are forgotten. */
  errorBytesMax: 4 * 1024 * 1024,
  /** Messages being handled; a further one is answered with ERR_QUEUE_FULL. */
  handlingMax: 10_000,
  /** Starts of senders remembered; of more the one that was silent for longest is forgotten. */
  sendersMax: 10_000,
} as const;

/** Messages that wait until every lane has delivered what was sent before them. */
export const FENCE = {
  /** Of one peer and channel; a further one goes to its handler at once. */
  heldMax: 1_000,
  /** Bytes of them; the same. */
  heldBytesMax: 4 * 1024 * 1024,
} as const;

/** Compression of single messages, chunks and pieces. */
export const COMPRESSION = {
  /** What is smaller is sent as it is. */
  thresholdBytesDefault: 1024,
  /** Compressed bytes are sent when they are at most this part of the raw ones. */
  keepRatio: 7 / 8,
} as const;
