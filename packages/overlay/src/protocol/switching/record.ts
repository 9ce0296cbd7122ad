/**
 * SwitchRecord: what the cluster has decided about its topology, as one small record of which the
 * greatest one holds everywhere (a last-writer-wins register).
 *
 * A decision by hand and an automatic one are counted apart. An automatic one leaves `epoch` as it
 * is and only raises `turn`; at the same epoch a pinned record is greater than any that is not. So
 * whatever the sizes do, and in whichever half of a partition, no automatic decision is ever
 * greater than a pin: only another decision by hand is.
 *
 * Invariant: the order is total. Two records are equal in it only if all their fields are, so all
 * who have heard the same records hold the same one.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { switchLimits as limits } from "./limits.js";
import { isTopologyName, topologyNames, type TopologyName } from "./topologies.js";

export interface SwitchRecord {
  /** How many decisions by hand led here. 0: what the nodes were configured with. */
  readonly epoch: number;
  /** How many automatic decisions followed since. */
  readonly turn: number;
  readonly mode: TopologyName;
  /** Stays until somebody decides otherwise by hand. */
  readonly pinned: boolean;
  /** The node that decided. */
  readonly by: NodeId;
}

export interface SwitchMessage {
  readonly type: "topology";
  readonly record: SwitchRecord;
}

/** Negative when `a` is the lesser one, positive when the greater, 0 when they are the same. */
export function compareRecords(a: SwitchRecord, b: SwitchRecord): number {
  if (a.epoch !== b.epoch) return a.epoch - b.epoch;
  if (a.pinned !== b.pinned) return a.pinned ? 1 : -1;
  if (a.turn !== b.turn) return a.turn - b.turn;
  if (a.by !== b.by) return a.by < b.by ? -1 : 1;
  // A node that lost its memory may decide twice under one number.
  return topologyNames.indexOf(a.mode) - topologyNames.indexOf(b.mode);
}

/**
 * The message, rebuilt from checked fields; undefined when it is malformed or of an unknown type.
 */
export function parseSwitchMessage(value: unknown): SwitchMessage | undefined {
  if (!isObject(value) || value["type"] !== "topology") return undefined;
  const record = parseSwitchRecord(value["record"]);
  return record && { type: "topology", record };
}

/** The record, rebuilt from checked fields; undefined when it is malformed. */
export function parseSwitchRecord(value: unknown): SwitchRecord | undefined {
  if (!isObject(value)) return undefined;
  const { epoch, turn, mode, pinned, by } = value;
  if (!isDecision(epoch) || !isDecision(turn) || !isTopologyName(mode)) return undefined;
  if (typeof pinned !== "boolean" || !isNodeId(by)) return undefined;
  // A pin is by hand, so no automatic decision follows it.
  if (pinned && turn > 0) return undefined;
  return { epoch, turn, mode, pinned, by };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDecision(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= limits.decisionsMax;
}
