/**
 * NeighborMap: who is linked to whom, as far as this node has heard, and the ways that follow.
 *
 * Each node says itself whom it is linked to; of two lists of a node the one of the newer boot, then
 * of the higher version, counts. Lists travel, so two nodes may be heard to contradict each other
 * for a while: a route leads over links that nobody contradicts, and over doubtful ones only where
 * there is no other.
 *
 * Invariants: this node's own links are exact, whatever others say about them; lists, and neighbours
 * in them, are bounded: what was heard longest ago is forgotten first; the same inputs in the same
 * order give the same routes.
 */
import type { Boot, NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";
import { routingLimits, type RoutingLimits } from "./limits.js";
import type { NeighborList } from "./messages.js";
import { shortestRoute } from "./source-route.js";

export interface NeighborMapOptions {
  readonly self: NodeId;
  readonly boot: Boot;
  /** Chooses among ways of one length. */
  readonly random: Random;
  /** False for nodes that pass nothing on: gone ones, clients. @default every node does */
  readonly mayPass?: (id: NodeId) => boolean;
  readonly limits?: Partial<RoutingLimits>;
}

interface Known {
  readonly list: NeighborList;
  readonly neighbors: ReadonlySet<NodeId>;
  readonly heardMs: number;
}

/** How a node can be reached, for people. */
export interface RouteExplanation {
  readonly peer: NodeId;
  /** There is a link to it from here. */
  readonly isLinked: boolean;
  /** From this node to the peer, both included; undefined: none is known. */
  readonly route: readonly NodeId[] | undefined;
  /** Every link of the route is one that nobody contradicts. */
  readonly isCertain: boolean;
  /** What it says itself, and how long ago that was heard, in ms. */
  readonly list: (NeighborList & { readonly ageMs: number }) | undefined;
  /** Nodes that say they are linked to it. */
  readonly claimedBy: readonly NodeId[];
}

const NOBODY: ReadonlySet<NodeId> = new Set();

export class NeighborMap {
  readonly self: NodeId;
  readonly #boot: Boot;
  readonly #random: Random;
  readonly #mayPass: (id: NodeId) => boolean;
  readonly #limits: RoutingLimits;
  readonly #links = new Set<NodeId>();
  #version = 0;
  #own: NeighborList | undefined;
  /** In the order in which they were heard. */
  readonly #known = new Map<NodeId, Known>();
  #edges = 0;
  readonly #claims = new Map<NodeId, Set<NodeId>>();

  constructor({ self, boot, random, mayPass = () => true, limits }: NeighborMapOptions) {
    this.self = self;
    this.#boot = boot;
    this.#random = random.fork("routes");
    this.#mayPass = mayPass;
    this.#limits = { ...routingLimits, ...limits };
  }

  /** What this node tells others. Cached between changes. */
  get own(): NeighborList {
    this.#own ??= {
      id: this.self,
      boot: this.#boot,
      version: this.#version,
      neighbors: [...this.#links].slice(0, this.#limits.neighborsMax),
    };
    return this.#own;
  }

  get lists(): number {
    return this.#known.size;
  }

  /** Neighbours in all lists together. */
  get edges(): number {
    return this.#edges;
  }

  isLinked(id: NodeId): boolean {
    return this.#links.has(id);
  }

  /** This node has a link of its own to another one; a relayed connection is none. */
  linkUp(id: NodeId): void {
    if (id === this.self || this.#links.has(id)) return;
    this.#links.add(id);
    this.#changed();
  }

  linkDown(id: NodeId): void {
    if (this.#links.delete(id)) this.#changed();
  }

  /** A list was heard, from whomever. False: nothing newer than what is known. */
  learn(list: NeighborList, now: number): boolean {
    const { id, neighbors } = list;
    if (id === this.self || neighbors.length > this.#limits.neighborsMax) return false;
    const known = this.#known.get(id);
    if (known !== undefined && !isNewer(list, known.list)) {
      if (list.boot === known.list.boot && list.version === known.list.version) {
        this.#known.delete(id);
        this.#known.set(id, { ...known, heardMs: now });
      }
      return false;
    }
    this.#drop(id);
    const all = new Set(neighbors);
    this.#known.set(id, { list, neighbors: all, heardMs: now });
    this.#edges += all.size;
    for (const neighbor of all) {
      const claims = this.#claims.get(neighbor);
      if (claims === undefined) this.#claims.set(neighbor, new Set([id]));
      else claims.add(id);
    }
    this.#keepWithinLimits();
    return true;
  }

  /** A node is gone: what it said counts no more. What others say about it does. */
  forget(id: NodeId): void {
    this.#drop(id);
  }

  /** What was heard before that time counts no more. */
  forgetOlder(beforeMs: number): void {
    for (const [id, { heardMs }] of this.#known) {
      if (heardMs >= beforeMs) return;
      this.#drop(id);
    }
  }

  /** What is known of a node, its own list included. */
  listOf(id: NodeId): NeighborList | undefined {
    return id === this.self ? this.own : this.#known.get(id)?.list;
  }

  /** Nodes that say they are linked to this one, in the order in which they were heard. */
  claimedBy(id: NodeId): readonly NodeId[] {
    return [...(this.#claims.get(id) ?? NOBODY)];
  }

  /**
   * A shortest way to a node that leads over none of `avoid`: from this node to the target, both
   * included; undefined: none is known. Over links that are certain, if there is such a way.
   */
  routeTo(target: NodeId, avoid: ReadonlySet<NodeId> = NOBODY): readonly NodeId[] | undefined {
    const oneIn = (count: number) => this.#random.next() * count < 1;
    return this.#search(target, avoid, true, oneIn) ?? this.#search(target, avoid, false, oneIn);
  }

  /** What is known about the way to a node. Changes nothing, so it draws nothing. */
  explain(peer: NodeId, now: number): RouteExplanation {
    const known = this.#known.get(peer);
    const first = () => false;
    const certain = this.#search(peer, NOBODY, true, first);
    return {
      peer,
      isLinked: this.#links.has(peer),
      route: certain ?? this.#search(peer, NOBODY, false, first),
      isCertain: certain !== undefined,
      list: known && { ...known.list, ageMs: Math.max(0, now - known.heardMs) },
      claimedBy: this.claimedBy(peer),
    };
  }

  #search(
    to: NodeId,
    avoid: ReadonlySet<NodeId>,
    isCertain: boolean,
    oneIn: (count: number) => boolean,
  ): readonly NodeId[] | undefined {
    return shortestRoute({
      from: this.self,
      to,
      hopsMax: this.#limits.hopsMax,
      neighborsOf: (id) => this.#neighborsOf(id, isCertain),
      mayPass: (id) => !avoid.has(id) && this.#mayPass(id),
      oneIn,
    });
  }

  *#neighborsOf(id: NodeId, isCertain: boolean): Iterable<NodeId> {
    // Of our own links nobody else knows better.
    if (id === this.self) {
      yield* this.#links;
      return;
    }
    const said = this.#known.get(id)?.neighbors;
    for (const other of said ?? NOBODY) {
      const theirs = this.#known.get(other)?.neighbors;
      if (!isCertain || theirs === undefined || theirs.has(id)) yield other;
    }
    for (const other of this.#claims.get(id) ?? NOBODY) {
      if (said?.has(other) === true) continue;
      if (!isCertain || said === undefined) yield other;
    }
  }

  #changed(): void {
    this.#version += 1;
    this.#own = undefined;
  }

  #drop(id: NodeId): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    this.#known.delete(id);
    this.#edges -= known.neighbors.size;
    for (const neighbor of known.neighbors) {
      const claims = this.#claims.get(neighbor);
      assert(claims?.delete(id) === true, "every neighbour in a list is claimed by its node");
      if (claims.size === 0) this.#claims.delete(neighbor);
    }
  }

  #keepWithinLimits(): void {
    const { listsMax, edgesMax } = this.#limits;
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= listsMax && this.#edges <= edgesMax) return;
      this.#drop(oldest);
    }
  }
}

/** A newer boot, then a higher version. Boots of one node are ordered as text. */
function isNewer(a: NeighborList, b: NeighborList): boolean {
  return a.boot === b.boot ? a.version > b.version : a.boot > b.boot;
}
