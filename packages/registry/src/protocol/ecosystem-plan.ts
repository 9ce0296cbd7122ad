/**
 * EcosystemPlan: what an ecosystem is, as plain data that any node can go on from.
 *
 * A coordinator and workers, each a distributed child under a name that follows from the plan alone, so that every node
 * knows who belongs to it without asking. Workers are numbered once and for all: one that is taken away leaves its number
 * to the next that comes, and no other worker's name changes when the ecosystem grows or shrinks.
 *
 * Invariants: a plan that cannot be read as a whole is none; `slots` has no trailing gap; of two plans the one of the
 * greater stamp counts, on every node.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { assert } from "./assert.js";
import { isRecord } from "./is-record.js";

/** How the processes of an ecosystem stand to each other. */
export const ECOSYSTEM_TOPOLOGIES = ["tree", "ring", "mesh", "pipeline"] as const;
export type EcosystemTopology = (typeof ECOSYSTEM_TOPOLOGIES)[number];

/** What is done about a member that was given up after too many crashes. */
export const FAULT_TOLERANCES = ["self-healing", "standard"] as const;
export type FaultTolerance = (typeof FAULT_TOLERANCES)[number];

/** How members are spread over nodes. */
export const SPREADS = ["local", "replicated", "partitioned", "custom"] as const;
export type EcosystemSpread = (typeof SPREADS)[number];

/** Nodes up to which members are dealt out in turn; with more, each is placed by its name. */
export const REPLICATED_NODES_MAX = 10;

/** A kind of member: its process, and what it is started with. */
export interface PlannedKind {
  readonly process: string;
  readonly args: unknown;
  /** As given to `startProcess`. */
  readonly on: unknown;
  readonly constraints: unknown;
}

export interface EcosystemPlan {
  readonly state: "running" | "stopping";
  readonly topology: EcosystemTopology;
  readonly faultTolerance: FaultTolerance;
  readonly spread: EcosystemSpread;
  /** Children of one process of a tree. */
  readonly branching: number;
  readonly coordinator: PlannedKind;
  readonly kinds: readonly PlannedKind[];
  /** The kind of each worker by its number; -1 where there is none. */
  readonly slots: readonly number[];
}

/** The order of plans of one name. */
export interface PlanStamp {
  readonly revision: number;
  readonly node: NodeId;
}

/** One process of an ecosystem. */
export interface EcosystemMember {
  readonly name: string;
  readonly role: "coordinator" | "worker";
  /** The worker's number. */
  readonly index: number | undefined;
  readonly kind: PlannedKind;
}

/** The spread for so many nodes that may run members. */
export function spreadFor(nodes: number): EcosystemSpread {
  if (nodes <= 1) return "local";
  return nodes <= REPLICATED_NODES_MAX ? "replicated" : "partitioned";
}

export function coordinatorName(ecosystem: string): string {
  return `${ecosystem}/coordinator`;
}

export function workerName(ecosystem: string, index: number): string {
  return `${ecosystem}/worker/${index}`;
}

/** The ecosystem whose member has that name, if it is one's name at all. */
export function ecosystemOf(name: string): string | undefined {
  return /^(.+)\/(?:coordinator|worker\/\d+)$/.exec(name)?.[1];
}

/** The coordinator, then the workers by number. */
export function membersOf(ecosystem: string, plan: EcosystemPlan): readonly EcosystemMember[] {
  const name = coordinatorName(ecosystem);
  const members: EcosystemMember[] = [
    { name, role: "coordinator", index: undefined, kind: plan.coordinator },
  ];
  for (const [index, slot] of plan.slots.entries()) {
    const kind = plan.kinds[slot];
    if (kind === undefined) continue;
    members.push({ name: workerName(ecosystem, index), role: "worker", index, kind });
  }
  return members;
}

/** How many workers of a kind there are, by its place in `kinds`. */
export function countOf(plan: EcosystemPlan, kind: number): number {
  return plan.slots.filter((slot) => slot === kind).length;
}

/** The plan with so many workers of a kind: new ones take free numbers, those of the highest go. */
export function scaled(plan: EcosystemPlan, kind: number, count: number): EcosystemPlan {
  assert(plan.kinds[kind] !== undefined, "a kind that is scaled is one of the plan");
  const slots = [...plan.slots];
  let missing = count - countOf(plan, kind);
  for (let index = 0; missing > 0; index++) {
    if ((slots[index] ?? -1) !== -1) continue;
    slots[index] = kind;
    missing--;
  }
  for (let index = slots.length - 1; missing < 0; index--) {
    if (slots[index] !== kind) continue;
    slots[index] = -1;
    missing++;
  }
  while (slots.at(-1) === -1) slots.pop();
  return { ...plan, slots };
}

export function comparePlans(a: PlanStamp, b: PlanStamp): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  return a.node < b.node ? -1 : Number(a.node > b.node);
}

export function isPlanStamp(value: unknown): value is PlanStamp {
  if (!isRecord(value)) return false;
  const { revision, node } = value;
  return Number.isSafeInteger(revision) && (revision as number) >= 1 && isNodeId(node);
}

/** What a peer sent, or undefined when any part of it is not a plan's. */
export function parsePlan(value: unknown): EcosystemPlan | undefined {
  if (!isRecord(value)) return undefined;
  const { state, topology, faultTolerance, spread, branching, slots } = value;
  const coordinator = parseKind(value.coordinator);
  const kinds = Array.isArray(value.kinds) ? value.kinds.map(parseKind) : [];
  const isKnown =
    isOneOf(["running", "stopping"] as const, state) &&
    isOneOf(ECOSYSTEM_TOPOLOGIES, topology) &&
    isOneOf(FAULT_TOLERANCES, faultTolerance) &&
    isOneOf(SPREADS, spread);
  if (!isKnown || coordinator === undefined || !Array.isArray(slots)) return undefined;
  if (!Number.isSafeInteger(branching) || (branching as number) < 1) return undefined;
  const complete = kinds.filter((kind) => kind !== undefined);
  const isSlot = (slot: unknown) =>
    Number.isSafeInteger(slot) && (slot as number) >= -1 && (slot as number) < kinds.length;
  if (complete.length !== kinds.length || !slots.every(isSlot)) return undefined;
  return {
    ...{ state, topology, faultTolerance, spread, coordinator, kinds: complete },
    ...{ branching: branching as number, slots: slots as number[] },
  };
}

function parseKind(value: unknown): PlannedKind | undefined {
  if (!isRecord(value) || typeof value.process !== "string") return undefined;
  const { process, args, on, constraints } = value;
  return { process, args, on, constraints };
}

function isOneOf<T extends string>(known: readonly T[], value: unknown): value is T {
  return (known as readonly unknown[]).includes(value);
}
