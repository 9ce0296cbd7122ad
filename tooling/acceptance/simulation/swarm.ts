/**
 * Swarm: everything about one simulated run, drawn from its seed: size, network, which faults there are and how often.
 *
 * Each run has its own subset of faults: a bug that one fault hides from another is found by the runs without the first.
 */
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { lanConditions, type LinkConditions } from "@foundation/testkit";

export const faultNames = [
  "partition",
  "one-way",
  "isolate",
  "heal",
  "reset",
  "half-open",
  "crash",
  "power",
  "leave",
  "pause",
  "skew",
  "clog",
  "discovery",
] as const;
export type FaultName = (typeof faultNames)[number];

export interface Swarm {
  readonly nodes: number;
  readonly conditions: LinkConditions;
  readonly faults: readonly FaultName[];
  /** Between two faults, on average. */
  readonly faultEveryMs: number;
  /** Between two actions of the workload, on average. */
  readonly workEveryMs: number;
  /** How long a crashed node stays down at most. */
  readonly downMsMax: number;
  readonly pauseMsMax: number;
  readonly wipeChance: number;
  /** Nodes keep their port over restarts, as pods of a stateful set do. */
  readonly fixedPorts: boolean;
}

export interface SwarmRange {
  readonly nodesMin: number;
  readonly nodesMax: number;
}

const networks: readonly LinkConditions[] = [
  lanConditions,
  { latencyMs: 2, jitterMs: 10, spikeChance: 0.01, spikeMs: 300, bytesPerMs: 10_000 },
  { latencyMs: 30, jitterMs: 40, spikeChance: 0.02, spikeMs: 1_000, bytesPerMs: 1_000 },
  { latencyMs: 1, jitterMs: 150, spikeChance: 0.05, spikeMs: 2_000, bytesPerMs: 5_000 },
];

export function drawSwarm(seed: string, { nodesMin, nodesMax }: SwarmRange): Swarm {
  const random = seededRandom(`swarm ${seed}`);
  const nodes = nodesMin + below(random, nodesMax - nodesMin + 1);
  const share = 0.2 + random.next() * 0.8;
  const faults = faultNames.filter(() => random.next() < share);
  return {
    nodes,
    conditions: pick(random, networks),
    faults: faults.length > 0 ? faults : ["crash"],
    faultEveryMs: 150 + random.next() ** 2 * 10_000,
    workEveryMs: 3 + random.next() ** 2 * 200,
    downMsMax: 200 + random.next() * 25_000,
    pauseMsMax: 100 + random.next() ** 2 * 20_000,
    wipeChance: random.next(),
    fixedPorts: random.next() < 0.5,
  };
}

export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)] as T;
}
