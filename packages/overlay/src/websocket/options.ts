/**
 * How every WebSocket of the overlay is set up, on both sides, and what the HTTP server before it
 * allows.
 */
import { LINK } from "../limits.js";

/** Offered and demanded: another protocol on our port fails before its first frame. */
export const SUBPROTOCOL = "foundation.1";
export const PATH = "/_foundation";

/** Limits of the HTTP server; Node's own check for slow headers runs only every 30 s. */
export const SERVER = {
  headersTimeoutMs: 3_000,
  requestTimeoutMs: 5_000,
  checkIntervalMs: 500,
  headerBytesMax: 8 * 1024,
  headersMax: 64,
  connectionsMax: 1_024,
} as const;

/** The upgrade of a dial. */
export const UPGRADE_TIMEOUT_MS = 3_000;

/** Limits of one socket. Compression is off: it costs 0.5 MB a connection and invites bombs. */
export function socketOptions(frameBytesMax: number) {
  return {
    maxPayload: frameBytesMax,
    maxFragments: 16,
    maxBufferedChunks: 4_096,
    perMessageDeflate: false,
    closeTimeout: LINK.closeTimeoutMs,
  } as const;
}
