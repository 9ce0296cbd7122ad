/** Limits of the proxy, by name. */
export const proxyLimits = {
  /** Bytes one direction of one connection holds; then its source is read no further until there is room. */
  laneBytesMax: 256 * 1024,
  /** Connections open at once; a further dial fails. */
  gatesMax: 1_000,
  /** A dial that gets no answer fails after this, as the WebSocket transport's own would: its clock starts only then. */
  openMs: 3_000,
} as const;
