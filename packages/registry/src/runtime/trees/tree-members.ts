/** TreeMember: one child as the run of its tree keeps it; and which children a run begins with. */
import type { SupervisedChild } from "@foundation/core";
import type { ChildSpec } from "../../protocol/child-spec.js";
import { rulesOf } from "../../protocol/child-rules.js";
import { identityIn, type TreePlace } from "../../protocol/tree.js";
import { isOrdered, TREE, type PlannedChild, type TreePlan } from "../../protocol/tree-plan.js";
import type { SpecStore } from "../supervision/spec-store.js";
import { isOf, type Fate } from "./tree-hands.js";

/** One child. */
export interface TreeMember {
  readonly planned: PlannedChild;
  readonly place: TreePlace;
  readonly identity: string;
  /** It ran before this run began: it is taken as it is, once. */
  adopt: boolean;
  /** It has started at least once in this start of the tree. */
  ran: boolean;
  /** It was told to stay ended before this run began. */
  readonly isTold: boolean;
  /** What is being done to it. */
  step: { readonly abort: AbortController; isCutOff: boolean } | undefined;
  /** What becomes of it when it ends next; to be started again unless somebody said otherwise. */
  fate: Fate | undefined;
}

/** What is the same for every child of one start of a tree. */
export type OwnTree = Pick<TreePlace, "supervisor" | "incarnation" | "generation">;

/** A child that has not started yet. */
export function freshMember(planned: PlannedChild, place: TreePlace): TreeMember {
  const identity = identityIn(place.supervisor, place.id);
  const nothing = { step: undefined, fate: undefined };
  return { planned, place, identity, adopt: false, ran: false, isTold: false, ...nothing };
}

/** A child as its spec tells it. */
export function memberFrom(spec: ChildSpec, place: TreePlace): TreeMember {
  return { ...freshMember(plannedFrom(spec, place), place), adopt: true, ran: true };
}

/** Where a child stands. */
export function placeIn(
  tree: OwnTree,
  { id, distribute, shutdownMs, definition }: PlannedChild,
  strategy: TreePlan["strategy"],
  order: number,
  dynamic: boolean,
): TreePlace {
  // A supervisor that moves has lost nothing: its children run on.
  const managed = !distribute || (definition !== TREE && isOrdered(strategy));
  const { supervisor, incarnation, generation } = tree;
  const kind = { dynamic, managed, local: !distribute };
  return { supervisor, id, incarnation, generation, order, ...kind, shutdownMs };
}

/** The children a run begins with: those of the plan, and those that were added since and have a spec; in order. */
export function knownChildren(
  tree: OwnTree,
  plan: TreePlan,
  specs: SpecStore,
  identities: readonly string[],
): readonly TreeMember[] {
  // All or nothing is for who started the tree: whoever goes on with it tries again what does not start.
  const ran = tree.generation > 1;
  const members = plan.children.map((planned, order) => {
    const place = placeIn(tree, planned, plan.strategy, order, false);
    const member = { ...freshMember(planned, place), ran };
    const spec = specs.get(member.identity);
    const isKnown = spec !== undefined && isOf(spec, tree) && spec.state !== "stopped";
    if (!isKnown || spec.definition !== planned.definition) return member;
    const ended = spec.rules?.tree?.ended;
    const isTold = ended === "told";
    return { ...member, adopt: !isTold && ended !== "held", ran: true, isTold };
  });
  const planned = new Set(members.map(({ place }) => place.id));
  for (const identity of identities) {
    const spec = specs.get(identity);
    const place = spec?.rules?.tree;
    if (spec === undefined || place === undefined || !place.dynamic || !isOf(spec, tree)) continue;
    if (planned.has(place.id)) continue;
    members.push({ ...memberFrom(spec, place), adopt: place.ended !== "held" });
  }
  return members.sort(({ place: a }, { place: b }) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

/** The child as the supervisor's core knows it. */
export function supervised({ planned, place, ran }: TreeMember): SupervisedChild {
  return { id: place.id, restart: planned.restart, dynamic: place.dynamic, ran };
}

function plannedFrom(spec: ChildSpec, place: TreePlace): PlannedChild {
  const { definition, args, restart, on, rules } = spec;
  const { id, shutdownMs, local } = place;
  const own = rules && rulesOf({ ...rules, tree: undefined });
  return { id, definition, args, restart, on, rules: own, distribute: !local, shutdownMs };
}
