/** Limits of the socket over which an operator speaks to a node of the same machine. */
export const CONTROL_LIMITS = {
  /** A question, or an answer; a longer one ends the connection. */
  lineBytesMax: 262_144,
  /** Operators at once; one more is turned away. */
  connectionsMax: 16,
  /** A connection on which nothing moves is closed, milliseconds. */
  idleMs: 30_000,
  /** Length of a socket's path, by the strictest system; a data directory with a longer one has no socket. */
  pathBytesMax: 103,
} as const;
