/** LinkConditions: how one direction between two hosts behaves while it is not cut. */
import type { Random } from "@foundation/core/ports";

/** What a frame meets on its way from one host to another. */
export interface LinkConditions {
  /** What every byte takes, one way, in milliseconds. */
  readonly latencyMs: number;
  /** Up to this much more, mostly little of it. */
  readonly jitterMs: number;
  /** How often a frame meets a queue or a retransmission, from 0 to 1. */
  readonly spikeChance: number;
  /** Up to this much more for those, in milliseconds. */
  readonly spikeMs: number;
  /** Bytes that leave in one millisecond. Infinity: as many as there are. */
  readonly bytesPerMs: number;
}

/** A quiet local network. */
export const lanConditions: LinkConditions = {
  latencyMs: 0.2,
  jitterMs: 0.5,
  spikeChance: 0,
  spikeMs: 0,
  bytesPerMs: 100_000,
};

/** The latency of one frame. */
export function drawLatencyMs(conditions: LinkConditions, random: Random): number {
  const { latencyMs, jitterMs, spikeChance, spikeMs } = conditions;
  const unit = random.next();
  const spike = spikeChance > 0 && random.next() < spikeChance ? random.next() * spikeMs : 0;
  // Cubed: most frames are close to the best latency, few are far from it.
  const delayMs = latencyMs + jitterMs * unit * unit * unit + spike;
  return Math.round(delayMs * 1_000) / 1_000;
}
