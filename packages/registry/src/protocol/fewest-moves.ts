/**
 * Fewest moves: bring the counts of nodes between a lower and an upper bound by moving as little as
 * can be, where each child may go only to some of the nodes.
 *
 * It is a minimum-cost flow, solved by successive shortest paths (Ahuja, Magnanti, Orlin, Network
 * Flows, 1993, §9.7). A path begins at a node that has too many (or one to spare), ends at one that
 * has too few (or room), and each step moves one child on: away from its home costs one, back home
 * gives one back, so a long way round is taken only where no child may go directly. Ending an
 * excess or a lack is worth more than any number of moves, so first as many of those end as can.
 *
 * Invariants: no child is moved where it may not be; of all ways that leave as little too much and
 * too few, none moves fewer children; within the bounds nothing moves.
 */
import { assert } from "./assert.js";

/** Children of one node that may go to the same nodes. */
export interface Stock {
  /** The node, by its place. */
  readonly home: number;
  readonly size: number;
  /** By place of the node: whether they may go there. At home they may stay in any case. */
  readonly allowed: readonly boolean[];
}

export interface Bounds {
  readonly lower: number;
  readonly upper: number;
}

/** So many children of a stock go to that node. */
export interface Shipment {
  readonly stock: number;
  readonly to: number;
  readonly count: number;
}

/** More than any path is long: what ending an excess or a lack is worth. */
const WORTH = 1_000_000;

/** By place of the node: all its children, also those that no stock has, and its bounds. */
export function fewestMoves(
  counts: readonly number[],
  bounds: readonly Bounds[],
  stocks: readonly Stock[],
): readonly Shipment[] {
  assert(counts.length === bounds.length, "every node has bounds");
  const flow = new Flow(counts, bounds, stocks);
  flow.moveDirectly();
  while (flow.moveAlongBestPath());
  return flow.shipments();
}

interface Edge {
  readonly stock: number;
  readonly cost: number;
}

class Flow {
  readonly #counts: number[];
  readonly #bounds: readonly Bounds[];
  readonly #stocks: readonly Stock[];
  /** How many children of each stock are at each node now. */
  readonly #at: number[][];

