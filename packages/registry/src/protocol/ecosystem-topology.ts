/**
 * EcosystemTopology: which processes of an ecosystem each of them is told of.
 *
 * The coordinator and the workers, in the order of their numbers, stand in one row; the topology says who is next to whom:
 *
 * - tree: the coordinator is the root, each process has up to `branching` below it, filled level by level;
 * - ring: each has one before and one after it, and the last is before the coordinator;
 * - mesh: each knows all others;
 * - pipeline: the coordinator feeds the first stage and each stage the next. Each kind of worker is a stage, all of one
 *   knowing all of the next; where there is one kind only, each worker is a stage of its own.
 *
 * Invariants: whoever is in another's `next` has it in its `previous`; nobody is its own neighbour.
 */
import { assert } from "./assert.js";
import { coordinatorName, type EcosystemMember, type EcosystemPlan } from "./ecosystem-plan.js";

/** What a process is told of its place: as an `info` message, at its start and whenever it changes. */
export interface EcosystemPlace {
  readonly type: "ecosystem";
  readonly ecosystem: string;
  readonly topology: EcosystemPlan["topology"];
  readonly role: EcosystemMember["role"];
  /** The worker's number. */
  readonly index: number | undefined;
  /** The name of the coordinator. */
  readonly coordinator: string;
  /** The names of all next to it; a name follows its process through crashes. */
  readonly neighbours: readonly string[];
  /** Those before it: its parent in a tree, the stage before. None in a mesh. */
  readonly previous: readonly string[];
  /** Those after it. None in a mesh. */
  readonly next: readonly string[];
}

/** The place of one member, by its position in `members`. */
export function placeOf(
  ecosystem: string,
  plan: EcosystemPlan,
  members: readonly EcosystemMember[],
  position: number,
): EcosystemPlace {
  const member = members[position];
  assert(member !== undefined, "a place is of a member");
  const { previous, next } = directions(plan, members, position);
  const names = (positions: readonly number[]) =>
    positions.flatMap((at) => members[at]?.name ?? []);
  const around =
    plan.topology === "mesh"
      ? members.map((_, at) => at).filter((at) => at !== position)
      : [...new Set([...previous, ...next])];
  return {
    type: "ecosystem",
    ecosystem,
    topology: plan.topology,
    role: member.role,
    index: member.index,
    coordinator: coordinatorName(ecosystem),
    neighbours: names(around),
    previous: names(previous),
    next: names(next),
  };
}

interface Directions {
  readonly previous: readonly number[];
  readonly next: readonly number[];
}

function directions(
  plan: EcosystemPlan,
  members: readonly EcosystemMember[],
  position: number,
): Directions {
  const count = members.length;
  switch (plan.topology) {
    case "tree": {
      const first = position * plan.branching + 1;
      const next = range(first, Math.min(first + plan.branching, count));
      const parent = Math.floor((position - 1) / plan.branching);
      return { previous: position === 0 ? [] : [parent], next };
    }
    case "ring":
      if (count === 1) return { previous: [], next: [] };
      return { previous: [(position + count - 1) % count], next: [(position + 1) % count] };
    case "mesh":
      return { previous: [], next: [] };
    case "pipeline": {
      const stages = stagesOf(plan, members);
      const at = stages.findIndex((stage) => stage.includes(position));
      return { previous: stages[at - 1] ?? [], next: stages[at + 1] ?? [] };
    }
    default:
      return plan.topology satisfies never;
  }
}

function stagesOf(
  plan: EcosystemPlan,
  members: readonly EcosystemMember[],
): readonly (readonly number[])[] {
  const workers = range(1, members.length);
  if (plan.kinds.length === 1) return [[0], ...workers.map((at) => [at])];
  const stages = plan.kinds.map((kind) => workers.filter((at) => members[at]?.kind === kind));
  return [[0], ...stages.filter((stage) => stage.length > 0)];
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: Math.max(0, to - from) }, (_, offset) => from + offset);
}
