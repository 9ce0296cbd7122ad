/**
 * Inspection: what one node says of itself when it is asked: too much to be told to everybody in a large cluster.
 *
 * What comes from another node is checked field by field: it may be of another version.
 */
import { isNodeId, type Member, type NodeId, type NodeLoad } from "@foundation/core";
import { isTopologyName, type PeerExplanation, type TopologyName } from "@foundation/overlay";
import { limits } from "../limits.js";
import { parseVitals } from "./parse-vitals.js";
import type { NodeVitals } from "./report.js";

/** What a node says of itself. */
export interface SelfDescription {
  readonly vitals: NodeVitals;
  /** How busy it is, each a share from 0 to 1. */
  readonly load: NodeLoad;
  /** How it is linked to the others now. */
  readonly topology: TopologyName;
  /** Those to whom broadcasts pass from it. */
  readonly neighbours: readonly NodeId[];
  /** Its connections: one for each lane of each channel to each node. */
  readonly links: { readonly up: number; readonly queuedBytes: number };
}

/** One node, as it says it is and as the node that asked sees it. */
export interface NodeInspection extends SelfDescription {
  readonly node: Member;
  /** What the node that asked knows of it and of the link to it, and why it is so. */
  readonly explanation: PeerExplanation;
}

/** The description, or undefined when what came is something else. */
export function parseDescription(data: unknown): SelfDescription | undefined {
  const { vitals, load, topology, neighbours, links } = fieldsOf(data);
  const parsed = parseVitals(vitals);
  const { eventLoop, processor, memory } = fieldsOf(load);
  const { up, queuedBytes } = fieldsOf(links);
  const isValid =
    parsed !== undefined &&
    [eventLoop, processor, memory, up, queuedBytes].every(Number.isFinite) &&
    isTopologyName(topology) &&
    Array.isArray(neighbours) &&
    neighbours.length <= limits.neighboursMax &&
    neighbours.every(isNodeId);
  if (!isValid) return undefined;
  return {
    vitals: parsed,
    load: { eventLoop, processor, memory } as NodeLoad,
    topology,
    neighbours,
    links: { up, queuedBytes } as SelfDescription["links"],
  };
}

function fieldsOf(data: unknown): Readonly<Record<string, unknown>> {
  return typeof data === "object" && data !== null ? (data as Record<string, unknown>) : {};
}