  constructor(counts: readonly number[], bounds: readonly Bounds[], stocks: readonly Stock[]) {
    this.#counts = [...counts];
    this.#bounds = bounds;
    this.#stocks = stocks;
    this.#at = stocks.map(({ home, size }) =>
      counts.map((_count, node) => (node === home ? size : 0)),
    );
  }

  /** The shortest paths of all, from too many straight to too few: nearly everything, and cheap. */
  moveDirectly(): void {
    for (const [stock, { home, allowed }] of this.#stocks.entries()) {
      for (let to = 0; to < this.#counts.length; to++) {
        if (allowed[to] !== true || to === home) continue;
        const most = Math.min(this.#excess(home), this.#lack(to), this.#here(stock, home));
        if (most > 0) this.#move(stock, home, to, most);
      }
    }
  }

  /** False when there is no path that is worth its moves. */
  moveAlongBestPath(): boolean {
    const path = this.#bestPath();
    if (path === undefined) return false;
    const [from, to] = [path[0]?.from ?? 0, path.at(-1)?.to ?? 0];
    let most = Math.min(this.#mayGive(from), this.#mayTake(to));
    for (const { stock, from: node } of path) most = Math.min(most, this.#here(stock, node));
    assert(most > 0, "a path can carry at least one child");
    for (const { stock, from: node, to: next } of path) this.#move(stock, node, next, most);
    return true;
  }

  shipments(): readonly Shipment[] {
    return this.#at.flatMap((nodes, stock) =>
      nodes.flatMap((count, to) =>
        count > 0 && to !== this.#stocks[stock]?.home ? [{ stock, to, count }] : [],
      ),
    );
  }

  /** Bellman and Ford's: some edges give a move back, so they cost less than nothing. */
  #bestPath(): readonly { stock: number; from: number; to: number }[] | undefined {
    const size = this.#counts.length;
    const edges = this.#edges();
    const cost = this.#counts.map((_count, node) =>
      this.#mayGive(node) === 0 ? Infinity : this.#excess(node) > 0 ? -WORTH : 0,
    );
    const before = new Array<number>(size).fill(-1);
    for (let round = 0, changed = true; changed && round < size; round++) {
      changed = false;
      for (let from = 0; from < size; from++) {
        for (let to = 0; to < size; to++) {
          const edge = edges[from * size + to];
          if (edge === undefined || cost[from] === Infinity) continue;
          const reached = (cost[from] as number) + edge.cost;
          if (reached >= (cost[to] as number)) continue;
          cost[to] = reached;
          before[to] = from;
          changed = true;
        }
      }
    }
    const worth = (node: number) => (cost[node] as number) - (this.#lack(node) > 0 ? WORTH : 0);
    let best = -1;
    for (let node = 0; node < size; node++) {
      if (before[node] === -1 || this.#mayTake(node) === 0 || worth(node) >= 0) continue;
      if (best === -1 || worth(node) < worth(best)) best = node;
    }
    return best === -1 ? undefined : this.#trace(best, before, edges);
  }

  #trace(last: number, before: readonly number[], edges: readonly (Edge | undefined)[]) {
    const path: { stock: number; from: number; to: number }[] = [];
    const size = this.#counts.length;
    for (let to = last; before[to] !== -1; to = before[to] as number) {
      const from = before[to] as number;
      const { stock } = edges[from * size + to] as Edge;
      path.unshift({ stock, from, to });
      assert(path.length < size, "a path passes a node once");
    }
    return path;
  }

  /** The cheapest way to move one child from one node to another, by both. */
  #edges(): readonly (Edge | undefined)[] {
    const size = this.#counts.length;
    const edges = new Array<Edge | undefined>(size * size).fill(undefined);
    for (const [stock, { home, allowed }] of this.#stocks.entries()) {
      for (let from = 0; from < size; from++) {
        if (this.#here(stock, from) === 0) continue;
        for (let to = 0; to < size; to++) {
          if (to === from || (allowed[to] !== true && to !== home)) continue;
          const cost = Number(to !== home) - Number(from !== home);
          const known = edges[from * size + to];
          if (known === undefined || cost < known.cost) edges[from * size + to] = { stock, cost };
        }
      }
    }
    return edges;
  }

  #move(stock: number, from: number, to: number, count: number): void {
    const nodes = this.#at[stock] as number[];
    nodes[from] = (nodes[from] as number) - count;
    nodes[to] = (nodes[to] as number) + count;
    this.#counts[from] = (this.#counts[from] as number) - count;
    this.#counts[to] = (this.#counts[to] as number) + count;
    assert((nodes[from] as number) >= 0, "only what is there is moved");
  }

  #here(stock: number, node: number): number {
    return this.#at[stock]?.[node] ?? 0;
  }

  #count(node: number): number {
    return this.#counts[node] as number;
  }

  #lower(node: number): number {
    return (this.#bounds[node] as Bounds).lower;
  }

  #upper(node: number): number {
    return (this.#bounds[node] as Bounds).upper;
  }

  #excess(node: number): number {
    return Math.max(0, this.#count(node) - this.#upper(node));
  }

  #lack(node: number): number {
    return Math.max(0, this.#lower(node) - this.#count(node));
  }

  /** How many it may lose in one step: its excess first, then what it has to spare. */
  #mayGive(node: number): number {
    const excess = this.#excess(node);
    return excess > 0 ? excess : Math.max(0, this.#count(node) - this.#lower(node));
  }

  #mayTake(node: number): number {
    const lack = this.#lack(node);
    return lack > 0 ? lack : Math.max(0, this.#upper(node) - this.#count(node));
  }
}
