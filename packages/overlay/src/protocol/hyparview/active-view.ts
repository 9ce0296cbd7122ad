/**
 * ActiveView: the few neighbours of a node, each agreed on by both sides.
 *
 * Invariants: nobody is in it twice; `ids` is never changed in place, so whoever took it may keep
 * it.
 */
import type { NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";

export interface Neighbor {
  readonly id: NodeId;
  /** Number of the last agreement that was sent to it. */
  sent: number;
  /** Number of the last agreement that was received from it. */
  seen: number;
  /** X-BOT: it has its place because it is near. */
  near: boolean;
}

export class ActiveView {
  readonly #neighbors: Neighbor[] = [];
  #ids: readonly NodeId[] = [];

  get size(): number {
    return this.#neighbors.length;
  }

  get ids(): readonly NodeId[] {
    return this.#ids;
  }

  get neighbors(): readonly Neighbor[] {
    return this.#neighbors;
  }

  has(id: NodeId): boolean {
    return this.#ids.includes(id);
  }

  find(id: NodeId): Neighbor | undefined {
    for (const neighbor of this.#neighbors) if (neighbor.id === id) return neighbor;
    return undefined;
  }

  add(neighbor: Neighbor): void {
    assert(!this.has(neighbor.id), "nobody is a neighbour twice");
    this.#neighbors.push(neighbor);
    this.#ids = [...this.#ids, neighbor.id];
  }

  remove(id: NodeId): Neighbor | undefined {
    const at = this.#ids.indexOf(id);
    if (at < 0) return undefined;
    const [neighbor] = this.#neighbors.splice(at, 1);
    this.#ids = this.#neighbors.map((each) => each.id);
    return neighbor;
  }

  /** A neighbour at random, none of the excepted ones. */
  draw(random: Random, except?: NodeId, exceptToo?: NodeId): NodeId | undefined {
    let fit = 0;
    for (const id of this.#ids) if (id !== except && id !== exceptToo) fit += 1;
    if (fit === 0) return undefined;
    let left = Math.floor(random.next() * fit);
    for (const id of this.#ids) {
      if (id === except || id === exceptToo) continue;
      if (left === 0) return id;
      left -= 1;
    }
    return undefined;
  }

  /** Puts up to `count` neighbours at random into `into`, without the excepted one. */
  sample(random: Random, count: number, except: NodeId | undefined, into: NodeId[]): void {
    let left = this.#ids.length - (except !== undefined && this.has(except) ? 1 : 0);
    let wanted = Math.min(count, left);
    for (const id of this.#ids) {
      if (id === except) continue;
      // Each is taken with the chance that makes every selection of that size equally likely.
      if (wanted > 0 && random.next() * left < wanted) {
        into.push(id);
        wanted -= 1;
      }
      left -= 1;
    }
  }
}
