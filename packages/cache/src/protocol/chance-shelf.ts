/**
 * chanceShelf: recency without moving: an entry that was asked for is only marked, and gets a second chance when its turn
 * to go comes (the clock of Corbató, 1968; that marking does no worse than moving: https://doi.org/10.1145/3593856.3595887).
 *
 * For near copies, where a hit is most of what happens: it is one look into a map and one mark. The row in which entries
 * are to go leads through the entries themselves: a map knows its oldest key only by walking over all that were deleted
 * before it, which in a full shelf of 100,000 took a hundred times as long as the write.
 *
 * Invariant: a new entry is always kept; the row holds exactly the entries of the map. Limit: one write passes over at most
 * `CHANCES_MAX` marked entries for each that goes; where so many in a row were asked for, the next goes, whatever it is.
 */
import type { MakeShelf, Reason, Shelf, Shelved, ShelfOptions } from "./shelf.js";

export const chanceShelf: MakeShelf = <E extends Shelved>(options: ShelfOptions<E>): Shelf<E> =>
  new ChanceShelf(options);

/** The mark and the row are in the entry itself, so that a hit reads one object. */
interface Marked {
  isUsed?: boolean;
  older?: object | undefined;
  newer?: object | undefined;
}

const CHANCES_MAX = 32;

class ChanceShelf<E extends Shelved & Marked> implements Shelf<E> {
  readonly #entries = new Map<string, E>();
  /** Both ends of the row: its `newer` is to go first. */
  readonly #ends: Marked = {};
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
    join(this.#ends, this.#ends);
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
    this.#append(entry);
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
    for (let chances = CHANCES_MAX; this.#entries.size > 0; chances -= 1) {
      const oldest = this.#ends.newer as E;
      if (oldest.isUsed !== true || chances === 0) return this.#take(oldest.key, "evict");
      oldest.isUsed = false;
      leave(oldest);
      this.#append(oldest);
    }
    return false;
  }

  #take(key: string, reason: Reason): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined) return false;
    this.#entries.delete(key);
    leave(entry);
    this.#sizeBytes -= this.#bytesOf(entry);
    this.#onGone(entry, reason);
    return true;
  }

  #append(entry: Marked): void {
    join(this.#ends.older as Marked, entry);
    join(entry, this.#ends);
  }
}

function join(older: Marked, newer: Marked): void {
  older.newer = newer;
  newer.older = older;
}

/** What left leads nowhere: an old entry would keep its neighbours from being collected. */
function leave(entry: Marked): void {
  join(entry.older as Marked, entry.newer as Marked);
  entry.older = undefined;
  entry.newer = undefined;
}
