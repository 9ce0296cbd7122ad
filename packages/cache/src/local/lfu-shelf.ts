/**
 * lfuShelf: the entry that is asked for least often goes first, by W-TinyLFU (arXiv 1512.00727) as `transitory` has it.
 *
 * A scan over many keys that nobody asks for twice leaves the often used ones in place. The price: a new entry that is
 * asked for less often than all others is itself given up, so an entry that was set may be gone at once. That is why it is
 * for copies, and not for what a node keeps for others.
 *
 * The library knows one weight and one limit, so an entry weighs the larger of its shares of the two limits: together they
 * never exceed either. It puts its housekeeping off to a timer of some seconds; here it is done with each write.
 */
import { newCache } from "#transitory";
import type { Cache, RemovalReason } from "transitory";
import type { MakeShelf, Reason, Shelf, Shelved, ShelfOptions } from "../protocol/shelf.js";

export const lfuShelf: MakeShelf = <E extends Shelved>(options: ShelfOptions<E>): Shelf<E> =>
  new LfuShelf(options);

/** All weights together: large enough that rounding an entry's share loses no entry of 33 million. */
const WEIGHT_MAX = 2 ** 50;

class LfuShelf<E extends Shelved> implements Shelf<E> {
  readonly #cache: Cache<string, E>;
  readonly #bytesOf: (entry: E) => number;
  #sizeBytes = 0;

  constructor({ entriesMax, bytesMax, bytesOf, onGone }: ShelfOptions<E>) {
    this.#bytesOf = bytesOf;
    const least = Math.floor(WEIGHT_MAX / entriesMax);
    this.#cache = newCache<string, E>()
      .maxSize(WEIGHT_MAX)
      .withWeigher((_, entry) =>
        Math.max(least, Math.ceil((bytesOf(entry) / bytesMax) * WEIGHT_MAX)),
      )
      .withRemovalListener((_, entry, why) => {
        this.#sizeBytes -= bytesOf(entry);
        onGone(entry, reasonOf(why));
      })
      .build();
  }

  get size(): number {
    return this.#cache.size;
  }

  get calculatedSize(): number {
    return this.#sizeBytes;
  }

  get(key: string): E | undefined {
    return this.#cache.getIfPresent(key) ?? undefined;
  }

  peek(key: string): E | undefined {
    return this.#cache.peek(key) ?? undefined;
  }

  set(key: string, entry: E): void {
    this.#sizeBytes += this.#bytesOf(entry);
    this.#cache.set(key, entry);
    this.#cache.cleanUp();
  }

  delete(key: string): boolean {
    const wasThere = this.#cache.delete(key) !== null;
    if (wasThere) this.#cache.cleanUp();
    return wasThere;
  }

  clear(): void {
    // One by one: the library's own leaves its lists of what was used as they were.
    for (const key of this.#cache.keys()) this.#cache.delete(key);
    this.#cache.cleanUp();
  }

  *values(): IterableIterator<E> {
    for (const key of this.#cache.keys()) {
      const entry = this.peek(key);
      if (entry !== undefined) yield entry;
    }
  }
}

function reasonOf(why: `${RemovalReason}`): Reason {
  if (why === "replaced") return "set";
  return why === "explicit" ? "delete" : "evict";
}
