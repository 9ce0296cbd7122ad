/**
 * PinnedKeys: which node key belongs to which node id, as first proved ("trust on first use", as in SSH, RFC 4251 §4.1).
 *
 * All members know the secret, so it cannot tell one from another; the key can. Who proved an id with a key first keeps
 * it: another key, or none any more, is refused.
 *
 * Invariants: an id has one key until it is forgotten; the table is bounded, and what goes first is the entry proved
 * longest ago that has no link: whoever makes up ids cannot push out a node that is here.
 */
import type { NodeId } from "@foundation/core";
import { LINK } from "../../limits.js";
import { assert } from "../assert.js";

export class PinnedKeys {
  readonly #keys = new Map<NodeId, string>();
  readonly #isLinked: (id: NodeId) => boolean;
  readonly #keysMax: number;

  constructor(isLinked: (id: NodeId) => boolean, keysMax: number = LINK.pinnedKeysMax) {
    this.#isLinked = isLinked;
    this.#keysMax = keysMax;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** May a node with this id show this key? One that was never seen with a key may come with any, or without. */
  fits(id: NodeId, nodeKey: string | undefined): boolean {
    const pinned = this.#keys.get(id);
    return pinned === undefined || pinned === nodeKey;
  }

  /** A node has proved its key; false: the id has another one meanwhile. */
  proved(id: NodeId, nodeKey: string | undefined): boolean {
    if (!this.fits(id, nodeKey)) return false;
    if (nodeKey === undefined) return true;
    this.#keys.delete(id);
    this.#keys.set(id, nodeKey);
    if (this.#keys.size > this.#keysMax) this.#forgetOne(id);
    assert(this.#keys.size <= this.#keysMax, "the table of node keys is bounded");
    return true;
  }

  /** A Map keeps the order of insertion: the first entries were proved longest ago. */
  #forgetOne(newest: NodeId): void {
    for (const id of this.#keys.keys()) {
      if (id === newest || this.#isLinked(id)) continue;
      this.#keys.delete(id);
      return;
    }
    this.#keys.delete(newest);
  }
}
