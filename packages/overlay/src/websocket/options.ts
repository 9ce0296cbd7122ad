/**
 * How every WebSocket of the overlay is set up, on both sides, and what the HTTP server before it
 * allows.
 */
import { LINK } from "../limits.js";

/** Offered and demanded: another protocol on our port fails before its first frame. */
export const SUBPROTOCOL = "foundation.1";
export const PATH = "/_foundation";

/** Limits of the server; Node's own check for slow headers runs only every 30 s. */
export const SERVER = {
  /** From the first packet to the end of the TLS handshake. */
  tlsTimeoutMs: 5_000,
  headersTimeoutMs: 3_000,
  requestTimeoutMs: 5_000,
  checkIntervalMs: 500,
  headerBytesMax: 8 * 1024,
  headersMax: 64,
} as const;

/** Limits of one WebSocket. */
export const SOCKET = {
  fragmentsMax: 16,
  chunksMax: 4_096,
  /**
   * Pings and pongs of the WebSocket protocol in `pingWindowMs`, which nodes never send; one more
   * closes the connection with 1008.
   */
  pingsMax: 32,
  pingWindowMs: 10_000,
} as const;

/**
 * So long a side that was refused, or has broken a rule, has to read why and to answer; then the
 * socket is destroyed. A flood of the refused would hold the room of strangers for longer.
 */
export const FAREWELL_MS = 250;

/** The upgrade of a dial, the TLS handshake included. */
export const UPGRADE_TIMEOUT_MS = 3_000;

/** Limits of one socket. Compression is off: it costs 0.5 MB a connection and invites bombs. */
export function socketOptions(frameBytesMax: number) {
  return {
    maxPayload: frameBytesMax,
    maxFragments: SOCKET.fragmentsMax,
    maxBufferedChunks: SOCKET.chunksMax,
    maxPendingAutoPongs: SOCKET.pingsMax,
    perMessageDeflate: false,
    closeTimeout: LINK.closeTimeoutMs,
  } as const;
}
