/** Order: what a command that plays worlds of whole clusters was asked to do. */
import { availableParallelism } from "node:os";
import {
  argumentsOf,
  BadOrder,
  durationMs,
  seedOf,
  whole,
  type Environment,
} from "../arguments.js";
import { huntLimits } from "../limits.js";

/** What differs from command to command. */
export interface WorldsDefaults {
  /** As it is called: `npm run sim -- cache`. Seeds are named by it, too. */
  readonly name: string;
  readonly nodes: string;
  readonly for: string;
}

export interface WorldsOrder {
  /** The only one to play. */
  readonly seed: string | undefined;
  readonly seeds: number;
  readonly prefix: string;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
  readonly jobs: number;
  readonly json: boolean;
}

const NODES_MAX = 16;

export function worldsUsage({ name, nodes, for: rages }: WorldsDefaults): string {
  return `Usage: npm run sim -- ${name} --seeds 1000 [options]
  --seeds 200            how many seeds
  --nodes ${nodes}           nodes of each, drawn from the seed, at most ${NODES_MAX}
  --prefix text          plays other seeds: text-1, text-2, … (default: ${name})
  --seed text            plays one seed (or SEED=text)
  --for ${rages}              how long faults rage before everything heals
  --jobs 2               processes (default: one for each core)
  --json                 nothing but one JSON object on the standard output`;
}

/** @throws {BadOrder} */
export function worldsOrderOf(
  defaults: WorldsDefaults,
  args: readonly string[],
  env: Environment,
): WorldsOrder {
  const given = argumentsOf(args, {
    seeds: { type: "string", default: "200" },
    nodes: { type: "string", default: defaults.nodes },
    prefix: { type: "string", default: defaults.name },
    seed: { type: "string" },
    for: { type: "string", default: defaults.for },
    jobs: { type: "string", default: String(availableParallelism()) },
    json: { type: "boolean", default: false },
  } as const);
  const [, from = "", to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(given.nodes) ?? [];
  const [nodesMin, nodesMax] = [Number(from), Number(to)];
  if (from === "" || nodesMin < 2 || nodesMax < nodesMin || nodesMax > NODES_MAX) {
    throw new BadOrder(
      `--nodes takes a number from 2 to ${NODES_MAX}, or two as in ${defaults.nodes}; it was "${given.nodes}".`,
    );
  }
  return {
    seed: given.seed ?? seedOf(env),
    seeds: whole("seeds", given.seeds),
    prefix: given.prefix,
    nodesMin,
    nodesMax,
    forMs: durationMs("for", given.for),
    jobs: whole("jobs", given.jobs, 1, huntLimits.jobsMax),
    json: given.json,
  };
}
