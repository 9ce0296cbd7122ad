/** Order: what `npm run sim -- cache` was asked to do. */
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

export interface CachesSimOrder {
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

export const cachesUsage = `Usage: npm run sim -- cache --seeds 1000 [options]
  --seeds 200            how many seeds
  --nodes 3..5           nodes of each, drawn from the seed, at most ${NODES_MAX}
  --prefix text          plays other seeds: text-1, text-2, … (default: cache)
  --seed text            plays one seed (or SEED=text)
  --for 15s              how long faults rage before everything heals
  --jobs 2               processes (default: one for each core)
  --json                 nothing but one JSON object on the standard output`;

const options = {
  seeds: { type: "string", default: "200" },
  nodes: { type: "string", default: "3..5" },
  prefix: { type: "string", default: "cache" },
  seed: { type: "string" },
  for: { type: "string", default: "15s" },
  jobs: { type: "string", default: String(availableParallelism()) },
  json: { type: "boolean", default: false },
} as const;

/** @throws {BadOrder} */
export function cachesOrderOf(args: readonly string[], env: Environment): CachesSimOrder {
  const given = argumentsOf(args, options);
  const [, from = "", to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(given.nodes) ?? [];
  const [nodesMin, nodesMax] = [Number(from), Number(to)];
  if (from === "" || nodesMin < 2 || nodesMax < nodesMin || nodesMax > NODES_MAX) {
    throw new BadOrder(
      `--nodes takes a number from 2 to ${NODES_MAX}, or two as in 3..5; it was "${given.nodes}".`,
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
