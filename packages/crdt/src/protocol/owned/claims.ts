/**
 * Claims: who says what about a key, over the visible shards of all owners.
 *
 * Nearly every key has one owner, so a lone entry is kept without a list around it.
 *
 * Invariants: exactly the live entries of visible shards are here, each once.
 */
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

  keys(): IterableIterator<string> {
    return this.#byKey.keys();
  }

  add(entry: Entry<V>): void {
    const found = this.#byKey.get(entry.key);
    if (found === undefined) this.#byKey.set(entry.key, entry);
    else {
      const list = Array.isArray(found) ? [...found, entry] : [found, entry];
      this.#byKey.set(entry.key, list.sort(byOwner));
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

function byOwner<V>(a: Entry<V>, b: Entry<V>): number {
  return a.owner < b.owner ? -1 : 1;
}
