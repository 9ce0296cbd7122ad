/**
 * ChildRules: how a child wants to be kept, beside where it runs and when it restarts. Absent where everything is as usual,
 * so that a hundred thousand ordinary children carry nothing for it.
 */
import { parseConstraints, type Constraints } from "./constraints.js";
import { isPartitionPolicy, type PartitionPolicy } from "./partition.js";
import { parseTreePlace, type TreePlace } from "./tree.js";

/** Plain data; it travels with the spec. */
export interface ChildRules {
  /** At most one instance has effect, whatever happens. @default eventual: one after every heal */
  readonly consistency?: "strong";
  /** @default "run-anywhere" */
  readonly partition?: PartitionPolicy;
  readonly constraints?: Constraints;
  /** Its place in a supervision tree. @default it is supervised by itself */
  readonly tree?: TreePlace;
}

/** The rules, undefined when there are none, or `invalid` when a part cannot be read: never half understood. */
export function parseRules(value: unknown): ChildRules | undefined | "invalid" {
  if (value === undefined) return undefined;
  if (typeof value !== "object" || value === null) return "invalid";
  const { consistency, partition, constraints, tree } = value as {
    [Key in keyof ChildRules]: unknown;
  };
  if (consistency !== undefined && consistency !== "strong") return "invalid";
  if (partition !== undefined && !isPartitionPolicy(partition)) return "invalid";
  const asked = constraints === undefined ? undefined : parseConstraints(constraints);
  const place = tree === undefined ? undefined : parseTreePlace(tree);
  if ((constraints !== undefined && !asked) || (tree !== undefined && !place)) return "invalid";
  return rulesOf({ consistency, partition, constraints: asked, tree: place });
}

/** Only what was said; undefined when nothing was. */
export function rulesOf(
  said: {
    readonly [Key in keyof ChildRules]: ChildRules[Key] | undefined;
  },
): ChildRules | undefined {
  const entries = Object.entries(said).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as ChildRules);
}
