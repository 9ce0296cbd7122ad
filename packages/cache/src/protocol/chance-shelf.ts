/**
 * chanceShelf: recency without a list: an entry that was asked for is only marked, and gets a second chance when its turn
 * to go comes (the clock of Corbató, 1968; that marking does no worse than moving: https://doi.org/10.1145/3593856.3595887).
 *
 * For near copies, where a hit is most of what happens: it is one look into a map and one mark.
 *
 * Invariant: a new entry is always kept. Limit: one write passes over at most `CHANCES_MAX` marked entries for each that
 * goes; where so many in a row were asked for, the next goes, whatever it is.
 */
import type { MakeShelf, Reason, Shelf, ShelfOptions } from "./shelf.js";

export const chanceShelf: MakeShelf = <E extends object>(options: ShelfOptions<E>): Shelf<E> =>
  new ChanceShelf(options);

/** The mark is in the entry itself, so that a hit reads one object. */
interface Marked {
  isUsed?: boolean;
}

const CHANCES_MAX = 32;

class ChanceShelf<E extends object & Marked> implements Shelf<E> {
  /** In the order in which they are to go. */
  readonly #entries = new Map<string, E>();
  readonly #entriesMax: number;
  readonly #bytesMax: number;
  readonly #bytesOf: (entry: E) => number;
  readonly #onGone: (entry: E, reason: Reason) => void;
  #sizeBytes = 0;

  constructor({ entriesMax, bytesMax, bytesOf, onGone }: ShelfOptions<E>) {
    this.#entriesMax = entriesMax;
    this.#bytesMax = bytesMax;
    this.#bytesOf = bytesOf;
    this.#onGone = onGone;
  }

  get size(): number {
    return this.#entries.size;
  }

  get calculatedSize(): number {
    return this.#sizeBytes;
  }

  get(key: string): E | undefined {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.isUsed = true;
    return entry;
  }

  peek(key: string): E | undefined {
    return this.#entries.get(key);
  }

  set(key: string, entry: E): void {
    this.#take(key, "set");
    const sizeBytes = this.#bytesOf(entry);
    while (this.#entries.size >= this.#entriesMax || this.#sizeBytes + sizeBytes > this.#bytesMax) {
      if (!this.#evict()) return;
    }
    entry.isUsed = false;
    this.#entries.set(key, entry);
    this.#sizeBytes += sizeBytes;
  }

  delete(key: string): boolean {
    return this.#take(key, "delete");
  }

  clear(): void {
    for (const key of [...this.#entries.keys()]) this.#take(key, "delete");
  }

  values(): IterableIterator<E> {
    return this.#entries.values();
  }

  /** False when there is nothing left to go, that is, when the new entry is larger than the shelf. */
  #evict(): boolean {
    let chances = CHANCES_MAX;
    for (const [key, entry] of this.#entries) {
      if (entry.isUsed !== true || chances === 0) return this.#take(key, "evict");
      chances -= 1;
      entry.isUsed = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
    return false;
  }

  #take(key: string, reason: Reason): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    this.#sizeBytes -= this.#bytesOf(entry);
    this.#onGone(entry, reason);
    return true;
  }
}
