/** Order: what `npm run sim -- overlay` was asked to do. */
import { argumentsOf, partsOf, refuseBoth, seedOf, whole, type Environment } from "../arguments.js";

export const partNames = ["join", "steady", "crash", "churn"] as const;
export type PartName = (typeof partNames)[number];

/** `whole`: every node is the product. `cores`: its HyParView and Plumtree alone, and one directory for all. */
export type Depth = "whole" | "cores";

export interface OverlayOrder {
  readonly nodes: number;
  readonly depth: Depth;
  readonly seed: string;
  /** Shorter experiments: figures, but not what the aims are about. */
  readonly quick: boolean;
  readonly json: boolean;
  /** What is played. @default all */
  readonly parts: readonly PartName[];
}

const NODES_MIN = 20;
const NODES_MAX = 20_000;
/** So many whole overlays fit in a process of a few gigabytes; it is also what is played without saying how. */
const WHOLE_NODES_MAX = 1_000;

export const overlayUsage = `Usage: npm run sim -- overlay --nodes 1000 [options]
  --nodes 1000           how many nodes, from ${NODES_MIN} to ${NODES_MAX}
  --whole                whole overlays with their directories, detectors, links and frames (default up to ${WHOLE_NODES_MAX})
  --cores                pure protocol cores of HyParView and Plumtree on one shared directory (default above)
  --seed text            plays other identities, latencies and draws (default: SEED or 1)
  --quick                shorter experiments
  --only steady,churn    some of the parts: ${partNames.join(", ")}
  --json                 nothing but one JSON object on the standard output`;

const options = {
  nodes: { type: "string", default: "1000" },
  whole: { type: "boolean", default: false },
  cores: { type: "boolean", default: false },
  seed: { type: "string" },
  quick: { type: "boolean", default: false },
  only: { type: "string", default: partNames.join(",") },
  json: { type: "boolean", default: false },
} as const;

/** @throws {BadOrder} */
export function overlayOrderOf(args: readonly string[], env: Environment): OverlayOrder {
  const given = argumentsOf(args, options);
  const nodes = whole("nodes", given.nodes, NODES_MIN, NODES_MAX);
  refuseBoth(given.whole && given.cores, "--whole", "--cores");
  const isWhole = given.whole || (!given.cores && nodes <= WHOLE_NODES_MAX);
  const { quick, json } = given;
  const parts = partsOf("only", given.only, partNames);
  const seed = given.seed ?? seedOf(env) ?? "1";
  return { nodes, depth: isWhole ? "whole" : "cores", seed, quick, json, parts };
}
