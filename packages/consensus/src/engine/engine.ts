/**
 * Engine: a linearizable store of keys with revisions, leases and watches, which every recipe stands on.
 *
 * Two things implement it: a group of this package (Raft over the overlay), and an etcd beside the application. Its
 * words are etcd's (API v3), so what is known about etcd holds here. One contract suite runs against both.
 *
 * Guarantees of every engine: `txn` is atomic and linearizable, also one that only reads; revisions rise by one with
 * each transaction that changes something, and all of its changes share one; a watch gives every change of its keys
 * exactly once, in the order of revisions, and never half of a revision; a lease's keys are deleted together when it
 * runs out, never before its time to live has passed since the last renewal was *sent*.
 *
 * A request ends in one of three ways: it resolves (it was applied), it rejects with an error that says it was not
 * applied, or it rejects with `ERR_OUTCOME_UNKNOWN`: it may have been applied, now or later, exactly once or never.
 *
 * Keys are compared by their UTF-8 bytes; a key is not empty and does not hold U+10FFFF. What an engine gives is the
 * caller's own: changing it changes nothing in the store.
 */

/** 1, 2, 3, …; 0 is before the first change. */
export type Revision = number;

/** Names a lease of an engine. */
export type LeaseId = string;

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** Revision that made the key, after its last deletion. */
  readonly createRevision: Revision;
  /** Revision that changed it last. */
  readonly modRevision: Revision;
  /** 1 when made, one more with each put. */
  readonly version: number;
  readonly lease?: LeaseId;
}

/** One key, or all from `key` up to, not including, `end`. `rangeOf(prefix)` makes the one of a prefix. */
export interface KeyRange {
  readonly key: string;
  readonly end?: string;
}

/** Holds for a key that is not there: version, revisions are 0, it has no lease, and no value is equal to its. */
export type Comparison =
  | {
      readonly key: string;
      readonly target: "version" | "createRevision" | "modRevision";
      readonly is: "=" | "!=" | "<" | ">";
      readonly than: number;
    }
  | {
      readonly key: string;
      readonly target: "value";
      readonly is: "=" | "!=";
      readonly than: Uint8Array;
    }
  | {
      readonly key: string;
      readonly target: "lease";
      readonly is: "=" | "!=";
      readonly than: LeaseId | undefined;
    };

export type Operation =
  | ({
      readonly type: "range";
      /** @default no limit */
      readonly limit?: number;
      /** Reads the past. @default the newest; @throws ERR_REVISION_COMPACTED when it is forgotten */
      readonly revision?: Revision;
      readonly keysOnly?: boolean;
    } & KeyRange)
  | {
      readonly type: "put";
      readonly key: string;
      readonly value: Uint8Array;
      /** Deletes the key when the lease ends. The transaction fails with ERR_LEASE_LOST when it is not there. */
      readonly lease?: LeaseId;
    }
  | ({ readonly type: "delete" } & KeyRange);

/**
 * At most one put or delete of a key in each branch. Operations take effect one after the other: a range without
 * `revision` sees the puts and deletes before it.
 */
export interface Transaction {
  /** All must hold for `then`. @default none, so `then` */
  readonly if?: readonly Comparison[];
  readonly then: readonly Operation[];
  readonly else?: readonly Operation[];
}

/** In the place of the operation that it answers. */
export type OperationResult =
  | {
      readonly type: "range";
      readonly pairs: readonly KeyValue[];
      /** How many there are in the range, whatever the limit. */
      readonly count: number;
    }
  | { readonly type: "put"; readonly previous?: KeyValue }
  | { readonly type: "delete"; readonly previous: readonly KeyValue[] };

export interface TransactionResult {
  readonly succeeded: boolean;
  /** Of the store after it. */
  readonly revision: Revision;
  readonly results: readonly OperationResult[];
}

export type Change =
  | { readonly type: "put"; readonly pair: KeyValue; readonly previous?: KeyValue }
  | {
      readonly type: "delete";
      readonly key: string;
      readonly revision: Revision;
      readonly previous?: KeyValue;
    };

/** All changes of one revision within the watched range. */
export interface WatchBatch {
  readonly revision: Revision;
  readonly changes: readonly Change[];
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  /** A number of milliseconds, or "5s". @default the engine's */
  readonly timeout?: number | string;
}

export interface WatchOptions {
  readonly signal?: AbortSignal;
  /** The first revision wanted. @default the one after the newest when the watch begins */
  readonly from?: Revision;
}

/**
 * Changes from `from` on, for one loop. `next` rejects `ERR_REVISION_COMPACTED` when they are forgotten: read anew, then
 * watch again. The loop ends without an error when the watch, the engine or the signal ends it.
 */
export interface Watch extends AsyncIterable<WatchBatch>, AsyncDisposable {
  /** Resolves, to the first revision that it gives, when it is certain that it misses nothing after. */
  ready(): Promise<Revision>;
  close(): Promise<void>;
}

export interface Lease {
  readonly id: LeaseId;
  /** Granted, milliseconds; an engine may give more than was asked for. */
  readonly ttlMs: number;
}

export interface Engine extends AsyncDisposable {
  /**
   * @throws ERR_OUTCOME_UNKNOWN, ERR_NO_QUORUM, ERR_TIMEOUT, ERR_REQUEST_TOO_LARGE, ERR_ENGINE_FULL, ERR_LEASE_LOST,
   *   ERR_REVISION_COMPACTED, ERR_INVALID_ARGUMENT, ERR_ABORTED, ERR_CLOSED
   */
  txn(transaction: Transaction, options?: RequestOptions): Promise<TransactionResult>;
  watch(range: KeyRange, options?: WatchOptions): Watch;
  /** Deletes what is attached when `ttlMs` passed without a renewal. */
  grantLease(ttlMs: number, options?: RequestOptions): Promise<Lease>;
  /** Renews once. @throws ERR_LEASE_LOST when it is not there any more */
  keepLease(id: LeaseId, options?: RequestOptions): Promise<Lease>;
  /** Ends it now and deletes its keys; nothing to do when it is gone. */
  revokeLease(id: LeaseId, options?: RequestOptions): Promise<void>;
  /** Forgets what was before `revision`, except what is still there; nothing to do when that is forgotten already. */
  compact(revision: Revision, options?: RequestOptions): Promise<void>;
  close(): Promise<void>;
}

/** The range of all keys that begin with `prefix`. The empty prefix gives all keys. */
export function rangeOf(prefix: string): KeyRange {
  return { key: prefix, end: prefix === "" ? LAST_KEY : prefix + LAST_KEY };
}

/** After every key that text can be, when appended: U+10FFFF, which no key may hold. */
const LAST_KEY = "\u{10FFFF}";
