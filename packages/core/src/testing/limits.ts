/** Limits of the in-memory twins. They are those of the real adapters unless a test passes its own. */
export const testingLimits = {
  /** Rounds without time passing after which a virtual clock says that the world never settles. */
  settleRoundsMax: 1_000_000,
  /** Rounds without time passing after which it looks who asks for them; how many stacks it takes then, and of each. */
  restlessRounds: 10_000,
  restlessStacks: 100,
  restlessFrames: 30,
  /** Turns of the event loop that a virtual clock asks Node for at once. */
  turnsAtOnceMax: 64,
  /** Cancelled timers above the number of pending ones at which a virtual clock drops them. */
  cancelledTimersMax: 256,
  /** How long a claim of a memory name store lives without being renewed. */
  nameTtlMs: 10_000,
  /** The largest frame of a memory transport, in bytes. */
  frameBytesMax: 1_048_576,
  /** How long a memory dial waits for a blackholed peer. */
  dialTimeoutMs: 10_000,
  /** How long a memory connection waits for its peer to take what was sent before `close`. */
  closeTimeoutMs: 5_000,
  /** Bytes on the way from one node to another above which `send` waits and `trySend` says "full". */
  queueBytesMax: 8_388_608,
  /** The largest encoded payload of one message. */
  messageBytesMax: 1_048_576,
  /** Requests of one node that wait for a reply. */
  pendingRequestsMax: 10_000,
  /** Bytes of one stream that its consumer has not taken, above which the source is not read. */
  streamWindowBytes: 262_144,
  /** A larger piece of a source travels in several. */
  streamPieceBytes: 65_536,
  /** Streams from one node to another. */
  streamsMax: 1_000,
} as const;
