/**
 * WatchCursor: how far a watch is, and what etcd's answers add to it. Pure.
 *
 * etcd may send one answer in several pieces, cut anywhere, also within a revision; so the newest revision of a piece is
 * held back until the last piece is there. The cursor only passes what it has given out whole: after a broken stream
 * the next one begins at `next`, and what was held back comes again.
 *
 * Invariants: batches leave in the order of revisions, each once and whole; `next` is behind the last one.
 */
import type { Change, Revision, WatchBatch } from "../engine/engine.js";
import { invariant } from "../protocol/invariant.js";
import type { Keyspace } from "./keyspace.js";
import type { EtcdEvent, EtcdWatchResponse } from "./messages.js";

export class WatchCursor {
  readonly #keys: Keyspace;
  #next: Revision;
  #held: { readonly revision: Revision; readonly changes: Change[] } | undefined;

  /** @param first the first revision wanted */
  constructor(first: Revision, keys: Keyspace) {
    this.#next = first;
    this.#keys = keys;
  }

  /** The first revision that was not given out; a new stream begins here. */
  get next(): Revision {
    return this.#next;
  }

  /** The stream broke: what was held back is not whole. */
  restart(): void {
    this.#held = undefined;
  }

  /** The revisions that are whole by this answer. */
  take(response: EtcdWatchResponse): readonly WatchBatch[] {
    const batches: WatchBatch[] = [];
    for (const event of response.events) {
      const { kv } = event;
      if (kv === null) continue;
      const revision = Number(kv.mod_revision);
      if (revision < this.#next) continue;
      if (this.#held !== undefined && this.#held.revision !== revision) this.#give(batches);
      this.#hold(revision, { ...event, kv });
    }
    if (response.fragment) return batches;
    this.#give(batches);
    if (response.events.length === 0) this.#progress(response);
    return batches;
  }

  #hold(
    revision: Revision,
    event: EtcdEvent & { readonly kv: NonNullable<EtcdEvent["kv"]> },
  ): void {
    const change = this.#keys.changeOf(event);
    if (this.#held === undefined) this.#held = { revision, changes: [change] };
    else this.#held.changes.push(change);
  }

  #give(batches: WatchBatch[]): void {
    const held = this.#held;
    if (held === undefined) return;
    invariant(held.revision >= this.#next, "revisions of a watch rise");
    batches.push(held);
    this.#next = held.revision + 1;
    this.#held = undefined;
  }

  /** An answer without events says that all up to its revision was sent; the one to the creation says nothing. */
  #progress({ created, canceled, header }: EtcdWatchResponse): void {
    if (created || canceled || header === null) return;
    this.#next = Math.max(this.#next, Number(header.revision) + 1);
  }
}
