/**
 * Store: keys with revisions, leases and a past: the replicated state behind an engine.
 *
 * It changes only by `execute` and by the log's time, so members that execute the same are the same, to the byte of a
 * snapshot. Nothing that is asked can make it throw: what cannot be done is refused and changes nothing.
 *
 * Invariants: a revision is used by one transaction or by the end of one lease, and only when it changes something; what
 * is given out is never changed afterwards; a key is attached to at most one lease, which is there.
 */
import type { Change, KeyValue, Revision } from "../../engine/engine.js";
import { invariant } from "../invariant.js";
import { checkRequest } from "./check-request.js";
import { History, type HistoryBatch } from "./history.js";
import { orderOf, utf8Bytes } from "./key-order.js";
import { LeaseTable, type StoredLease } from "./lease-table.js";
import { PAIR_OVERHEAD_BYTES, STORE_LIMITS, type StoreLimits } from "./limits.js";
import type { StoreAnswer, StoreRequest } from "./request.js";
import { SortedMap } from "./sorted-map.js";
import { valueBytesOf } from "./stored-pair.js";
import { runTransaction } from "./transaction-run.js";

/** What a store begins with, when that is not nothing. */
export interface StoreParts {
  readonly limits: StoreLimits;
  readonly timeMs: number;
  readonly revision: Revision;
  readonly pairs: SortedMap<KeyValue>;
  readonly history: History;
  readonly leases: LeaseTable;
}

/** A store that stands still, for a snapshot. */
export interface FrozenStore {
  readonly limits: StoreLimits;
  readonly timeMs: number;
  readonly revision: Revision;
  readonly pairs: SortedMap<KeyValue>;
  readonly compacted: Revision;
  readonly batches: readonly HistoryBatch[];
  readonly granted: number;
  readonly leases: readonly {
    readonly number: number;
    readonly ttlMs: number;
    readonly expiresMs: number;
  }[];
}

const DONE: StoreAnswer = { type: "done" };

export class Store {
  readonly #pairs: SortedMap<KeyValue>;
  readonly #history: History;
  readonly #leases: LeaseTable;
  #limits: StoreLimits;
  #timeMs: number;
  #revision: Revision;
  #bytes = 0;

  constructor(parts: Partial<StoreParts> = {}) {
    this.#limits = parts.limits ?? STORE_LIMITS;
    this.#timeMs = parts.timeMs ?? 0;
    this.#revision = parts.revision ?? 0;
    this.#pairs = parts.pairs ?? new SortedMap();
    this.#history = parts.history ?? new History();
    this.#leases = parts.leases ?? new LeaseTable();
    for (const [, pair] of this.#pairs.entries()) {
      this.#bytes += pairBytes(pair);
      if (pair.lease !== undefined) this.#leases.get(pair.lease)?.keys.add(pair.key);
    }
  }

  /** Of the last change; 0 before the first. */
  get revision(): Revision {
    return this.#revision;
  }

  /** The greatest time the log named, milliseconds. */
  get timeMs(): number {
    return this.#timeMs;
  }

  get limits(): StoreLimits {
    return this.#limits;
  }

  /** Keys, values, and what each is counted with. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many keys there are. */
  get size(): number {
    return this.#pairs.size;
  }

  get pairs(): SortedMap<KeyValue> {
    return this.#pairs;
  }

  get history(): History {
    return this.#history;
  }

  get leases(): LeaseTable {
    return this.#leases;
  }

  /** The log's time at which the first lease ends; undefined when there is none. */
  get nextEndMs(): number | undefined {
    return this.#leases.nextMs;
  }

