/**
 * The messages of routing: who is linked to whom, asked for and told.
 *
 * Plain data; what arrives was authenticated, yet may come from another version or a faulty node, so
 * `parseRoutingMessage` checks every field and length. Unknown fields are ignored.
 */
import { isBoot, isNodeId, type Boot, type NodeId } from "@foundation/core";
import { routingLimits as limits } from "./limits.js";

/** The nodes that one node is linked to, as it says itself. */
export interface NeighborList {
  readonly id: NodeId;
  readonly boot: Boot;
  /** Grows with each change within one boot. */
  readonly version: number;
  readonly neighbors: readonly NodeId[];
}

export type RoutingMessage =
  /** Asks for the receiver's own list, and for what it knows about some nodes. */
  | {
      readonly type: "neighbors-request";
      readonly seq: number;
      readonly about: readonly NodeId[];
    }
  /** The answer, with the request's number; with 0 it is news that nobody has asked for. */
  | {
      readonly type: "neighbors-reply";
      readonly seq: number;
      readonly lists: readonly NeighborList[];
    };

/** The message, rebuilt from checked fields; undefined: malformed, or of an unknown type. */
export function parseRoutingMessage(value: unknown): RoutingMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { type, seq } = value;
  if (!isCount(seq)) return undefined;
  switch (type) {
    case "neighbors-request": {
      const about = parseIds(value["about"], limits.aboutMax);
      return about && { type, seq, about };
    }
    case "neighbors-reply": {
      const lists = parseLists(value["lists"]);
      return lists && { type, seq, lists };
    }
    default:
      return undefined;
  }
}

/** One list, as membership or a reply carries it. */
export function parseNeighborList(value: unknown): NeighborList | undefined {
  if (!isRecord(value)) return undefined;
  const { id, boot, version } = value;
  const neighbors = parseIds(value["neighbors"], limits.neighborsMax);
  if (!isNodeId(id) || !isBoot(boot) || !isCount(version) || neighbors === undefined)
    return undefined;
  if (neighbors.includes(id)) return undefined;
  return { id, boot, version, neighbors };
}

function parseLists(value: unknown): NeighborList[] | undefined {
  if (!Array.isArray(value) || value.length > limits.listsPerReplyMax) return undefined;
  const lists: NeighborList[] = [];
  let neighbors = 0;
  for (const item of value as unknown[]) {
    const list = parseNeighborList(item);
    if (list === undefined) return undefined;
    neighbors += list.neighbors.length;
    if (neighbors > limits.neighborsPerReplyMax) return undefined;
    lists.push(list);
  }
  return lists;
}

/** Ids that are different from each other. */
function parseIds(value: unknown, most: number): NodeId[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined;
  const ids = new Set<NodeId>();
  for (const item of value as unknown[]) {
    if (!isNodeId(item) || ids.has(item)) return undefined;
    ids.add(item);
  }
  return [...ids];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
