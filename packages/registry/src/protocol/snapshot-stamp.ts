/**
 * SnapshotStamp: which of two kept snapshots of one child is the newer one.
 *
 * Ordered as the specs are (incarnation, stopped, generation, owner), and by a count within one owner, so that the snapshot
 * that stays after a heal is one of the instance that stays; no clock is trusted.
 *
 * Invariants: the order is total; two snapshots with equal stamps are the same one, because the stamp names its writer and
 * the writer counts.
 */
import { compareOwners, type ChildSpec, type Owner } from "./child-spec.js";
import { parseOwner } from "./parse-spec.js";

/** Orders the snapshots of a child. Immutable plain data. */
export interface SnapshotStamp {
  readonly incarnation: number;
  /** The child was stopped: nothing of this incarnation is kept any more. */
  readonly stopped: boolean;
  readonly generation: number;
  readonly owner: Owner;
  /** Snapshots its writer has kept so far. */
  readonly count: number;
}

/** Positive when `a` is the newer one. */
export function compareSnapshots(a: SnapshotStamp, b: SnapshotStamp): number {
  return (
    a.incarnation - b.incarnation ||
    Number(a.stopped) - Number(b.stopped) ||
    a.generation - b.generation ||
    compareOwners(a.owner, b.owner) ||
    a.count - b.count
  );
}

/** The stamp of a snapshot that the child of that spec keeps now. */
export function snapshotStamp(spec: ChildSpec, count: number): SnapshotStamp {
  const { incarnation, generation, owner } = spec;
  return { incarnation, stopped: false, generation, owner, count };
}

/** The stamp by which nothing of that incarnation is kept any more; the same whoever writes it. */
export function droppedStamp(spec: ChildSpec, incarnation: number): SnapshotStamp {
  const { node, boot } = spec.owner;
  return { incarnation, stopped: true, generation: 0, owner: { node, boot }, count: 0 };
}

/** True when nobody starts from a snapshot of that incarnation any more. */
export function isUseless(incarnation: number, spec: ChildSpec): boolean {
  if (spec.incarnation !== incarnation) return spec.incarnation > incarnation;
  // What ended in a tree may be started again by its supervisor; any other failure is for good.
  return spec.state === "stopped" || (spec.state === "failed" && spec.rules?.tree === undefined);
}

/** True for a stamp; for what a peer sent. */
export function isSnapshotStamp(value: unknown): value is SnapshotStamp {
  if (typeof value !== "object" || value === null) return false;
  const { incarnation, stopped, generation, owner, count } = value as Partial<SnapshotStamp>;
  if (!isCount(incarnation) || !isCount(generation) || !isCount(count)) return false;
  return typeof stopped === "boolean" && parseOwner(owner) !== undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
