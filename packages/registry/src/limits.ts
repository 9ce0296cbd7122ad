/**
 * Every limit of the registry, with its name: what happens at each is said here and counted.
 */
/** Limits of one registry; each has a default. */
export interface RegistryLimits {
  /** Bytes of a name in UTF-8. A longer one is refused: ERR_NAME_INVALID. @default 255 */
  readonly nameBytesMax: number;
  /** Local calls waiting for a reply. One more is refused: ERR_QUEUE_FULL. @default 100_000 */
  readonly pendingCallsMax: number;
  /** Locations learnt from replies before the claim itself arrived; the oldest goes. @default 10_000 */
  readonly hintsMax: number;
  /** Milliseconds such a location is believed without its claim. @default 30_000 */
  readonly hintMs: number;
  /** Restarts of one child within `restartsWithinMs`; one more marks it failed. @default 3 */
  readonly restartsMax: number;
  /** The window of `restartsMax`, in milliseconds. @default 5_000 */
  readonly restartsWithinMs: number;
  /** Milliseconds between two checks that every child runs where its spec says. @default 5_000 */
  readonly sweepIntervalMs: number;
  /** Milliseconds a child gets to end before it is killed. @default 5_000 */
  readonly stopGraceMs: number;
  /** Milliseconds a call, a start or a stop waits unless it says otherwise. @default 5_000 */
  readonly timeoutMs: number;
  /** Takeovers that run at once; the others wait their turn. @default 64 */
  readonly startsAtOnceMax: number;
  /** Children looked at in one turn of the event loop; the others in the next ones. @default 1_000 */
  readonly looksAtOnceMax: number;
  /** Watched processes of other nodes. One more is refused: ERR_QUEUE_FULL. @default 100_000 */
  readonly monitorsMax: number;
  /** Ended processes one message tells a watching node of; the others follow. @default 500 */
  readonly noticesAtOnceMax: number;
  /** Milliseconds until a watcher that did not answer is told again. @default 1_000 */
  readonly noticeRetryMs: number;
  /** Watching nodes remembered that seem to be gone, to be told when they were not; the oldest goes. @default 1_000 */
  readonly forgottenWatchersMax: number;
  /** Events a `watch` holds for a slow reader before the oldest is dropped. @default 1_000 */
  readonly watchBuffer: number;
}

/** The limits used where `createRegistry` is given none. */
export const defaultLimits: RegistryLimits = {
  nameBytesMax: 255,
  pendingCallsMax: 100_000,
  hintsMax: 10_000,
  hintMs: 30_000,
  restartsMax: 3,
  restartsWithinMs: 5_000,
  sweepIntervalMs: 5_000,
  stopGraceMs: 5_000,
  timeoutMs: 5_000,
  startsAtOnceMax: 64,
  looksAtOnceMax: 1_000,
  monitorsMax: 100_000,
  noticesAtOnceMax: 500,
  noticeRetryMs: 1_000,
  forgottenWatchersMax: 1_000,
  watchBuffer: 1_000,
};
