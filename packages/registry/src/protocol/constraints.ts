/**
 * Constraints: what a node must offer, beside `on`, to be chosen for a child.
 *
 * Two kinds. The agreed ones follow from members and specs, which every node knows: role, labels,
 * capacity, affinity, anti-affinity, spread. They hold for first starts, takeovers, hand-overs and
 * moves alike. The measured ones (cpu, memory) follow from what nodes said of their load, late and
 * not to everybody: nodes would not agree on a takeover, so they hold for the first start and for
 * rebalancing only.
 *
 * Each is hard, unless `preferred`: then it only decides between nodes that all hard ones allow.
 * What follows from the children of one node (capacity, anti-affinity) that node itself answers for,
 * so it is never exceeded, whatever others believed; spread and affinity hold as far as the views
 * of those who place at the same moment agree.
 */
import { isRecord } from "./is-record.js";
import { parsePeers, type Peers } from "./peers.js";

/** With `preferred`, a wish: a node that does not meet it is chosen when no other does. */
export interface Softness {
  /** @default false */
  readonly preferred?: boolean;
}

/** At most so many of the peers on one node, the child itself among them. */
export interface Capacity extends Peers, Softness {
  readonly max: number;
}

/** A share of a resource, by the load a node told last; a node that told none meets it. */
export interface Below extends Softness {
  /** From 0 (nothing) to 1 (all of it), exclusive. */
  readonly below: number;
}

/** Evenly over the values of a label. */
export interface Spread extends Peers, Softness {
  /** The label that names the zone; nodes without it take no such child. */
  readonly over: string;
  /**
   * By how many peers a zone may be ahead of the emptiest zone that could take the child.
   * @default 1
   */
  readonly maxSkew?: number;
}

/**
 * What a node must offer. Plain data: it travels with the child's spec.
 *
 * @example
 * ```ts
 * import type { Constraints } from "@foundation/registry"
 *
 * const shards: Constraints = {
 *   group: "shards",
 *   labels: { disk: "ssd" },
 *   capacity: 4,
 *   antiAffinity: { prefix: "compactor-" },
 *   spread: { over: "zone" },
 *   cpu: { below: 0.8, preferred: true },
 * }
 * ```
 */
export interface Constraints {
  /** The group the child is counted in, by its own constraints and by others'. @default its definition */
  readonly group?: string;
  readonly role?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** A number: of its group, or else of its definition. */
  readonly capacity?: number | Capacity;
  /** The busier of event loop and processors. */
  readonly cpu?: Below;
  readonly memory?: Below;
  /** Not on a node with one of these; and none of these on its node, if it is hard. */
  readonly antiAffinity?: Peers & Softness;
  /** Only on a node with one of these; while none runs, anywhere if the child is one of them. */
  readonly affinity?: Peers & Softness;
  readonly spread?: Spread;
}

const KNOWN: ReadonlySet<string> = new Set([
  "group",
  "role",
  "labels",
  "capacity",
  "cpu",
  "memory",
  "antiAffinity",
  "affinity",
  "spread",
] satisfies (keyof Constraints)[]);

/** Labels that one child may ask for. */
const LABELS_MAX = 32;

/** The constraints, or undefined when they are none; for what a user or a peer said. */
export function parseConstraints(value: unknown): Constraints | undefined {
  const problem = problemOf(value);
  return problem === undefined ? copyOf(value as Constraints) : undefined;
}

/** What is wrong with the constraints, as "found X, expected Y"; undefined when nothing is. */
export function problemOf(value: unknown): string | undefined {
  if (!isRecord(value)) return "an object is expected";
  const unknown = Object.keys(value).find((key) => !KNOWN.has(key));
  if (unknown !== undefined) return `there is no constraint ${unknown}: ${[...KNOWN].join(", ")}`;
  const { group, role, labels, capacity, cpu, memory, antiAffinity, affinity, spread } = value as {
    [Key in keyof Constraints]: unknown;
  };
  for (const [key, text] of Object.entries({ group, role })) {
    if (text !== undefined && !isText(text)) return `${key} must be a text that is not empty`;
  }
  if (labels !== undefined && !areLabels(labels)) {
    return `labels must be an object of at most ${LABELS_MAX} texts`;
  }
  if (capacity !== undefined && !isCount(capacity) && !isCapacity(capacity)) {
    return "capacity must be an integer of at least 1, or an object with it as max";
  }
  for (const [key, below] of Object.entries({ cpu, memory })) {
    if (below !== undefined && !isBelow(below)) return `${key} must be { below: 0 to 1 }`;
  }
  for (const [key, peers] of Object.entries({ antiAffinity, affinity })) {
    if (peers !== undefined && !isPeers(peers)) {
      return `${key} must be an object with at most one of group, prefix and definition`;
    }
  }
  if (spread !== undefined && !isSpread(spread)) {
    return "spread must be { over: a label } with a maxSkew of at least 1 if it has one";
  }
  return undefined;
}

/** Only what is known, so that nothing else travels. */
function copyOf(constraints: Constraints): Constraints {
  const said = Object.entries(constraints).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Constraints;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

function areLabels(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const labels = Object.values(value);
  return labels.length <= LABELS_MAX && labels.every((label) => typeof label === "string");
}

function isSoft(value: object): boolean {
  const { preferred } = value as { preferred?: unknown };
  return preferred === undefined || typeof preferred === "boolean";
}

function isPeers(value: unknown, ...also: readonly string[]): boolean {
  if (!isRecord(value) || !isSoft(value) || parsePeers(value) === undefined) return false;
  const known = ["group", "prefix", "definition", "preferred", ...also];
  return Object.keys(value).every((key) => known.includes(key));
}

function isCapacity(value: unknown): boolean {
  return isPeers(value, "max") && isCount((value as Partial<Capacity>).max);
}

function isSpread(value: unknown): boolean {
  if (!isPeers(value, "over", "maxSkew")) return false;
  const { over, maxSkew } = value as Partial<Spread>;
  return isText(over) && (maxSkew === undefined || isCount(maxSkew));
}

function isBelow(value: unknown): boolean {
  if (!isRecord(value) || !isSoft(value)) return false;
  const { below } = value as Partial<Below>;
  return typeof below === "number" && below > 0 && below <= 1 && isOnly(value, "below");
}

function isOnly(value: object, key: string): boolean {
  return Object.keys(value).every((each) => each === key || each === "preferred");
}
