/** Order: what `npm run sim -- consensus` was asked to do. */
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

export interface ConsensusSimOrder {
  /** Played again, and its story told. */
  readonly seed: string | undefined;
  readonly seeds: number;
  readonly prefix: string;
  /** Sizes of groups: each seed is played with each. */
  readonly voters: readonly number[];
  /** How long a group suffers, in virtual milliseconds. */
  readonly forMs: number;
  readonly jobs: number;
  readonly json: boolean;
}

const VOTERS_MAX = 9;

export const consensusUsage = `Usage: npm run sim -- consensus --seeds 2000 --voters 3,5,7 [options]
  --seeds 200            how many seeds, each played with each number of voters
  --voters 3,5,7         how many voters groups have at first, from 1 to ${VOTERS_MAX}
  --prefix text          plays other seeds: text-1, text-2, … (default: consensus)
  --seed text            plays one seed (or SEED=text) and tells the shortest story of what it violates
  --for 6s               how long groups suffer before everything heals
  --jobs 2               processes (default: one for each core)
  --json                 nothing but one JSON object on the standard output`;

const options = {
  seeds: { type: "string", default: "200" },
  voters: { type: "string", default: "3,5,7" },
  prefix: { type: "string", default: "consensus" },
  seed: { type: "string" },
  for: { type: "string", default: "6s" },
  jobs: { type: "string", default: String(availableParallelism()) },
  json: { type: "boolean", default: false },
} as const;

/** @throws {BadOrder} */
export function consensusOrderOf(args: readonly string[], env: Environment): ConsensusSimOrder {
  const given = argumentsOf(args, options);
  const voters = given.voters.split(",").map((text) => whole("voters", text, 1, VOTERS_MAX));
  if (new Set(voters).size < voters.length) throw new BadOrder("--voters names a number twice.");
  const { prefix, json } = given;
  return {
    seed: given.seed ?? seedOf(env),
    seeds: whole("seeds", given.seeds),
    prefix,
    voters,
    forMs: durationMs("for", given.for),
    jobs: whole("jobs", given.jobs, 1, huntLimits.jobsMax),
    json,
  };
}
