/**
 * Near copies: decoded values beside the caller, and the primary's account of who has one.
 *
 * A copy is believed until it is withdrawn, and not longer than its time. What makes it safe is on this side: a withdrawal
 * that overtakes the answer it is about marks the question, and that answer is then given to who asked and not kept. So a
 * late fill never puts an older value in the place of a withdrawn one.
 *
 * Invariants: after `withdraw(key)` nothing of the key is here that was asked for before; a question is open until `settle`.
 */
import { chanceShelf } from "./chance-shelf.js";
import { invariant } from "./invariant.js";
import type { MakeShelf, Shelf } from "./shelf.js";
import { Table, type TableEntry } from "./table.js";

export interface NearEntry<V> extends TableEntry {
  readonly value: V;
  readonly bucket: number;
  /** For the shelf. */
  isUsed?: boolean;
  older?: object | undefined;
  newer?: object | undefined;
}

/**
 * An entry as hits like it: all are made here, so that they are of one shape; what a hit reads stands side by side; and the
 * time is a whole number, which is kept in the entry itself, not beside it.
 */
export function nearEntry<V>(
  key: string,
  bucket: number,
  value: V,
  expiresAtMs: number,
  sizeBytes: number,
): NearEntry<V> {
  const time = Math.floor(expiresAtMs);
  const row = { older: undefined, newer: undefined };
  return { value, expiresAtMs: time, isUsed: false, key, bucket, tags: NO_TAGS, sizeBytes, ...row };
}

const NO_TAGS: readonly string[] = [];

/** One question under way. */
export interface NearQuestion {
  readonly key: string;
  isDirty: boolean;
}

export class NearCopies<V> {
  readonly #table: Table<NearEntry<V>>;
  /** The table's own: a hit looks here, at a place in the code that other tables do not come by. */
  readonly #shelf: Shelf<NearEntry<V>>;
  readonly #open = new Map<string, Set<NearQuestion>>();

  constructor(entriesMax: number, bytesMax: number, shelf: MakeShelf = chanceShelf) {
    this.#table = new Table<NearEntry<V>>({ entriesMax, bytesMax, shelf });
    this.#shelf = this.#table.shelf;
  }

  get size(): number {
    return this.#table.size;
  }

  get sizeBytes(): number {
    return this.#table.sizeBytes;
  }

  find(key: string): NearEntry<V> | undefined {
    return this.#shelf.get(key);
  }

  expire(key: string): void {
    this.#table.expire(key);
  }

  /** To be called before the key is asked for. */
  ask(key: string): NearQuestion {
    const question: NearQuestion = { key, isDirty: false };
    const open = this.#open.get(key);
    if (open === undefined) this.#open.set(key, new Set([question]));
    else open.add(question);
    return question;
  }

  /** Ends a question; keeps the answer where there is one and nothing overtook it. */
  settle(question: NearQuestion, entry: NearEntry<V> | undefined): void {
    const open = this.#open.get(question.key);
    invariant(open?.delete(question) === true, "a question is settled once");
    if (open.size === 0) this.#open.delete(question.key);
    if (entry !== undefined && !question.isDirty && !this.#table.isTooLarge(entry)) {
      this.#table.set(entry);
    }
  }

  /** Keeps what came from this node's own copy, of which every change is seen here. */
  keep(entry: NearEntry<V>): void {
    if (!this.#table.isTooLarge(entry)) this.#table.set(entry);
  }

  withdraw(key: string): void {
    this.#table.remove(key);
    for (const question of this.#open.get(key) ?? []) question.isDirty = true;
  }

  /** Withdraws all in the buckets that `isMoved` names, and whatever is being asked for. */
  withdrawWhere(isMoved: (bucket: number) => boolean): void {
    for (const entry of [...this.#table.entries()]) {
      if (isMoved(entry.bucket)) this.#table.remove(entry.key);
    }
    for (const open of this.#open.values()) for (const each of open) each.isDirty = true;
  }
}

/** A key and who has a near copy of it. */
interface Held {
  readonly key: string;
  readonly nodes: Set<string>;
}

/** Who was given near copies of which keys, by the primary. */
export class NearBook {
  readonly #holders: Shelf<Held>;
  /** Whom the last note took the place of. */
  #displaced: Held | undefined;

  constructor(keysMax: number) {
    this.#holders = chanceShelf<Held>({
      ...{ entriesMax: keysMax, bytesMax: Number.POSITIVE_INFINITY, bytesOf: () => 1 },
      onGone: (held, reason) => {
        if (reason === "evict") this.#displaced = held;
      },
    });
  }

  /** Notes a holder; what must be withdrawn to make room for it. */
  note(key: string, node: string): Held | undefined {
    const held = this.#holders.get(key);
    if (held !== undefined) {
      held.nodes.add(node);
      return undefined;
    }
    this.#displaced = undefined;
    this.#holders.set(key, { key, nodes: new Set([node]) });
    return this.#displaced;
  }

  /** The holders of a key, who are to be told. */
  take(key: string): ReadonlySet<string> {
    const held = this.#holders.peek(key);
    this.#holders.delete(key);
    return held?.nodes ?? NOBODY;
  }
}

const NOBODY: ReadonlySet<string> = new Set();
