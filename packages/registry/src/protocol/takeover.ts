/**
 * Takeover: what this node has to do about one child, given what it knows now.
 *
 * The rule of the distributed supervisor in one pure function. Every node evaluates it for every
 * child whenever a spec, the members or the definitions change; whatever order the news comes in,
 * once all nodes know the same they agree, because the last change evaluates everything again.
 *
 * - The owner runs its child; whoever else runs it stops (name-conflict).
 * - A child whose owner (node, boot) is no member any more is taken over by the candidate that the
 *   placement names, with generation + 1. A draining owner hands over by itself.
 * - A stopped or failed child runs nowhere. A temporary child ends with its node.
 * - A child with a partition policy runs, starts and is taken over only where the policy allows it.
 * - A strong child is nobody's by belief: a candidate claims its name where the name is free.
 *
 * Invariants: a decision depends only on its inputs; at most one candidate of one view takes over;
 * a node never takes over what a living owner has.
 */
import type { Member } from "@foundation/core";
import { candidatesFor, type Defines, type Place } from "./candidates.js";
import {
  compareVersions,
  isDropped,
  sameOwner,
  startSpec,
  stoppedSpec,
  takeoverSpec,
  type ChildSpec,
  type Owner,
} from "./child-spec.js";
import { mayRun, mayStart, mayTakeOver, type PartitionPolicy, type Side } from "./partition.js";
import { claimRank, isStrong, type Holding } from "./strong.js";
import { TREE } from "./tree-plan.js";

/** What a node knows of the cluster when it decides. */
export interface View {
  readonly self: Owner;
  /** Current members, this node included. */
  readonly members: readonly Member[];
  /** True for the present boot of one of them; asked for every child, so it must not search. */
  readonly isMember: (owner: Owner) => boolean;
  readonly defines: Defines;
  readonly place: Place;
  /** The side of a cut this node is on, and for how long it has missed an owner. @default never asked */
  readonly partition?: PartitionView | undefined;
  /** Who has the name of a strong child. @default nobody can know, so none is started */
  readonly holding?: ((identity: string) => Holding) | undefined;
}

/** What a node knows of cuts. */
export interface PartitionView {
  readonly side: Side;
  /** Milliseconds since this node began to miss the owner. */
  readonly goneForMs: (owner: Owner) => number;
}

/** What to do about one child. */
export type Decision =
  /** Run it here; its spec names this node. */
  | { readonly type: "start"; readonly spec: ChildSpec }
  /** Write this spec, then run it here. */
  | { readonly type: "take-over"; readonly spec: ChildSpec }
  /** Ask the name store for the name, `rank` steps later than who is placed first; who gets it takes over. */
  | { readonly type: "claim"; readonly spec: ChildSpec; readonly rank: number }
  /** End the instance that runs here. */
  | { readonly type: "end"; readonly reason: "name-conflict" | "shutdown" }
  /** Write this spec: the map does not know it, or it ended with its node. */
  | { readonly type: "write"; readonly spec: ChildSpec };

/**
 * Decides for one child.
 *
 * @param spec the greatest version known, if any
 * @param local the version by which an instance runs on this node, if one does
 */
export function decide(
  spec: ChildSpec | undefined,
  local: ChildSpec | undefined,
  view: View,
): Decision | undefined {
  if (spec === undefined) return local && { type: "write", spec: local };
  if (local !== undefined) {
    return decideForLocal(spec, local, view.self) ?? decideForGuarded(local, view);
  }
  if (spec.state !== "running") return undefined;
  if (isStrong(spec)) return decideForStrong(spec, view);
  if (sameOwner(spec.owner, view.self)) {
    return mayGoOn(spec, view) ? { type: "start", spec } : undefined;
  }
  return view.isMember(spec.owner) ? undefined : decideForOrphan(spec, view);
}

function decideForLocal(spec: ChildSpec, local: ChildSpec, self: Owner): Decision | undefined {
  const order = compareVersions(local, spec);
  if (order > 0) return { type: "write", spec: local };
  if (order === 0) return undefined;
  if (isAnotherStart(spec, local, self)) {
    return { type: "write", spec: startSpec(local, self, spec) };
  }
  // An instance of an older version never goes on as the newer one: its state is another's.
  if (sameOwner(spec.owner, self) || spec.state === "stopped") {
    return { type: "end", reason: spec.state === "running" ? "name-conflict" : "shutdown" };
  }
  return { type: "end", reason: "name-conflict" };
}

/** True when what is over is a start of the tree behind a cut, and the tree that runs here is another one. */
function isAnotherStart(spec: ChildSpec, local: ChildSpec, self: Owner): boolean {
  const isTree = local.definition === TREE && local.rules?.tree === undefined;
  return isTree && isDropped(spec) && !sameOwner(spec.owner, self);
}

/** An instance whose side may not run it ends in order; its spec stays, so it can come back. */
function decideForGuarded(local: ChildSpec, { partition }: View): Decision | undefined {
  const policy = policyOf(local);
  if (policy === undefined || partition === undefined) return undefined;
  return mayRun(policy, partition.side) ? undefined : { type: "end", reason: "shutdown" };
}

/** The membership is not asked who runs it: a living owner may have lost the name, and a dead one may have it yet. */
function decideForStrong(spec: ChildSpec, view: View): Decision | undefined {
  if (view.holding?.(spec.identity).type !== "free") return undefined;
  if (!mayGoOn(spec, view, Number.POSITIVE_INFINITY)) return undefined;
  const candidates = candidatesFor(spec, takersOf(spec, view), view.defines);
  const first = view.place(spec.identity, candidates, spec);
  const rank = claimRank(view.self.node, first, candidates);
  if (rank === undefined) return undefined;
  if (spec.restart !== "temporary") return { type: "claim", spec, rank };
  const isOver = rank === 0 && !view.isMember(spec.owner);
  return isOver ? { type: "write", spec: stoppedSpec(spec) } : undefined;
}

/**
 * Whether the partition policy lets this node go on with a child that runs nowhere, as far as it knows.
 *
 * @param goneForMs how long its owner has had no part in it; by default how long this node has missed the owner
 */
function mayGoOn(spec: ChildSpec, { self, partition }: View, goneForMs?: number): boolean {
  const policy = policyOf(spec);
  if (policy === undefined || partition === undefined) return true;
  const { owner } = spec;
  if (sameOwner(owner, self)) return mayStart(policy, partition.side);
  const isSelf = owner.node === self.node;
  const absence = { isSelf, goneForMs: goneForMs ?? partition.goneForMs(owner) };
  return mayTakeOver(policy, partition.side, absence);
}

/** The policy where there is one: most children have none. */
function policyOf({ rules }: ChildSpec): PartitionPolicy | undefined {
  return rules?.partition;
}

/** A child that stays is its own node's alone; every other is anybody's. */
function takersOf(spec: ChildSpec, { members }: View): readonly Member[] {
  if (policyOf(spec) !== "stay") return members;
  return members.filter(({ id }) => id === spec.owner.node);
}

function decideForOrphan(spec: ChildSpec, view: View): Decision | undefined {
  if (!mayGoOn(spec, view)) return undefined;
  const candidates = candidatesFor(spec, takersOf(spec, view), view.defines);
  if (view.place(spec.identity, candidates, spec) !== view.self.node) return undefined;
  if (spec.restart === "temporary") return { type: "write", spec: stoppedSpec(spec) };
  return { type: "take-over", spec: takeoverSpec(spec, view.self) };
}
