/**
 * Every limit of relayed connections, by name: what it bounds and what happens at it. Options may
 * put others in their place; `relayLimitsOf` refuses combinations that could come to a stand.
 */
import { coreErrors, resolveLimits } from "@foundation/core";

export const relayLimits = {
  /** Links a route leads over; an open with more is malformed. */
  hopsMax: 12,
  /**
   * What one end may have under way to the other, heads included: so much each node on the route may
   * have to keep of one connection in one direction. Who sends more ends the connection.
   */
  windowBytes: 256 * 1024,
  /** The largest frame of a relayed connection; a larger one ends it, as on any connection. */
  frameBytesMax: 128 * 1024,
  /**
   * A larger frame travels in pieces of this size, head included; a larger piece is malformed. What a
   * link carries as one message without cutting it.
   */
  pieceBytesMax: 32 * 1024,
  /** Frames of one connection that wait for credit at their sender; then it ends ("timeout"). */
  sendBytesMax: 64 * 1024 * 1024,
  /**
   * Relayed connections that begin or end at this node, those being opened included; a further one is
   * refused with "too-many-connections".
   */
  connectionsMax: 256,
  /**
   * Connections of others that pass through this node; a further one is refused with "relay-full".
   * Times two windows: at most 64 MiB wait here for slow links.
   */
  relayedMax: 128,
  /** Of these, over one neighbour; the same. */
  relayedPerNeighborMax: 64,
  /**
   * Bytes that wait for one neighbour. Above it a connection that passes through and wants to add to
   * them is ended with "overloaded": no honest receiver lets it come so far.
   */
  queuedBytesMax: 40 * 1024 * 1024,
  /** Opens of one neighbour in a second; a further one is refused with "too-many-opens". */
  opensPerSecondMax: 64,
  /** Answers in a second to frames of one neighbour that belong to nothing; the rest is dropped. */
  strayAnswersPerSecondMax: 64,
  /** Connections that have ended and are remembered, so that a late open does not revive them. */
  endedMax: 1_024,
  /** Routes tried for one dial. */
  routesMax: 3,
  /** One route; then it is given up and another one is tried. */
  openTimeoutMs: 2_000,
  /** From `close` to the end; then what was not flushed is lost. */
  closeTimeoutMs: 5_000,
  /** Bytes of the text that explains an end; the rest is cut off. */
  detailBytesMax: 120,
} as const;

export type RelayLimits = { readonly [Name in keyof typeof relayLimits]: number };

/** Of a window that was consumed: when so much of it is, it is given back. A quarter. */
const GRANT_SHIFT = 2;
/** The largest head of a piece; see frames.ts. */
const HEAD_BYTES_MAX = 12;

/** Consumed bytes from which on it is worth a frame to give them back. */
export function grantBytesOf({ windowBytes }: Pick<RelayLimits, "windowBytes">): number {
  return windowBytes >> GRANT_SHIFT;
}

/**
 * True when this node can send its largest frame to an end with that window.
 *
 * A whole frame must fit what a receiver still lets come that has not given back what it may keep
 * to itself; else a frame could be half there and wait for credit that only comes with its end.
 */
export function fitsWindow(windowBytes: number, limits: RelayLimits): boolean {
  const { frameBytesMax, pieceBytesMax } = limits;
  const pieces = Math.ceil(frameBytesMax / (pieceBytesMax - HEAD_BYTES_MAX));
  return windowBytes >= frameBytesMax + pieces * HEAD_BYTES_MAX + grantBytesOf({ windowBytes });
}

/**
 * The limits with the given ones in their place.
 *
 * @throws {ERR_INVALID_ARGUMENT} for an unknown limit, one below 1, or such a combination
 */
export function relayLimitsOf(given: Partial<RelayLimits> = {}): RelayLimits {
  const limits: RelayLimits = resolveLimits<RelayLimits>(relayLimits, given);
  const { windowBytes, pieceBytesMax, hopsMax } = limits;
  check(hopsMax <= relayLimits.hopsMax, "hopsMax", `at most ${relayLimits.hopsMax}`, hopsMax);
  const min = 2 * HEAD_BYTES_MAX;
  const isPiece = pieceBytesMax >= min && pieceBytesMax <= relayLimits.pieceBytesMax;
  check(isPiece, "pieceBytesMax", `${min} to ${relayLimits.pieceBytesMax}`, pieceBytesMax);
  const isWide = fitsWindow(windowBytes, limits);
  check(isWide, "windowBytes", "more than the largest frame takes, and a third of it", windowBytes);
  return limits;
}

function check(isValid: boolean, name: string, expected: string, found: number): void {
  if (isValid) return;
  const argument = `limits.${name}`;
  throw coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found: String(found),
  });
}
