/**
 * EvenCounts: how many children each node should carry at least and at most.
 *
 * Nodes that can take each other's children, directly or by way of others, have one average: two database nodes are not
 * compared with eight web servers.
 *
 * Invariants: the bounds hold the whole numbers next below and next above the average, so that a part whose children may go
 * anywhere in it can always meet them; nothing but the arguments is read.
 */
import type { Bounds } from "./fewest-moves.js";

/** By how much a count may differ from an average: always room for what whole numbers need. */
export function boundsOf(average: number, tolerance: number): Bounds {
  const lower = Math.min(Math.floor(average), Math.ceil(average * (1 - tolerance)));
  const upper = Math.max(Math.ceil(average), Math.floor(average * (1 + tolerance)));
  return { lower: Math.max(0, lower), upper };
}

/** The bounds of each node: around the average of those it can exchange children with. */
export function boundsAround(
  counts: readonly number[],
  sets: readonly (readonly boolean[])[],
  tolerance: number,
): readonly Bounds[] {
  const parts = partsOf(counts.length, sets);
  const sums = new Map<number, { nodes: number; count: number }>();
  for (const [place, part] of parts.entries()) {
    const { nodes, count } = sums.get(part) ?? { nodes: 0, count: 0 };
    sums.set(part, { nodes: nodes + 1, count: count + (counts[place] ?? 0) });
  }
  return parts.map((part) => {
    const { nodes, count } = sums.get(part) ?? { nodes: 1, count: 0 };
    return boundsOf(count / nodes, tolerance);
  });
}

/** By place: a number that nodes share which some child could be moved between. */
function partsOf(size: number, sets: readonly (readonly boolean[])[]): readonly number[] {
  const parent = Array.from({ length: size }, (_, place) => place);
  const rootOf = (place: number): number => {
    let root = place;
    while (parent[root] !== root) root = parent[root] as number;
    parent[place] = root;
    return root;
  };
  const seen = new Set<readonly boolean[]>();
  for (const allowed of sets) {
    if (seen.has(allowed)) continue;
    seen.add(allowed);
    const places = allowed.flatMap((may, place) => (may ? [place] : []));
    for (const place of places) parent[rootOf(place)] = rootOf(places[0] as number);
  }
  return parent.map((_root, place) => rootOf(place));
}
