/**
 * Ring: ketama's continuum (https://www.last.fm/user/RJ/journal/2007/04/10/rz_libketama), sorted
 * points in a flat array of 32-bit integers.
 *
 * A member has `virtualNodes` hashes of `id-0`, `id-1`, …, each of which gives four points; a key
 * belongs to the member of the first point at or after the key's hash. It places exactly as the
 * npm package hashring 3.2.0 does (a property test). That one rebuilds and sorts everything when a
 * member comes: here its points are merged in, with the untouched runs between them copied as
 * blocks. That one also loses points to rounding at some sizes (39 of 40 hashes with 7 members),
 * which moves keys between old members, unless it is told the number per member: here it is fixed.
 *
 * Invariants: points ascend; equal points of two members are in the order of their ids, so that
 * the ring depends on the set of members and not on who came first; a Ring never changes.
 */
import { assert } from "../assert.js";
import { md5 } from "./md5.js";

const POINTS_PER_HASH = 4;

export class Ring {
  /** Member ids by slot; a slot of a removed member is empty. */
  readonly #slots: readonly (string | undefined)[];
  readonly #points: Uint32Array;
  readonly #owners: Uint32Array;
  readonly #virtualNodes: number;
  readonly size: number;

  private constructor(
    virtualNodes: number,
    slots: readonly (string | undefined)[],
    points: Uint32Array,
    owners: Uint32Array,
  ) {
    assert(points.length === owners.length, "every point has an owner");
    this.#virtualNodes = virtualNodes;
    this.#slots = slots;
    this.#points = points;
    this.#owners = owners;
    this.size = points.length / (virtualNodes * POINTS_PER_HASH);
  }

  static of(virtualNodes: number, ids: Iterable<string>): Ring {
    assert(virtualNodes >= 1, "a member has at least one virtual node");
    const slots = [...new Set(ids)].sort();
    const perMember = virtualNodes * POINTS_PER_HASH;
    // One sort of doubles: the point above, the slot below, 53 bits together.
    const keys = new Float64Array(slots.length * perMember);
    for (const [slot, id] of slots.entries()) {
      const points = pointsOf(id, virtualNodes);
      for (let i = 0; i < perMember; i++) {
        keys[slot * perMember + i] = (points[i] as number) * SLOTS_MAX + slot;
      }
    }
    assert(slots.length < SLOTS_MAX, "a ring has fewer members than slots fit beside a point");
    keys.sort();
    const points = new Uint32Array(keys.length);
    const owners = new Uint32Array(keys.length);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      points[i] = Math.floor(key / SLOTS_MAX);
      owners[i] = key % SLOTS_MAX;
    }
    return new Ring(virtualNodes, slots, points, owners);
  }

  /** The ring with one more member, which it must not have yet. */
  with(id: string): Ring {
    assert(!this.#slots.includes(id), "a member is added once");
    const own = Ring.of(this.#virtualNodes, [id]).#points;
    const free = this.#slots.indexOf(undefined);
    const slot = free === -1 ? this.#slots.length : free;
    const slots = this.#slots.slice();
    slots[slot] = id;
    const points = new Uint32Array(this.#points.length + own.length);
    const owners = new Uint32Array(points.length);
    let from = 0;
    for (const [index, point] of own.entries()) {
      const to = this.#insertionOf(point, id, from);
      points.set(this.#points.subarray(from, to), from + index);
      owners.set(this.#owners.subarray(from, to), from + index);
      points[to + index] = point;
      owners[to + index] = slot;
      from = to;
    }
    points.set(this.#points.subarray(from), from + own.length);
    owners.set(this.#owners.subarray(from), from + own.length);
    return new Ring(this.#virtualNodes, slots, points, owners);
  }

  /** The ring without a member, which it must have. */
  without(id: string): Ring {
    const slot = this.#slots.indexOf(id);
    assert(slot !== -1, "only a member is removed");
    const points = new Uint32Array(this.#points.length - this.#virtualNodes * POINTS_PER_HASH);
    const owners = new Uint32Array(points.length);
    let count = 0;
    for (let i = 0; i < this.#points.length; i++) {
      if (this.#owners[i] === slot) continue;
      points[count] = this.#points[i] as number;
      owners[count++] = this.#owners[i] as number;
    }
    assert(count === points.length, "a member takes exactly its points along");
    const slots = this.#slots.slice();
    slots[slot] = undefined;
    return new Ring(this.#virtualNodes, slots, points, owners);
  }

  /** Up to `count` different members, in the order their points follow the key's hash. */
  find(key: string, count: number): string[] {
    const found: string[] = [];
    const wanted = Math.min(count, this.size);
    if (wanted <= 0) return found;
    let at = this.#lowerBound(hashOf(key), 0) % this.#points.length;
    for (let steps = 0; found.length < wanted; steps++) {
      assert(steps < this.#points.length, "one round finds every member");
      const id = this.#slots[this.#owners[at] as number] as string;
      if (!found.includes(id)) found.push(id);
      at = at + 1 === this.#points.length ? 0 : at + 1;
    }
    return found;
  }

  /** The first position whose point is at or after `point`. */
  #lowerBound(point: number, from: number): number {
    let low = from;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#points[middle] as number) < point) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insertionOf(point: number, id: string, from: number): number {
    let at = this.#lowerBound(point, from);
    while (this.#points[at] === point) {
      const other = this.#slots[this.#owners[at] as number] as string;
      if (other > id) break;
      at++;
    }
    return at;
  }
}

const SLOTS_MAX = 2 ** 21;

function hashOf(key: string): number {
  return md5(key)[0];
}

function pointsOf(id: string, virtualNodes: number): Uint32Array {
  const points = new Uint32Array(virtualNodes * POINTS_PER_HASH);
  for (let i = 0; i < virtualNodes; i++) points.set(md5(`${id}-${i}`), i * POINTS_PER_HASH);
  return points;
}
