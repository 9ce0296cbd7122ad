/**
 * PassiveView: other nodes one has heard of, to replace neighbours and to tell others.
 *
 * A node that could not be reached stays in it, with strikes and a time until which it is left
 * alone: were it dropped, a partition would empty the views of the other side's nodes, and the
 * halves would never find each other again. Only word that it is gone removes it.
 *
 * Invariants: nobody is in it twice; it never has more than its limit.
 */
import type { NodeId, Random } from "@foundation/core";
import { assert } from "../assert.js";

interface Known {
  readonly id: NodeId;
  /** Failures in a row. */
  strikes: number;
  /** Not to be asked before this time. */
  openAtMs: number;
}

export class PassiveView {
  readonly #known: Known[] = [];
  readonly #random: Random;
  readonly #sizeMax: number;
  readonly #strikesMax: number;

  constructor(random: Random, sizeMax: number, strikesMax: number) {
    this.#random = random;
    this.#sizeMax = sizeMax;
    this.#strikesMax = strikesMax;
  }

  get size(): number {
    return this.#known.length;
  }

  /** A new list, in no order. */
  get ids(): NodeId[] {
    return this.#known.map(({ id }) => id);
  }

  has(id: NodeId): boolean {
    return this.#find(id) !== undefined;
  }

  /**
   * Takes in a node that is not in it. When it is full, another one goes: first one that could not
   * be reached time and again, then one of `told` (who was told of it may tell us again), then any.
   */
  add(id: NodeId, told: readonly NodeId[] = [], openAtMs = 0): void {
    assert(!this.has(id), "nobody is in the passive view twice");
    if (this.#known.length >= this.#sizeMax) this.#removeAt(this.#leastUseful(told));
    this.#known.push({ id, strikes: 0, openAtMs });
  }

  remove(id: NodeId): void {
    const at = this.#known.findIndex((known) => known.id === id);
    if (at >= 0) this.#removeAt(at);
  }

  /** It could not be reached: it is left alone for a while, four times as long each time. */
  strike(id: NodeId, now: number, strikeMs: number, strikeMsMax: number): void {
    const known = this.#find(id);
    if (!known) return;
    known.openAtMs = now + Math.min(strikeMsMax, strikeMs * 4 ** known.strikes);
    known.strikes = Math.min(this.#strikesMax, known.strikes + 1);
  }

  /** It is there, but is not to be asked before this time. */
  rest(id: NodeId, openAtMs: number): void {
    const known = this.#find(id);
    if (known) known.openAtMs = Math.max(known.openAtMs, openAtMs);
  }

  /** It is there: earlier failures do not count any more. */
  forgive(id: NodeId): void {
    const known = this.#find(id);
    if (!known || known.strikes === 0) return;
    known.strikes = 0;
    known.openAtMs = 0;
  }

  /** One at random that may be asked now, rather without a failure; `fits` has the last word. */
  draw(now: number, fits: (id: NodeId) => boolean): NodeId | undefined {
    return this.#draw(now, fits, 0) ?? this.#draw(now, fits, this.#strikesMax);
  }

  /** One at random that may be asked now, whatever its failures. */
  drawAny(now: number, fits: (id: NodeId) => boolean): NodeId | undefined {
    return this.#draw(now, fits, this.#strikesMax);
  }

  /** How many have not failed. */
  get freshCount(): number {
    let count = 0;
    for (const { strikes } of this.#known) if (strikes === 0) count += 1;
    return count;
  }

  /** Puts up to `count` without a failure, at random, into `into`, without the excepted one. */
  sample(count: number, except: NodeId | undefined, into: NodeId[]): void {
    const known = this.#known;
    let wanted = count;
    // In place, since there is no order: nothing is copied.
    for (let at = 0; at < known.length && wanted > 0; at += 1) {
      const other = at + Math.floor(this.#random.next() * (known.length - at));
      const drawn = known[other] as Known;
      known[other] = known[at] as Known;
      known[at] = drawn;
      if (drawn.strikes > 0 || drawn.id === except) continue;
      into.push(drawn.id);
      wanted -= 1;
    }
  }

  #draw(now: number, fits: (id: NodeId) => boolean, strikes: number): NodeId | undefined {
    const known = this.#known;
    const start = Math.floor(this.#random.next() * known.length);
    for (let step = 0; step < known.length; step += 1) {
      const each = known[(start + step) % known.length] as Known;
      if (each.strikes <= strikes && each.openAtMs <= now && fits(each.id)) return each.id;
    }
    return undefined;
  }

  #leastUseful(told: readonly NodeId[]): number {
    const struck = this.#known.findIndex(({ strikes }) => strikes >= this.#strikesMax);
    if (struck >= 0) return struck;
    for (const id of told) {
      const at = this.#known.findIndex((known) => known.id === id);
      if (at >= 0) return at;
    }
    return Math.floor(this.#random.next() * this.#known.length);
  }

  #find(id: NodeId): Known | undefined {
    for (const known of this.#known) if (known.id === id) return known;
    return undefined;
  }

  #removeAt(at: number): void {
    const last = this.#known.pop();
    if (last && at < this.#known.length) this.#known[at] = last;
  }
}
