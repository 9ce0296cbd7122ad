/**
 * Table: entries under limits of count and bytes, with expiry and tags.
 *
 * A shelf keeps order and limits, at the moment of each write; the libraries' own expiry is not used, because it reads the
 * machine's clock. Below every cache: of one process, near, and what a node keeps of a shared one.
 *
 * Invariants: the limits hold after every write; an expired entry is never given; the index of tags names exactly the
 * entries that are there.
 */
import { ENTRY_OVERHEAD_BYTES } from "../limits.js";
import { lruShelf, type MakeShelf, type Shelf } from "./shelf.js";

/** What a table must know of an entry. */
export interface TableEntry {
  readonly key: string;
  /** Bytes that count against the limit. */
  readonly sizeBytes: number;
  /** Infinity: never. */
  readonly expiresAtMs: number;
  readonly tags: readonly string[];
}

/** Why an entry is gone: `replaced` and `removed` are the caller's own doing. */
export type Departure = "evicted" | "expired" | "replaced" | "removed";

export interface TableOptions<E> {
  readonly entriesMax: number;
  readonly bytesMax: number;
  /** Which entry goes first. @default the least recently used */
  readonly shelf?: MakeShelf | undefined;
  /** Called for each entry that goes. Must not touch the table. */
  readonly onGone?: ((entry: E, why: Departure) => void) | undefined;
}

export class Table<E extends TableEntry> {
  readonly #entries: Shelf<E>;
  readonly #tags = new Map<string, Set<string>>();
  readonly #bytesMax: number;
  /** Why an entry that is deleted goes. */
  #why: "expired" | "removed" = "removed";

  constructor({ entriesMax, bytesMax, shelf = lruShelf, onGone }: TableOptions<E>) {
    this.#bytesMax = bytesMax;
    this.#entries = shelf<E>({
      ...{ entriesMax, bytesMax, bytesOf: countedBytes },
      onGone: (entry, reason) => {
        this.#untag(entry);
        if (onGone === undefined) return;
        if (reason === "delete") onGone(entry, this.#why);
        else onGone(entry, reason === "set" ? "replaced" : "evicted");
      },
    });
  }

  /** What keeps the entries: to be read, never written. */
  get shelf(): Shelf<E> {
    return this.#entries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get sizeBytes(): number {
    return this.#entries.calculatedSize;
  }

  /** True when no table of this size could hold the entry. */
  isTooLarge(entry: TableEntry): boolean {
    return countedBytes(entry) > this.#bytesMax;
  }

  /** The entry as it is, expired or not, counted as used: who asks looks at the time, and calls `expire`. */
  find(key: string): E | undefined {
    return this.#entries.get(key);
  }

  /** The entry, expired or not, without counting it as used. */
  peek(key: string): E | undefined {
    return this.#entries.peek(key);
  }

  /** The entry unless it has expired. */
  get(key: string, nowMs: number): E | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry;
    this.expire(key);
    return undefined;
  }

  set(entry: E): void {
    this.#entries.set(entry.key, entry);
    if (entry.tags.length === 0 || this.#entries.peek(entry.key) !== entry) return;
    for (const tag of entry.tags) {
      const keys = this.#tags.get(tag);
      if (keys === undefined) this.#tags.set(tag, new Set([entry.key]));
      else keys.add(entry.key);
    }
  }

  remove(key: string): boolean {
    return this.#take(key, "removed");
  }

  expire(key: string): void {
    this.#take(key, "expired");
  }

  /** Keys of the entries with a tag. */
  tagged(tag: string): readonly string[] {
    return [...(this.#tags.get(tag) ?? [])];
  }

  clear(): void {
    this.#why = "removed";
    this.#entries.clear();
  }

  /** All entries; of the least recently used kind, the last used first. */
  entries(): IterableIterator<E> {
    return this.#entries.values();
  }

  #take(key: string, why: "expired" | "removed"): boolean {
    this.#why = why;
    return this.#entries.delete(key);
  }

  #untag(entry: E): void {
    for (const tag of entry.tags) {
      const keys = this.#tags.get(tag);
      keys?.delete(entry.key);
      if (keys?.size === 0) this.#tags.delete(tag);
    }
  }
}

/** What an entry counts for, of the limit of bytes. */
export function countedBytes({ key, sizeBytes }: TableEntry): number {
  return sizeBytes + 2 * key.length + ENTRY_OVERHEAD_BYTES;
}
