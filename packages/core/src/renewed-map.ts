/**
 * RenewedMap: a map for entries that come and go by the hundred thousand, as calls that wait for an answer do.
 *
 * A map of the language whose table has filled up with deleted places takes a new table and keeps, in the old one, the way
 * to the new. One such table in the old generation of the heap keeps all that follow from dying young, and with them every
 * entry they held when they were left: collecting them costs more than all else that is done with them. So here the whole
 * map is left before its table can have grown old, and nothing leads from the one to the other.
 *
 * Invariant: entries are in the order in which they were added. Amortised, a step costs what it costs a map.
 */

/** Entries that may be added before the map is left, beside as many as `RENEWED_AFTER` times those it began with. */
const ADDED_MIN = 64;
const RENEWED_AFTER = 4;

/**
 * Entries by key. Whoever adds while it is walked may not meet what was added.
 *
 * @example
 * ```ts
 * import { RenewedMap } from "@foundation/core"
 *
 * const waiting = new RenewedMap<number, { readonly answer: (value: unknown) => void }>()
 * waiting.set(1, { answer: console.log })
 * waiting.get(1)?.answer("done")
 * waiting.delete(1)
 * ```
 */
export class RenewedMap<Key, Value> {
  #map = new Map<Key, Value>();
  #left = ADDED_MIN;

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  set(key: Key, value: Value): void {
    this.#left -= 1;
    if (this.#left < 0) {
      this.#map = new Map(this.#map);
      this.#left = ADDED_MIN + RENEWED_AFTER * this.#map.size;
    }
    this.#map.set(key, value);
  }

  /** False when there was none. */
  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map = new Map();
    this.#left = ADDED_MIN;
  }

  values(): IterableIterator<Value> {
    return this.#map.values();
  }

  [Symbol.iterator](): IterableIterator<[Key, Value]> {
    return this.#map[Symbol.iterator]();
  }
}
