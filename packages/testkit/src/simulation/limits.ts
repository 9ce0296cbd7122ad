/** Limits of a simulation, by name. */
export const simulationLimits = {
  /** How many nodes a simulation has at most; a full mesh of more fits no machine. */
  nodesMax: 10_000,
  /** Failures that are kept: the first ones, since what comes after them often follows from them. */
  failuresMax: 1_000,
  /** Lines the trace keeps. */
  traceLinesMax: 5_000,
  /** The largest frame of the simulated transport, as the WebSocket one's. */
  frameBytesMax: 1_048_576,
  /** Unacknowledged bytes that an operating system's socket buffer hides from `bufferedBytes`. */
  socketBufferBytes: 262_144,
  /** How long a connection waits for its peer to take its close, as the WebSocket one does. */
  closeTimeoutMs: 2_000,
  /** How long a dial waits for an answer, as the WebSocket one does. */
  dialTimeoutMs: 3_000,
  /** How long a crashed node's announcement stays with the simulated discovery. */
  announcementTtlMs: 30_000,
  /** How often a node asks the simulated discovery. */
  discoveryPollMs: 1_000,
  /** A run looks for failures after so much virtual time. */
  sliceMs: 100,
  /** How many bytes of a file one fault of the device turns to zeroes at most. */
  damagedBytesMax: 4_096,
  /** How often an append that finds no space leaves a piece of it behind. */
  tornAppendChance: 0.25,
  /** How long one event may take in real time unless told otherwise. */
  watchdogMs: 10_000,
  /** How often the watchdog looks, at the most and at the least. */
  watchdogLookMsMin: 20,
  watchdogLookMsMax: 1_000,
  /** How often it pauses the main thread until it finds code of the simulation there. */
  watchdogPausesMax: 50,
  /** How long the watchdog's thread outlives the last simulation, in case another begins. */
  watchdogIdleMs: 2_000,
  /** The exit code of a process that the watchdog ended. */
  stuckExitCode: 70,
  /** Frames of the stack, and lines of the trace, that the watchdog prints. */
  stuckFrames: 40,
  stuckTraceLines: 20,
} as const;
