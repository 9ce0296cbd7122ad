/** What `npm run sim:mutants` was asked to do. */
import { parseArgs } from "node:util";
import { catalogue } from "./catalogue/index.js";
import type { Mutant } from "./mutant.js";

export interface Order {
  readonly mutants: readonly Mutant[];
  /** Seeds that each mutant gets. */
  readonly seeds: number;
  /** Processor time for each mutant, in milliseconds. */
  readonly budgetMs: number;
  /** Mutants hunted at once. */
  readonly jobs: number;
  readonly json: boolean;
}

export const usage =
  "Usage: npm run sim:mutants -- [--seeds 40] [--budget 60] [--jobs 2] [--only name,name] [--json], " +
  "where the budget is in seconds of processor time for each mutant.";

/** The order, or undefined when the arguments are none. */
export function orderOf(args: string[]): Order | undefined {
  const options = {
    seeds: { type: "string", default: "40" },
    budget: { type: "string", default: "60" },
    jobs: { type: "string", default: "2" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values } = parseArgs({ args, options });
    const numbers = [values.seeds, values.budget, values.jobs].map(Number);
    const [seeds = 0, budget = 0, jobs = 0] = numbers;
    if (numbers.some((number) => !Number.isInteger(number) || number < 1)) return undefined;
    const names = values.only === "" ? [] : values.only.split(",");
    if (names.some((name) => !catalogue.some((mutant) => mutant.name === name))) return undefined;
    const mutants = catalogue.filter(({ name }) => names.length === 0 || names.includes(name));
    return { mutants, seeds, budgetMs: budget * 1_000, jobs, json: values.json };
  } catch {
    return undefined;
  }
}
