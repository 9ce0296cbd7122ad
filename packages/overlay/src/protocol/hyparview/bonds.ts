/**
 * Bonds: the edges of this side: taken into the view, accepted, ended, and what is said of it.
 *
 * Invariants: whoever is added or removed is told as a neighbour that came or went; the number of an
 * agreement is sent once.
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import type { IdleLinks } from "./idle-links.js";
import type { MessageOf, NeighborReason } from "./messages.js";
import type { Nearness } from "./nearness.js";
import type { HyParViewState } from "./state.js";

export class Bonds {
  readonly #state: HyParViewState;
  readonly #nearness: Nearness;
  readonly #idle: IdleLinks;
  #nr = 0;

  constructor(state: HyParViewState, nearness: Nearness, idle: IdleLinks) {
    this.#state = state;
    this.#nearness = nearness;
    this.#idle = idle;
  }

  /** The number of an agreement. */
  nextNr(): number {
    this.#nr += 1;
    return this.#nr;
  }

  /** Tells the asker that it is a neighbour; `evicted` lost its place for it. */
  accept(to: NodeId, nr: number, evicted: NodeId | undefined): void {
    const neighbor = this.#state.active.find(to);
    assert(neighbor !== undefined, "only a neighbour is accepted");
    neighbor.sent = this.nextNr();
    this.#state.out.send(to, { type: "accept", nr: neighbor.sent, to: nr, evicted });
  }

  /** Who makes room for a node in a full view; nobody when that node is to be refused. */
  victimOf(from: NodeId, why: NeighborReason | "join", wanted: boolean): NodeId | undefined {
    if (why === "near") return this.#nearness.victimOf(from);
    return why !== "low" || wanted ? this.draw() : undefined;
  }

  /** A neighbour drawn at random; there is one. */
  draw(): NodeId {
    const id = this.#state.active.draw(this.#state.random);
    assert(id !== undefined, "a full view has neighbours");
    return id;
  }

  /** Ends the edge with a neighbour whose place is needed; `next` has a free one. */
  evict(id: NodeId, next: NodeId | undefined): void {
    const neighbor = this.remove(id);
    assert(neighbor !== undefined, "only a neighbour makes room");
    this.#state.out.count("evicted");
    this.disconnect(id, neighbor.seen, next);
    this.#state.learnResting(id);
  }

  /** The node is a neighbour from now on. */
  add(id: NodeId, seen: number, near: boolean): { sent: number } {
    const { active, passive, limits, out } = this.#state;
    passive.remove(id);
    const neighbor = { id, sent: 0, seen, near };
    active.add(neighbor);
    assert(active.size <= limits.activeMax, "the active view is bounded");
    out.neighborUp(id);
    return neighbor;
  }

  /** The node is no neighbour any more, if it was one. */
  remove(id: NodeId): { readonly seen: number } | undefined {
    const neighbor = this.#state.active.remove(id);
    if (neighbor) this.#state.out.neighborDown(id);
    return neighbor;
  }

  /** Ends an edge, or one that the other side believes in. */
  disconnect(id: NodeId, seen: number, next: NodeId | undefined): void {
    if (!this.#state.linked.has(id)) return;
    this.#state.out.send(id, this.farewell(id, seen, next));
    this.#idle.add(id);
  }

  /** What is said at the end of an edge. */
  farewell(to: NodeId, seen: number, next: NodeId | undefined): MessageOf<"disconnect"> {
    const alternatives = this.#state.offer(to);
    const hint = next === to ? undefined : next;
    return { type: "disconnect", alive: true, seen, next: hint, alternatives };
  }
}
