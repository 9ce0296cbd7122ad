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
  "Usage: npm run sim:mutants -- [--seeds 150] [--budget 60] [--jobs 2] [--only name,name] [--json], " +
  "where the budget is in seconds of processor time for each mutant.";

/** The order, or a sentence on what is wrong with the arguments. */
export function orderOf(args: string[]): Order | string {
  const options = {
    seeds: { type: "string", default: "150" },
    budget: { type: "string", default: "60" },
    jobs: { type: "string", default: "2" },
    only: { type: "string", default: "" },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values } = parseArgs({ args, options });
    for (const name of ["seeds", "budget", "jobs"] as const) {
      const value = Number(values[name]);
      if (Number.isInteger(value) && value > 0) continue;
      return `--${name} takes a whole number above 0, found "${values[name]}".`;
    }
    const [seeds, budget, jobs] = [values.seeds, values.budget, values.jobs].map(Number) as [
      number,
      number,
      number,
    ];
    const names = values.only === "" ? [] : values.only.split(",");
    const unknown = names.find((name) => !catalogue.some((mutant) => mutant.name === name));
    if (unknown !== undefined) {
      const known = catalogue.map(({ name }) => name).join(", ");
      return `--only takes names of mutants, found "${unknown}"; there are ${known}.`;
    }
    const mutants = catalogue.filter(({ name }) => names.length === 0 || names.includes(name));
    return { mutants, seeds, budgetMs: budget * 1_000, jobs, json: values.json };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
