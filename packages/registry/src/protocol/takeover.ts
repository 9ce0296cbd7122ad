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
 *
 * Invariants: a decision depends only on its inputs; at most one candidate of one view takes over;
 * a node never takes over what a living owner has.
 */
import type { Member } from "@foundation/core";
import { candidatesFor, type Defines, type Place } from "./candidates.js";
import {
  compareVersions,
  sameOwner,
  stoppedSpec,
  takeoverSpec,
  type ChildSpec,
  type Owner,
} from "./child-spec.js";

/** What a node knows of the cluster when it decides. */
export interface View {
  readonly self: Owner;
  /** Current members, this node included. */
  readonly members: readonly Member[];
  /** True for the present boot of one of them; asked for every child, so it must not search. */
  readonly isMember: (owner: Owner) => boolean;
  readonly defines: Defines;
  readonly place: Place;
}

/** What to do about one child. */
export type Decision =
  /** Run it here; its spec names this node. */
  | { readonly type: "start"; readonly spec: ChildSpec }
  /** Write this spec, then run it here. */
  | { readonly type: "take-over"; readonly spec: ChildSpec }
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
  if (local !== undefined) return decideForLocal(spec, local, view.self);
  if (spec.state !== "running") return undefined;
  if (sameOwner(spec.owner, view.self)) return { type: "start", spec };
  return view.isMember(spec.owner) ? undefined : decideForOrphan(spec, view);
}

function decideForLocal(spec: ChildSpec, local: ChildSpec, self: Owner): Decision | undefined {
  const order = compareVersions(local, spec);
  if (order > 0) return { type: "write", spec: local };
  if (order === 0) return undefined;
  // An instance of an older version never goes on as the newer one: its state is another's.
  if (sameOwner(spec.owner, self) || spec.state === "stopped") {
    return { type: "end", reason: spec.state === "running" ? "name-conflict" : "shutdown" };
  }
  return { type: "end", reason: "name-conflict" };
}

function decideForOrphan(spec: ChildSpec, view: View): Decision | undefined {
  const candidates = candidatesFor(spec, view.members, view.defines);
  if (view.place(spec.identity, candidates, spec) !== view.self.node) return undefined;
  if (spec.restart === "temporary") return { type: "write", spec: stoppedSpec(spec) };
  return { type: "take-over", spec: takeoverSpec(spec, view.self) };
}
