/** What `npm run sim` was asked to do. */
import { execFileSync } from "node:child_process";
import { parseArgs } from "node:util";

export interface Order {
  readonly seeds: readonly string[];
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** How long faults rage in each seed, in virtual milliseconds. */
  readonly forMs: number;
  readonly selfCheck: boolean;
  /** Prints the whole trace of the one seed that is played again. */
  readonly trace: boolean;
  readonly json: boolean;
}

export const usage =
  "Usage: npm run sim -- [--seeds 200] [--nodes 3..10] [--for 60s] [--self-check] [--trace] [--json], " +
  "or SEED=<seed> npm run sim to play one seed again.";

/** The order, or undefined when the arguments are none. */
export function orderOf(
  args: string[],
  env: Readonly<Record<string, string | undefined>>,
): Order | undefined {
  const options = {
    seeds: { type: "string", default: "200" },
    nodes: { type: "string", default: "3..10" },
    for: { type: "string", default: "60s" },
    "self-check": { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values } = parseArgs({ args, options });
    const count = Number(values.seeds);
    const [nodesMin = Number.NaN, nodesMax = nodesMin] = values.nodes.split("..").map(Number);
    const isRange = Number.isInteger(nodesMin) && Number.isInteger(nodesMax) && nodesMin >= 2;
    const forMs = milliseconds(values.for);
    if (forMs === undefined) return undefined;
    if (!Number.isInteger(count) || count < 1 || !isRange || nodesMax < nodesMin) return undefined;
    const { SEED } = env;
    return {
      seeds: SEED === undefined || SEED === "" ? freshSeeds(count) : [SEED],
      nodesMin,
      nodesMax,
      forMs,
      selfCheck: values["self-check"],
      trace: values.trace,
      json: values.json,
    };
  } catch {
    return undefined;
  }
}

/** `60s`, `500ms`, `2m`; undefined when it is no duration. */
function milliseconds(text: string): number | undefined {
  const [, amount, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Number(amount) * ({ ms: 1, s: 1_000, m: 60_000 }[unit] ?? 0);
}

/** Seeds that no other commit has: each run of a changed checkout looks somewhere else. */
export function freshSeeds(count: number): readonly string[] {
  const commit = commitHash();
  return Array.from({ length: count }, (_, index) => `${commit}-${index + 1}`);
}

function commitHash(): string {
  try {
    const out = execFileSync("git", ["rev-parse", "--short=10", "HEAD"], { encoding: "utf8" });
    return out.trim();
  } catch {
    return "no-commit";
  }
}
