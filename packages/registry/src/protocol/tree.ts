/**
 * TreePlace: where a child stands in a supervision tree, and how it ended when it did.
 *
 * A tree is one child of the cluster (its spec says who runs it) and its children are others, each with a spec of its own.
 * What a supervisor must not forget stands in those specs, so that whichever node runs the tree next goes on from there:
 * a child that ended keeps its spec, `failed`, with the way it ended.
 *
 * Invariants: a child outlives its tree nowhere: once the tree's spec says that this start of it is over, so is the child
 * (`isOver`). An end is written once for each version of a spec: a second one takes the next generation (`endedAnew`).
 */
import { isOrderly, type ExitReason } from "@foundation/core";
import type { ChildSpec, Owner } from "./child-spec.js";

/**
 * How a child of a tree ended.
 * - `normal`, `crashed`: by itself, in order or not; its supervisor decides what follows.
 * - `held`: by its supervisor, to be started again. `told`: by a user, to stay ended.
 */
export type TreeEnd = "normal" | "crashed" | "held" | "told";

/** Where a child stands. Plain data; it travels with the spec. */
export interface TreePlace {
  /** The identity of its supervisor. */
  readonly supervisor: string;
  /** What the supervisor calls it. */
  readonly id: string;
  /** Which start of the supervisor it belongs to: the incarnation of that one's spec. */
  readonly incarnation: number;
  /** Of that spec, when the child was started: one that failed before that says nothing about the child. */
  readonly generation: number;
  /** Children start in this order. */
  readonly order: number;
  /** Added while the tree ran, and forgotten when it ends for good. */
  readonly dynamic: boolean;
  /** Its supervisor alone decides where it goes on when its node dies: others would restart without it. */
  readonly managed: boolean;
  /** It starts where its supervisor runs. */
  readonly local: boolean;
  /** Milliseconds it has to end; 0 kills it. */
  readonly shutdownMs: number;
  readonly ended?: TreeEnd;
}

const ENDS: ReadonlySet<unknown> = new Set(["normal", "crashed", "held", "told"]);

/** The place, or undefined when it is not one; for what a peer sent. */
export function parseTreePlace(value: unknown): TreePlace | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { supervisor, id, incarnation, generation, order, shutdownMs } =
    value as Partial<TreePlace>;
  const { dynamic, managed, local, ended } = value as Partial<TreePlace>;
  if (typeof supervisor !== "string" || typeof id !== "string") return undefined;
  if (!isCount(incarnation) || !isCount(generation) || !isCount(order) || !isCount(shutdownMs))
    return undefined;
  if (![dynamic, managed, local].every((each) => typeof each === "boolean")) return undefined;
  if (ended !== undefined && !ENDS.has(ended)) return undefined;
  const kind = { dynamic, managed, local } as Pick<TreePlace, "dynamic" | "managed" | "local">;
  const place = { supervisor, id, incarnation, generation, order, ...kind, shutdownMs };
  return ended === undefined ? place : { ...place, ended };
}

/** The identity of a child of a tree. */
export function identityIn(supervisor: string, id: string): string {
  return `${supervisor}/${id}`;
}

/** True when the start of the tree that the place belongs to has ended, as far as the tree's spec is known. */
export function isOver(tree: ChildSpec | undefined, place: TreePlace): boolean {
  if (tree === undefined) return false;
  if (tree.incarnation !== place.incarnation) return tree.incarnation > place.incarnation;
  return (
    tree.state === "stopped" || (tree.state === "failed" && tree.generation >= place.generation)
  );
}

/** How a child that ended by itself did so. */
export function endOf(reason: ExitReason): TreeEnd {
  return isOrderly(reason) ? "normal" : "crashed";
}

/** The spec of a child that has ended; written by the node it ran on. The arguments stay: it may start again. */
export function endedSpec(spec: ChildSpec, ended: TreeEnd, reason: string): ChildSpec {
  return { ...withEnd(spec, ended), state: "failed", reason: reason.slice(0, REASON_MAX) };
}

/** As `endedSpec`, for one that runs nowhere: written by the supervisor, as the next generation. */
export function endedAnew(spec: ChildSpec, ended: TreeEnd, owner: Owner): ChildSpec {
  const { node, boot } = owner;
  const next = { ...endedSpec(spec, ended, ended), generation: spec.generation + 1 };
  return { ...next, owner: { node, boot } };
}

/** The spec without the end in it: what a child is started from again. */
export function withoutEnd(spec: ChildSpec): ChildSpec {
  return withEnd(spec, undefined);
}

/** Characters of a reason that are kept: an error's message may be as long as it likes. */
const REASON_MAX = 500;

function withEnd(spec: ChildSpec, ended: TreeEnd | undefined): ChildSpec {
  const place = spec.rules?.tree;
  if (place === undefined) return spec;
  const { ended: _, ...bare } = place;
  const tree: TreePlace = ended === undefined ? bare : { ...bare, ended };
  return { ...spec, rules: { ...spec.rules, tree } };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
