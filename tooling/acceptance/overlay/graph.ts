/**
 * Graph: the shape of an overlay at one moment: who is connected with whom, how far apart they are, how even it is.
 *
 * An edge is a link both of whose nodes have each other in their active views; what only one of them believes is
 * counted apart. Neighbours stand one after the other in one array, so ten thousand nodes are walked in milliseconds.
 */
import type { Random } from "@foundation/core/ports";

export interface Paths {
  /** Mean number of links between two nodes that can reach each other. */
  readonly average: number;
  /** The longest found. */
  readonly longest: number;
  /** From so many nodes all others were measured. */
  readonly sources: number;
}

export interface Spread {
  readonly mean: number;
  readonly least: number;
  readonly most: number;
  readonly deviation: number;
}

export class Graph {
  /** Who has whom in its view without being in that one's. */
  readonly oneSided: readonly (readonly [node: number, peer: number])[];
  /** In how many views each node is. */
  readonly inDegree: Spread;
  readonly #starts: Int32Array;
  readonly #neighbors: Int32Array;

  /** @param views by node: the numbers of those in its view, each once, others than itself */
  constructor(readonly views: readonly (readonly number[])[]) {
    const sets = views.map((view) => new Set(view));
    const counts = new Array<number>(views.length).fill(0);
    const oneSided: [number, number][] = [];
    const starts = new Int32Array(views.length + 1);
    const neighbors: number[] = [];
    views.forEach((view, node) => {
      for (const peer of view) {
        counts[peer] = (counts[peer] ?? 0) + 1;
        if (sets[peer]?.has(node) === true) neighbors.push(peer);
        else oneSided.push([node, peer]);
      }
      starts[node + 1] = neighbors.length;
    });
    this.oneSided = oneSided;
    this.inDegree = spreadOf(counts);
    this.#starts = starts;
    this.#neighbors = Int32Array.from(neighbors);
  }

  get nodes(): number {
    return this.views.length;
  }

  /** Sizes of the connected parts, the largest first. */
  components(): readonly number[] {
    const sizes: number[] = [];
    const walk = new Walk(this.nodes);
    for (let node = 0; node < this.nodes; node += 1) {
      if (walk.distance(node) >= 0) continue;
      const before = walk.count;
      walk.from(node, this.#starts, this.#neighbors);
      sizes.push(walk.count - before);
    }
    return sizes.sort((a, b) => b - a);
  }

  /** From every node, or where there are more than `sourcesMax`, from so many that chance picks. */
  paths(random: Random, sourcesMax = 1_000): Paths {
    const all = this.nodes <= sourcesMax;
    const sources = all ? this.nodes : sourcesMax;
    let sum = 0;
    let pairs = 0;
    let longest = 0;
    for (let count = 0; count < sources; count += 1) {
      const walk = new Walk(this.nodes);
      walk.from(all ? count : random.uint32() % this.nodes, this.#starts, this.#neighbors);
      sum += walk.sum;
      pairs += walk.count - 1;
      longest = Math.max(longest, walk.farthest);
    }
    return { average: pairs === 0 ? 0 : sum / pairs, longest, sources };
  }

  /** Mean over all nodes: of the pairs of its neighbours, the part that are neighbours themselves. */
  clustering(): number {
    let sum = 0;
    for (let node = 0; node < this.nodes; node += 1) {
      const own = this.#of(node);
      if (own.length < 2) continue;
      let edges = 0;
      for (const peer of own) {
        for (const other of this.#of(peer)) if (own.includes(other)) edges += 1;
      }
      sum += edges / (own.length * (own.length - 1));
    }
    return this.nodes === 0 ? 0 : sum / this.nodes;
  }

  #of(node: number): Int32Array {
    return this.#neighbors.subarray(this.#starts[node], this.#starts[node + 1]);
  }
}

/** One breadth-first search, or several one after the other that leave out what was visited. */
class Walk {
  /** Nodes visited. */
  count = 0;
  /** Of the distances. */
  sum = 0;
  farthest = 0;
  readonly #distances: Int16Array;
  readonly #queue: Int32Array;

  constructor(nodes: number) {
    this.#distances = new Int16Array(nodes).fill(-1);
    this.#queue = new Int32Array(nodes);
  }

  /** -1: not visited. */
  distance(node: number): number {
    return this.#distances[node] ?? -1;
  }

  from(source: number, starts: Int32Array, neighbors: Int32Array): void {
    const distances = this.#distances;
    const queue = this.#queue;
    let at = this.count;
    distances[source] = 0;
    queue[this.count++] = source;
    for (; at < this.count; at += 1) {
      const node = queue[at] as number;
      const distance = distances[node] as number;
      this.sum += distance;
      this.farthest = Math.max(this.farthest, distance);
      const end = starts[node + 1] as number;
      for (let index = starts[node] as number; index < end; index += 1) {
        const peer = neighbors[index] as number;
        if (distances[peer] !== -1) continue;
        distances[peer] = distance + 1;
        queue[this.count++] = peer;
      }
    }
  }
}

export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { mean: 0, least: 0, most: 0, deviation: 0 };
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    sum += value;
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, least, most, deviation: Math.sqrt(squares / values.length) };
}
