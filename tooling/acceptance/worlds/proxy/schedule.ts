/**
 * Schedule: when the pieces of one direction of a link arrive, and which pieces they are. Pure.
 *
 * Invariants: nothing overtakes what was sent before it (it is TCP that is disturbed, so latency may vary, order may not);
 * bandwidth is that of a wire: a piece departs when the one before it has.
 */

/** How one direction of a link behaves while it is open. */
export interface LaneConditions {
  /** What every piece takes, in milliseconds. */
  readonly latencyMs: number;
  /** Up to this much more, drawn for each piece. */
  readonly jitterMs: number;
  readonly bytesPerSecond: number;
  /** Bytes are handed over in pieces of this many at most, each in a turn of its own. Infinity: as they come. */
  readonly pieceBytesMax: number;
  /** The end of a stream takes this much longer than its last byte. */
  readonly endDelayMs: number;
}

export const undisturbed: LaneConditions = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerSecond: Infinity,
  pieceBytesMax: Infinity,
  endDelayMs: 0,
};

export class Schedule {
  #departsMs = 0;
  #lastMs = 0;

  /**
   * When something that was sent now arrives.
   *
   * @param unit chance of this piece, from 0 to 1
   */
  arrivalMs(sizeBytes: number, conditions: LaneConditions, nowMs: number, unit: number): number {
    const { latencyMs, jitterMs, bytesPerSecond } = conditions;
    this.#departsMs = Math.max(this.#departsMs, nowMs) + (sizeBytes / bytesPerSecond) * 1_000;
    this.#lastMs = Math.max(this.#lastMs, this.#departsMs + latencyMs + unit * jitterMs);
    return this.#lastMs;
  }

  /** When the end of the stream arrives: after everything else. */
  endArrivalMs(conditions: LaneConditions, nowMs: number): number {
    return this.arrivalMs(0, conditions, nowMs, 0) + conditions.endDelayMs;
  }
}

/** The same bytes in pieces of at most so many. */
export function piecesOf(bytes: Uint8Array, pieceBytesMax: number): readonly Uint8Array[] {
  if (bytes.length <= pieceBytesMax) return [bytes];
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytesMax) {
    pieces.push(bytes.subarray(at, at + pieceBytesMax));
  }
  return pieces;
}
