/** Order: what `npm run sim` was asked to do, from its arguments and the variable SEED. */
import { availableParallelism } from "node:os";
import {
  argumentsOf,
  BadOrder,
  durationMs,
  partsOf,
  positive,
  refuseBoth,
  seedOf,
  whole,
  type Environment,
} from "./arguments.js";
import { huntLimits, stuckAfterMs } from "./limits.js";

export const checkNames = ["determinism", "speed"] as const;
export type CheckName = (typeof checkNames)[number];

export interface Order {
  /** One seed to play again. */
  readonly seed: string | undefined;
  /** How many to play; undefined: until the time is over or one fails. @default 200, of a self-check 100 */
  readonly count: number | undefined;
  /** Names the seeds `<prefix>-1` and so on. @default derived from the commit */
  readonly prefix: string | undefined;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** How long faults rage in each seed, in virtual milliseconds. */
  readonly forMs: number;
  /** False when nodes and time are the default: a kept seed then brings its own. */
  readonly isRangeGiven: boolean;
  /** Processes at once. */
  readonly jobs: number;
  /** For how long fresh seeds are begun, in real milliseconds. */
  readonly wallMs: number | undefined;
  readonly untilFailure: boolean;
  /** Look for the fewest faults that make a seed fail. @default on a terminal, and for one seed */
  readonly shrink: boolean | undefined;
  /** The parts of `--self-check`; none for a hunt. */
  readonly checks: readonly CheckName[];
  /** Prints only seeds and the hashes of their traces. */
  readonly hashes: boolean;
  /** Prints the whole trace of what is played. */
  readonly trace: boolean;
  /** Prints a line for each seed. */
  readonly verbose: boolean;
  readonly json: boolean;
  /** Real time after which a worker that gives no sign of life is killed, in milliseconds. */
  readonly stuckAfterMs: number;
}

export const usage = `Usage: npm run sim -- [options], or SEED=<seed> npm run sim to play one seed again
  --seeds 200            how many seeds to play
  --nodes 3..10          nodes of each, drawn from the seed
  --for 60s              how long faults rage in each, in virtual time (ms, s, m)
  --minutes 5            play fresh seeds for so long
  --until-failure        play fresh seeds until one fails
  --prefix name          the seeds name-1, name-2, … instead of fresh ones
  --jobs 2               processes at once (default: one for each core)
  --stuck-after 3m       kill a worker that gives no sign of life for so long
  --shrink, --no-shrink  look for the fewest faults that make a failed seed fail
  --verbose              a line for each seed
  --trace                the whole trace of each seed
  --json                 nothing but one JSON object on the standard output
  --self-check           measure determinism and speed, or one: --self-check=${checkNames.join("|")}
Also: npm run sim -- overlay, for thousands of nodes of the overlay alone`;

const DEFAULT_SEEDS = "200";
const CHECKED_SEEDS = "100";
const DEFAULT_NODES = "3..10";
const DEFAULT_FOR = "60s";

const options = {
  seeds: { type: "string" },
  nodes: { type: "string" },
  for: { type: "string" },
  minutes: { type: "string" },
  "until-failure": { type: "boolean", default: false },
  prefix: { type: "string" },
  jobs: { type: "string" },
  "stuck-after": { type: "string" },
  shrink: { type: "boolean" },
  "no-shrink": { type: "boolean" },
  verbose: { type: "boolean", default: false },
  trace: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  hashes: { type: "boolean", default: false },
  "self-check": { type: "string" },
} as const;

/** @throws {BadOrder} */
export function orderOf(args: readonly string[], env: Environment): Order {
  const given = argumentsOf(args.map(spelledOut), options);
  const seed = seedOf(env);
  const minutes = given.minutes === undefined ? undefined : positive("minutes", given.minutes);
  const untilFailure = given["until-failure"];
  const isEndless = minutes !== undefined || untilFailure;
  refuseBoth(seed !== undefined && isEndless, "SEED", "--minutes or --until-failure");
  refuseBoth(seed !== undefined && given.seeds !== undefined, "SEED", "--seeds");
  refuseBoth(given.shrink === true && given["no-shrink"] === true, "--shrink", "--no-shrink");
  const checks = checksOf(given["self-check"]);
  refuseBoth(checks.length > 0 && seed !== undefined, "SEED", "--self-check");
  refuseBoth(checks.length > 0 && isEndless, "--self-check", "--minutes or --until-failure");
  const usual = checks.length > 0 ? CHECKED_SEEDS : DEFAULT_SEEDS;
  const seeds = given.seeds ?? (isEndless ? undefined : usual);
  const [nodesMin, nodesMax] = nodesOf(given.nodes ?? DEFAULT_NODES);
  const forMs = durationMs("for", given.for ?? DEFAULT_FOR);
  const stuck = given["stuck-after"];
  return {
    seed,
    count: seeds === undefined ? undefined : whole("seeds", seeds),
    prefix: given.prefix,
    nodesMin,
    nodesMax,
    forMs,
    isRangeGiven: given.nodes !== undefined || given.for !== undefined,
    jobs: jobsOf(given.jobs),
    wallMs: minutes === undefined ? undefined : minutes * 60_000,
    untilFailure,
    shrink: given["no-shrink"] ? false : given.shrink,
    checks,
    hashes: given.hashes,
    trace: given.trace,
    verbose: given.verbose,
    json: given.json,
    stuckAfterMs:
      stuck === undefined ? stuckAfterMs(nodesMax, forMs) : durationMs("stuck-after", stuck),
  };
}

/** Alone it means all of its parts. */
function spelledOut(argument: string): string {
  return argument === "--self-check" ? `--self-check=${checkNames.join(",")}` : argument;
}

function checksOf(text: string | undefined): readonly CheckName[] {
  return text === undefined ? [] : partsOf("self-check", text, checkNames);
}

function nodesOf(text: string): readonly [number, number] {
  const [, from = "", to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(text) ?? [];
  const [min, max] = [Number(from), Number(to)];
  if (from === "" || min < 2 || max < min) {
    throw new BadOrder(`--nodes takes a number from 2, or two as in 3..10; it was "${text}".`);
  }
  return [min, max];
}

function jobsOf(text: string | undefined): number {
  const jobs = text === undefined ? availableParallelism() : whole("jobs", text);
  const limit = huntLimits.jobsMax;
  if (jobs > limit) throw new BadOrder(`--jobs is at most ${limit}; it was ${jobs}.`);
  return jobs;
}
