/**
 * ChildSpec: the record that a child of the distributed supervisor exists, and who runs it.
 *
 * Specs live in a multi-writer map keyed by identity. No clock is trusted: versions are ordered by
 * (incarnation, stopped, generation, owner, failed), and the greater one replaces the smaller.
 *
 * - `incarnation` counts starts by a user: a start after a stop is a new incarnation.
 * - `stopped` outranks every generation of its incarnation, so that no takeover, however many
 *   happened behind a partition, brings a stopped child back. One of generation 0 is `dropped`: it
 *   says that one start is over, and any stop by a user outranks it. Whoever runs another start
 *   behind a partition goes on from it, as the next incarnation.
 * - `generation` counts takeovers: the taker writes generation + 1.
 * - `owner` (node, boot) settles two takers of one generation.
 * - `failed` is written by the owner only: the child crashed more often than its intensity allows.
 *
 * Invariants: the order is total; two specs with equal versions have equal content, because the
 * version names its writer (a stop keeps nothing but its version).
 */
import type { Boot, NodeId, RestartPolicy } from "@foundation/core";
import type { ChildRules } from "./child-rules.js";

/** When a child that ended is started again. */
export type Restart = RestartPolicy;

/** Where a child may run: on one node, or on nodes with a role or with labels. */
export type On =
  | NodeId
  | { readonly role?: string; readonly labels?: Readonly<Record<string, string>> };

/** One start of one node. */
export interface Owner {
  readonly node: NodeId;
  readonly boot: Boot;
}

/** What a user asks for when a child is started. */
export interface ChildRequest {
  /** The registered name, or a generated one that begins with `$`. */
  readonly identity: string;
  /** The name of the process definition. */
  readonly definition: string;
  /** For `init`. */
  readonly args: unknown;
  readonly restart: Restart;
  readonly on: On | undefined;
  readonly meta: unknown;
  readonly rules?: ChildRules | undefined;
}

/** What is known of one child of the cluster; without `args` once it was stopped or has failed. Immutable plain data. */
export interface ChildSpec extends ChildRequest {
  readonly incarnation: number;
  readonly generation: number;
  readonly owner: Owner;
  readonly state: "running" | "failed" | "stopped";
  /** Why it failed, for people. */
  readonly reason: string | undefined;
}

/** What orders specs: the stamp of each write. Immutable plain data. */
export type SpecVersion = Pick<ChildSpec, "incarnation" | "generation" | "owner" | "state">;

/** Positive when `a` is the newer version; 0 only for the same version. */
export function compareVersions(a: SpecVersion, b: SpecVersion): number {
  return (
    a.incarnation - b.incarnation ||
    Number(a.state === "stopped") - Number(b.state === "stopped") ||
    a.generation - b.generation ||
    compareOwners(a.owner, b.owner) ||
    Number(a.state === "failed") - Number(b.state === "failed")
  );
}

/** The version of a spec, without what it says. */
export function versionOf({ incarnation, generation, owner, state }: ChildSpec): SpecVersion {
  return { incarnation, generation, owner, state };
}

/** Orders owners by node, then boot, as text. */
export function compareOwners(a: Owner, b: Owner): number {
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  if (a.boot !== b.boot) return a.boot < b.boot ? -1 : 1;
  return 0;
}

/** True for the same start of the same node. */
export function sameOwner(a: Owner, b: Owner): boolean {
  return a.node === b.node && a.boot === b.boot;
}

/** The first spec of a new incarnation, after everything known about the identity. */
export function startSpec(
  request: ChildRequest,
  owner: Owner,
  known: ChildSpec | undefined,
): ChildSpec {
  return {
    ...request,
    incarnation: (known?.incarnation ?? 0) + 1,
    generation: 1,
    owner: ownerOf(owner),
    state: "running",
    reason: undefined,
  };
}

/** The spec by which `owner` takes the child over. */
export function takeoverSpec(spec: ChildSpec, owner: Owner): ChildSpec {
  return {
    ...spec,
    generation: spec.generation + 1,
    owner: ownerOf(owner),
    state: "running",
    reason: undefined,
  };
}

/** Characters of a reason that are kept: an error's message may be as long as it likes. */
const REASON_MAX = 500;

/**
 * The spec that says: crashed too often, do not start it again. Written by the owner only. It keeps
 * no arguments, which nobody starts it from again, so it is never too large to be written.
 */
export function failedSpec(spec: ChildSpec, reason: string): ChildSpec {
  return { ...spec, args: undefined, state: "failed", reason: reason.slice(0, REASON_MAX) };
}

/** The spec that ends an incarnation for good. */
export function stoppedSpec(spec: ChildSpec): ChildSpec {
  return stoppedAt(spec.identity, { ...versionOf(spec), state: "stopped" });
}

/** The spec that ends one start, which nobody has stopped by hand. */
export function droppedSpec(spec: ChildSpec): ChildSpec {
  return stoppedAt(spec.identity, { ...versionOf(spec), generation: 0, state: "stopped" });
}

/** True for a spec that `droppedSpec` made. */
export function isDropped({ state, generation }: SpecVersion): boolean {
  return state === "stopped" && generation === 0;
}

/** What is left of a stopped child: its identity and its version. */
export function stoppedAt(identity: string, version: SpecVersion): ChildSpec {
  return {
    identity,
    definition: "",
    args: undefined,
    restart: "temporary",
    on: undefined,
    meta: undefined,
    reason: undefined,
    incarnation: version.incarnation,
    generation: version.generation,
    owner: version.owner,
    state: "stopped",
  };
}

/** Plain owner without whatever else the given object has. */
function ownerOf(owner: Owner): Owner {
  return { node: owner.node, boot: owner.boot };
}
