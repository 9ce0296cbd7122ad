/**
 * Shelf: where a table keeps its entries under limits, and which entry it gives up for another one.
 *
 * The names are lru-cache's own, so that the usual shelf is that library itself, without a layer between.
 */
import { LRUCache } from "lru-cache";

/** Why an entry goes: `set` replaced it, `evict` made room, `delete` was asked for. */
export type Reason = "set" | "evict" | "delete";

/** What a shelf must know of an entry: the key it is set under. */
export interface Shelved {
  readonly key: string;
}

export interface ShelfOptions<E> {
  readonly entriesMax: number;
  readonly bytesMax: number;
  readonly bytesOf: (entry: E) => number;
  /** Called for each entry that goes. Must not touch the shelf. */
  readonly onGone: (entry: E, reason: Reason) => void;
}

export interface Shelf<E> {
  readonly size: number;
  /** Bytes that count against the limit. */
  readonly calculatedSize: number;
  /** Counts as used. */
  get(key: string): E | undefined;
  peek(key: string): E | undefined;
  /** The limits hold when it returns. Not every shelf keeps every entry. */
  set(key: string, entry: E): void;
  delete(key: string): boolean;
  clear(): void;
  values(): IterableIterator<E>;
}

export type MakeShelf = <E extends Shelved>(options: ShelfOptions<E>) => Shelf<E>;

/** The least recently used entry goes first; a new one is always kept. */
export const lruShelf: MakeShelf = <E extends Shelved>(options: ShelfOptions<E>): Shelf<E> => {
  const { entriesMax, bytesMax, bytesOf, onGone } = options;
  return new LRUCache<string, E>({
    max: entriesMax,
    maxSize: bytesMax,
    sizeCalculation: bytesOf,
    dispose: (entry, _key, reason) => onGone(entry, reason === "set" ? "set" : reasonOf(reason)),
  }) as Shelf<E>;
};

function reasonOf(reason: string): Reason {
  return reason === "evict" ? "evict" : "delete";
}
