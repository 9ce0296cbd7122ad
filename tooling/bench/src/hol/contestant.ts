/**
 * What each contestant of the hol suite can do: round trips of 100 bytes, and messages of a megabyte
 * from the same process to the same other one.
 */
import type { Ports } from "../contestants/contestant.js";

export const PING = Buffer.alloc(100, "p");
/** Below a mebibyte, so that it is one message everywhere. */
export const BULK = Buffer.alloc(1_000_000, "b");

export interface HolClient {
  /** One round trip; what comes back is what was sent. */
  ping(): Promise<unknown>;
  /** Sends one large message; resolves when the contestant's backpressure allows another. */
  bulk(): Promise<unknown>;
}

export interface HolContestant {
  /** `onBulk` is called for each large message that has arrived whole. */
  serve(onBulk: (bytes: number) => void, ports: Ports): Promise<{ readonly address: string }>;
  connect(address: string, ports: Ports): Promise<HolClient>;
}
