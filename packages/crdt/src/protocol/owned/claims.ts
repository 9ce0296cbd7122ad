/**
 * Claims: who says what about a key, over the visible shards of all owners.
 *
 * Nearly every key has one owner, so a lone entry is kept without a list around it.
 *
 * Invariants: exactly the live entries of visible shards are here, each once.
 */
import type { NodeId } from "@foundation/core";
import type { Entry } from "./shard.js";

export class ClaimIndex<V> {
  readonly #byKey = new Map<string, Entry<V> | Entry<V>[]>();

  /** Keys that at least one owner claims. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The claims of a key, ordered by owner. */
  get(key: string): readonly Entry<V>[] {
    const found = this.#byKey.get(key);
    if (found === undefined) return [];
    return Array.isArray(found) ? found : [found];
  }

  /** The claim of a key that has but one, null where there are several: nothing is made for it. */
  sole(key: string): Entry<V> | null | undefined {
    const found = this.#byKey.get(key);
    return Array.isArray(found) ? null : found;
  }

  keys(): IterableIterator<string> {
    return this.#byKey.keys();
  }

  add(entry: Entry<V>): void {
    const found = this.#byKey.get(entry.key);
    if (found === undefined) this.#byKey.set(entry.key, entry);
    else {
      const list = Array.isArray(found) ? found : [found];
      this.#byKey.set(entry.key, list.toSpliced(firstFrom(list, entry.owner), 0, entry));
    }
  }

  remove(entry: Entry<V>): void {
    const found = this.#byKey.get(entry.key);
    if (found === entry) this.#byKey.delete(entry.key);
    else if (Array.isArray(found)) {
      const rest = found.filter((other) => other !== entry);
      const [first] = rest;
      if (rest.length === 1 && first !== undefined) this.#byKey.set(entry.key, first);
      else this.#byKey.set(entry.key, rest);
    }
  }
}

/** Index of the first entry whose owner is at or behind the given one; every node may claim one key. */
function firstFrom<V>(entries: readonly Entry<V>[], owner: NodeId): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as Entry<V>).owner < owner) low = middle + 1;
    else high = middle;
  }
  return low;
}
