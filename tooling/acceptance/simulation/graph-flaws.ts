/** GraphFlaws: what of the links between nodes is not as their topology promises, once a cluster is well. */
import type { NodeId } from "@foundation/core";
import type { TopologyName } from "@foundation/overlay";

/** A node's own view: how it is linked, and to whom broadcasts pass from it. */
export interface Vertex {
  readonly name: string;
  readonly id: NodeId;
  readonly topology: TopologyName;
  readonly neighbours: readonly NodeId[];
}

/**
 * All have one topology; neighbours are so on both sides; and everybody is reached from everybody.
 *
 * @param asked the topology, when it is known which one it must be
 */
export function graphFlaws(vertices: readonly Vertex[], asked?: TopologyName): readonly string[] {
  const byId = new Map(vertices.map((vertex) => [vertex.id, vertex]));
  const flaws: string[] = [];
  const topologies = new Set(vertices.map(({ topology }) => topology));
  if (topologies.size > 1) {
    flaws.push(vertices.map(({ name, topology }) => `${name} is in ${topology}`).join(", "));
  }
  for (const { name, id, topology, neighbours } of vertices) {
    if (asked !== undefined && topology !== asked) {
      flaws.push(`${name} is in ${topology}, though ${asked} was asked for`);
    }
    for (const other of neighbours) {
      const there = byId.get(other);
      if (there?.neighbours.includes(id) !== true) {
        flaws.push(`${name} has the neighbour ${there?.name ?? other}, which does not have it`);
      }
    }
    if (topology === "full-mesh" && neighbours.length < vertices.length - 1) {
      flaws.push(
        `${name} has ${neighbours.length} neighbours in a full mesh of ${vertices.length}`,
      );
    }
  }
  const unreached = vertices.length - reachedFrom(vertices[0], byId).size;
  if (unreached > 0) flaws.push(`${unreached} nodes are not reached from ${vertices[0]?.name}`);
  return flaws;
}

function reachedFrom(first: Vertex | undefined, byId: ReadonlyMap<NodeId, Vertex>): Set<Vertex> {
  const reached = new Set(first === undefined ? [] : [first]);
  for (const { neighbours } of reached) {
    for (const id of neighbours) {
      const next = byId.get(id);
      if (next !== undefined) reached.add(next);
    }
  }
  return reached;
}
