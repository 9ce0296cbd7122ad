/**
 * TreePlan: what a supervision tree shall be, as plain data: the arguments of the process that stands for it, so that they
 * travel with its spec and whoever takes the tree over has them.
 *
 * A supervisor under a supervisor is a child like any other: its definition is the tree's, its arguments are its own plan.
 */
import type { SupervisionStrategy } from "@foundation/core";
import { parseRules, type ChildRules } from "./child-rules.js";
import type { On, Restart } from "./child-spec.js";
import { isOn } from "./parse-spec.js";

/** The definition of every supervisor of the cluster. */
export const TREE = "foundation.tree";

/** `dynamic` restarts as `one-for-one` does, and begins with few children or none. */
export type TreeStrategy = SupervisionStrategy | "dynamic";

/** One child as its supervisor keeps it. */
export interface PlannedChild {
  readonly id: string;
  readonly definition: string;
  readonly args: unknown;
  readonly restart: Restart;
  readonly on: On | undefined;
  readonly rules: ChildRules | undefined;
  /** Placed by itself; otherwise it starts where its supervisor runs. */
  readonly distribute: boolean;
  /** Milliseconds it has to end; 0 kills it. */
  readonly shutdownMs: number;
}

/** A whole tree. */
export interface TreePlan {
  readonly strategy: TreeStrategy;
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly backoffMs: number;
  readonly backoffMsMax: number;
  readonly childrenMax: number;
  readonly children: readonly PlannedChild[];
  /** A user has stopped a tree of this name before: when this start is taken back, that stop is to hold. @default false */
  readonly isAfterStop?: boolean;
}

const STRATEGIES: ReadonlySet<unknown> = new Set([
  "one-for-one",
  "one-for-all",
  "rest-for-one",
  "dynamic",
]);
const RESTARTS: ReadonlySet<unknown> = new Set(["permanent", "transient", "temporary"]);

/** True where the end of one child means something for others. */
export function isOrdered(strategy: TreeStrategy): boolean {
  return strategy === "one-for-all" || strategy === "rest-for-one";
}

/** The plan, or undefined when it is not one: a peer of another version may send anything. */
export function parseTreePlan(value: unknown): TreePlan | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { strategy, maxRestarts, withinMs, backoffMs, backoffMsMax, childrenMax, children } =
    value as Partial<TreePlan>;
  if (strategy === undefined || !STRATEGIES.has(strategy) || !Array.isArray(children)) {
    return undefined;
  }
  const numbers = [maxRestarts, withinMs, backoffMs, backoffMsMax, childrenMax];
  if (!numbers.every((each) => typeof each === "number" && each >= 0)) return undefined;
  const parsed = (children as unknown[]).map(parsePlannedChild);
  if (parsed.includes(undefined)) return undefined;
  if (new Set(parsed.map((child) => child?.id)).size < parsed.length) return undefined;
  return { ...(value as TreePlan), children: parsed as PlannedChild[] };
}

/** One child, or undefined when it is none. */
export function parsePlannedChild(value: unknown): PlannedChild | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { id, definition, args, restart, on, distribute, shutdownMs } =
    value as Partial<PlannedChild>;
  const rules = parseRules((value as Partial<PlannedChild>).rules);
  if (typeof id !== "string" || id.length === 0 || rules === "invalid") return undefined;
  if (typeof definition !== "string" || definition.length === 0) return undefined;
  if (!RESTARTS.has(restart) || !isOn(on) || typeof distribute !== "boolean") return undefined;
  if (typeof shutdownMs !== "number" || !(shutdownMs >= 0)) return undefined;
  return { id, definition, args, restart: restart as Restart, on, rules, distribute, shutdownMs };
}
