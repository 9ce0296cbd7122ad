/**
 * Absent: the nodes that are not to be dialled, noted or offered.
 *
 * `gone` died or left, by word of whoever watches the members; that stands until they link by
 * themselves or are back. `lost` are those whose link has just broken or who took leave: for some
 * seconds others still offer them and answers of theirs may still arrive, and neither must bring
 * them back.
 *
 * Invariant: both are bounded; beyond that the oldest is forgotten, which costs a failed dial.
 */
import type { NodeId } from "@foundation/core";

interface Lost {
  readonly id: NodeId;
  readonly untilMs: number;
}

export class Absent {
  /** A Set keeps the order of insertion: the oldest first. */
  readonly #gone = new Set<NodeId>();
  readonly #lost: Lost[] = [];
  readonly #goneMax: number;
  readonly #lostMax: number;

  constructor(goneMax: number, lostMax: number) {
    this.#goneMax = goneMax;
    this.#lostMax = lostMax;
  }

  has(id: NodeId, now: number): boolean {
    if (this.#gone.has(id)) return true;
    for (const lost of this.#lost) if (lost.id === id) return lost.untilMs > now;
    return false;
  }

  isGone(id: NodeId): boolean {
    return this.#gone.has(id);
  }

  gone(id: NodeId): void {
    if (this.#gone.has(id)) return;
    if (this.#gone.size >= this.#goneMax) {
      for (const oldest of this.#gone) {
        this.#gone.delete(oldest);
        break;
      }
    }
    this.#gone.add(id);
  }

  lost(id: NodeId, untilMs: number, now: number): void {
    this.#forgetLost(id, now);
    if (this.#lost.length >= this.#lostMax) this.#lost.shift();
    this.#lost.push({ id, untilMs });
  }

  /** It is there. True when it was gone. */
  back(id: NodeId, now: number): boolean {
    this.#forgetLost(id, now);
    return this.#gone.delete(id);
  }

  #forgetLost(id: NodeId, now: number): void {
    if (this.#lost.length === 0) return;
    const kept = this.#lost.filter((lost) => lost.id !== id && lost.untilMs > now);
    this.#lost.length = 0;
    this.#lost.push(...kept);
  }
}
