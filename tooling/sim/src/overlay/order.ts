/** Order: what `npm run sim -- overlay` was asked to do. */
import { parseArgs } from "node:util";
import { BadOrder } from "../order.js";

export const partNames = ["join", "steady", "crash", "churn"] as const;
export type PartName = (typeof partNames)[number];

export interface OverlayOrder {
  readonly nodes: number;
  readonly seed: string;
  /** Shorter experiments: figures, but not what the aims are about. */
  readonly quick: boolean;
  readonly json: boolean;
  /** What is played. @default all */
  readonly parts: readonly PartName[];
}

export const overlayUsage = `Usage: npm run sim -- overlay --nodes 10000 [options]
  --nodes 1000           how many nodes, from ${20} to ${20_000}
  --cores                pure protocol cores of HyParView and Plumtree on one shared directory (any size; default)
  --seed text            plays other identities, latencies and draws (default: SEED or 1)
  --quick                shorter experiments
  --only steady,churn    some of the parts: ${partNames.join(", ")}
  --json                 nothing but one JSON object on the standard output`;

const NODES_MIN = 20;
const NODES_MAX = 20_000;

const options = {
  nodes: { type: "string", default: "1000" },
  cores: { type: "boolean", default: true },
  seed: { type: "string" },
  quick: { type: "boolean", default: false },
  only: { type: "string", default: partNames.join(",") },
  json: { type: "boolean", default: false },
} as const;

/** @throws {BadOrder} */
export function overlayOrderOf(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): OverlayOrder {
  const given = argumentsOf(args);
  const nodes = Number(given.nodes);
  if (!/^\d+$/.test(given.nodes) || nodes < NODES_MIN || nodes > NODES_MAX) {
    const expected = `a whole number from ${NODES_MIN} to ${NODES_MAX}`;
    throw new BadOrder(`--nodes takes ${expected}; it was "${given.nodes}".`);
  }
  const seed = given.seed ?? (env["SEED"] === "" ? undefined : env["SEED"]);
  const { quick, json } = given;
  return { nodes, seed: seed ?? "1", quick, json, parts: partsOf(given.only) };
}

function partsOf(text: string): readonly PartName[] {
  const asked = text.split(",");
  const unknown = asked.find((each) => !partNames.some((name) => name === each));
  if (unknown === undefined) return partNames.filter((name) => asked.includes(name));
  throw new BadOrder(`--only has no part "${unknown}"; it has ${partNames.join(", ")}.`);
}

function argumentsOf(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw new BadOrder(error instanceof Error ? error.message : String(error));
  }
}