  /** Time passes: leases end, each in a revision of its own, and what is too old is forgotten. */
  advance(timeMs: number): void {
    if (timeMs > this.#timeMs) this.#timeMs = timeMs;
    for (let due = this.#leases.due(this.#timeMs); due; due = this.#leases.due(this.#timeMs)) {
      this.#endLease(due);
    }
    this.#history.trim(this.#timeMs, this.#limits);
  }

  /** Executes a request at the time that `advance` said last. */
  execute(request: StoreRequest): StoreAnswer {
    const refusal = checkRequest(request, this.#limits);
    if (refusal) return { type: "refused", refusal };
    switch (request.type) {
      case "txn":
        return runTransaction(this, request.transaction);
      case "grant":
        return this.#grant(request.ttlMs);
      case "keep":
        return { type: "kept", ttlsMs: request.leases.map((id) => this.#keep(id)) };
      case "revoke": {
        const lease = this.#leases.get(request.lease);
        if (lease) this.#endLease(lease);
        return DONE;
      }
      case "compact":
        return this.#compact(request.revision);
      case "limit":
        this.#limits = { ...request.limits };
        this.#history.trim(this.#timeMs, this.#limits);
        return DONE;
      default:
        return request satisfies never;
    }
  }

  /** Changes one key at the revision that comes next; `undefined` deletes. `commit` makes it so. */
  write(order: string, pair: KeyValue | undefined): KeyValue | undefined {
    const previous = pair ? this.#pairs.set(order, pair) : this.#pairs.delete(order);
    if (previous) this.#bytes -= pairBytes(previous);
    if (pair) this.#bytes += pairBytes(pair);
    return previous;
  }

  /** Makes written changes the next revision. */
  commit(changes: readonly Change[]): Revision {
    if (changes.length === 0) return this.#revision;
    this.#revision += 1;
    for (const change of changes) this.#attach(change);
    this.#history.add({ revision: this.#revision, timeMs: this.#timeMs, changes });
    this.#history.trim(this.#timeMs, this.#limits);
    return this.#revision;
  }

  /** What it holds now, whatever is executed afterwards. */
  freeze(): FrozenStore {
    return {
      limits: this.#limits,
      timeMs: this.#timeMs,
      revision: this.#revision,
      pairs: this.#pairs.copy(),
      compacted: this.#history.compacted,
      batches: this.#history.batches(),
      granted: this.#leases.granted,
      leases: Array.from(this.#leases.leases(), ({ id, ttlMs, expiresMs }) => {
        return { number: Number(id), ttlMs, expiresMs };
      }),
    };
  }

  #attach(change: Change): void {
    const key = change.type === "put" ? change.pair.key : change.key;
    const before = change.previous?.lease;
    const after = change.type === "put" ? change.pair.lease : undefined;
    if (before === after) return;
    // The lease before may be the one that ends, and is gone then.
    if (before !== undefined) this.#leases.get(before)?.keys.delete(key);
    if (after === undefined) return;
    const lease = this.#leases.get(after);
    invariant(lease !== undefined, "a key is attached to a lease that is there");
    lease.keys.add(key);
  }

  #grant(ttlMs: number): StoreAnswer {
    const { leasesMax: max } = this.#limits;
    if (this.#leases.size >= max) {
      const refusal = { reason: "full", what: "leases", limit: "leasesMax", max } as const;
      return { type: "refused", refusal };
    }
    const lease = this.#leases.grant(ttlMs, this.#timeMs);
    return { type: "granted", lease: lease.id, ttlMs };
  }

  #keep(id: string): number {
    const lease = this.#leases.get(id);
    if (!lease) return 0;
    this.#leases.keep(lease, this.#timeMs);
    return lease.ttlMs;
  }

  /** Deletes the lease and what is attached to it, in one revision. */
  #endLease(lease: StoredLease): void {
    this.#leases.delete(lease.id);
    // Not as they were attached: a member that began with a snapshot does not know that order.
    const orders = [...lease.keys].map(orderOf).sort(byOrder);
    const revision = this.#revision + 1;
    const changes = orders.map((order): Change => {
      const previous = this.write(order, undefined);
      invariant(previous?.lease === lease.id, "a lease knows the keys attached to it");
      return { type: "delete", key: previous.key, revision, previous };
    });
    this.commit(changes);
  }

  #compact(revision: Revision): StoreAnswer {
    if (revision > this.#revision) {
      const expected = `at most ${this.#revision}, the newest`;
      const found = String(revision);
      const refusal = { reason: "invalid", argument: "revision", expected, found } as const;
      return { type: "refused", refusal };
    }
    this.#history.compact(revision);
    return DONE;
  }
}

function pairBytes(pair: KeyValue): number {
  return utf8Bytes(pair.key) + valueBytesOf(pair) + PAIR_OVERHEAD_BYTES;
}

/** By code units, as the sorted map compares. */
function byOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
