/**
 * Swarm: everything about one simulated run, drawn from its seed: size, network, which faults there are and how often.
 *
 * Each run has its own subset of faults: a bug that one fault hides from another is found by the runs without the first.
 */
import { seededRandom } from "@foundation/core/testing";
import { lanConditions, type LinkConditions } from "@foundation/testkit";
import { between, chance, pick } from "./draws.js";

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
  "drain",
  "storm",
  "pause",
  "suspend",
  "skew",
  "jump",
  "drift",
  "clog",
  "starve",
  "slow-node",
  "network",
  "flap",
  "discovery",
  "disk-stall",
  "disk-full",
  "disk-corrupt",
  "switch",
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
  /** How often a crashed node comes back with an empty disk. */
  readonly wipeChance: number;
  /** How often it comes back with an older image of its disk. */
  readonly restoreChance: number;
  /** Nodes keep their port over restarts, as pods of a stateful set do. */
  readonly fixedPorts: boolean;
  /** Nodes are wired by hand from the packages, with a replicated map, and not by startCluster. */
  readonly byHand: boolean;
  /** How much of the workload is heavy: large payloads, bursts, subscribers that never read. */
  readonly heavyChance: number;
  /** Between two actions on channels, on average; 0: there are none. */
  readonly channelEveryMs: number;
  /** How the nodes are linked to begin with. */
  readonly topology: TopologyMode;
}

/** What nodes may be told to be linked by. */
export const topologyModes = ["auto", "full-mesh", "hyparview", "client-server"] as const;
export type TopologyMode = (typeof topologyModes)[number];

export interface SwarmRange {
  readonly nodesMin: number;
  readonly nodesMax: number;
}

const classicFaults = faultNames.filter((name) => name !== "switch");

const networks: readonly LinkConditions[] = [
  lanConditions,
  { latencyMs: 2, jitterMs: 10, spikeChance: 0.01, spikeMs: 300, bytesPerMs: 10_000 },
  { latencyMs: 30, jitterMs: 40, spikeChance: 0.02, spikeMs: 1_000, bytesPerMs: 1_000 },
  { latencyMs: 1, jitterMs: 150, spikeChance: 0.05, spikeMs: 2_000, bytesPerMs: 5_000 },
];

export function drawSwarm(seed: string, { nodesMin, nodesMax }: SwarmRange): Swarm {
  const random = seededRandom(`swarm ${seed}`);
  const nodes = between(random, nodesMin - 0.499, nodesMax + 0.499);
  const share = 0.2 + random.next() * 0.8;
  const faults: FaultName[] = classicFaults.filter(() => chance(random, share));
  // Drawn apart, so that what was drawn for a seed before there were topologies stays as it was.
  const own = seededRandom(`topology ${seed}`);
  const topology = pick(own, topologyModes);
  if (chance(own, share)) faults.push("switch");
  const canRestore = !faults.some((fault) => fault === "skew" || fault === "jump");
  return {
    nodes,
    conditions: pick(random, networks),
    faults: faults.length > 0 ? faults : ["crash"],
    faultEveryMs: 150 + random.next() ** 2 * 10_000,
    workEveryMs: 3 + random.next() ** 2 * 200,
    downMsMax: 200 + random.next() * 25_000,
    pauseMsMax: 100 + random.next() ** 2 * 20_000,
    wipeChance: random.next() * 0.6,
    // With a backup restored the order of starts rests on the wall clock, which then must not be set back.
    restoreChance: canRestore ? random.next() * 0.4 : 0,
    fixedPorts: chance(random, 0.5),
    byHand: chance(random, 0.5),
    heavyChance: chance(random, 0.5) ? random.next() * 0.05 : 0,
    channelEveryMs: 20 + random.next() ** 2 * 400,
    topology,
  };
}

/** Another network than the usual one, as it may become in the middle of a run. */
export function drawNetwork(random: ReturnType<typeof seededRandom>): LinkConditions {
  return pick(random, networks);
}

/** The name of a node by its number, from 1. */
export function nodeName(number: number): string {
  return `n${number}`;
}
