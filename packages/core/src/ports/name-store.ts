/**
 * NameStore: names with one owner each in a whole cluster, for what must not be twice whatever happens.
 *
 * Guarantees: tokens of a name grow strictly from owner to owner. A claim is held by one owner at a time, as long as
 * clocks tick alike: an owner that cannot renew believes itself no longer than its time to live, on its monotonic clock,
 * and nobody else gets the name before. A move is one step: before it the old owner has the name, after it the new one.
 * Limit: an owner that was paused acts late; only a receiver that refuses older tokens stops it.
 */
import type { Duration } from "../duration.js";

/** How long to wait. */
export interface NameWaitOptions {
  readonly signal?: AbortSignal | undefined;
  /** For the whole call. @default no limit */
  readonly timeout?: Duration | undefined;
}

/** How to claim a name. */
export interface ClaimOptions extends NameWaitOptions {
  /** How long the name stays with an owner that has died. @default "10s" */
  readonly ttl?: Duration | undefined;
}

/** Who has a name. */
export interface NameOwner<T> {
  readonly name: string;
  /** What the owner said of itself. */
  readonly data: T;
  /** Greater than that of every owner before. */
  readonly token: number;
}

/** A name that this client owns. */
export interface NameClaim<T = unknown> extends AsyncDisposable {
  readonly name: string;
  readonly data: T;
  /** Greater than that of every owner before. */
  readonly token: number;
  /** Fires with `ERR_LEASE_LOST`, or with `ERR_NAME_MOVED` when another has the name now. Never for a release. */
  readonly signal: AbortSignal;
  /** Whether it is still this client's, by its monotonic clock: ask before each effect. */
  readonly isHeld: boolean;
  /** Asks the store now. Resolves to `isHeld` after that. */
  renew(): Promise<boolean>;
  /**
   * Gives the name to another owner, whose `landing` says where. Resolves to the new token. After that, and while it
   * is not known whether it was done, this claim holds no more.
   *
   * @throws {ERR_NAME_MOVED} it was not this claim's any more; {ERR_LEASE_LOST} the successor waits no more, the claim
   *   holds on; {ERR_OUTCOME_UNKNOWN} it may be moved: `lookup` tells
   */
  moveTo(landing: NameLanding, data: T, options?: NameWaitOptions): Promise<number>;
  /** Gives the name back. Idempotent. */
  release(): Promise<void>;
}

/** Where a name can be moved to: plain data, made by a store, to be sent to the name's present owner. */
export interface NameLanding {
  readonly lease: string;
  readonly id: string;
  readonly createRevision: number;
}

/** A successor that waits for a name. */
export interface NamePad<T> extends AsyncDisposable {
  readonly landing: NameLanding;
  /** Resolves when the name has been moved here. @throws as `acquire`; {ERR_LEASE_LOST} */
  landed(options?: NameWaitOptions): Promise<NameClaim<T>>;
  /** Waits no more; a name that is moved here at the same time is given back. */
  close(): Promise<void>;
}

/** What a watch tells. */
export type NameEvent<T> =
  /** It has an owner, a new one or the same with a new token. */
  | { readonly type: "owned"; readonly owner: NameOwner<T> }
  /** Nobody has it any more. */
  | { readonly type: "free"; readonly name: string }
  /** All owners there are: changes before it may have been left out, and who is not in it is gone. */
  | { readonly type: "snapshot"; readonly owners: readonly NameOwner<T>[] };

export interface NameWatchOptions {
  /** Ends the loop, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Gives a snapshot first. @default false */
  readonly initial?: boolean | undefined;
}

/** Changes for one loop. */
export interface NameWatch<T>
  extends AsyncIterableIterator<NameEvent<T>, undefined, undefined>,
    AsyncDisposable {
  /** Resolves when it is certain that every later change is given. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export interface NameStore extends AsyncDisposable {
  /** The name, or undefined when another has it. @throws {ERR_TIMEOUT}, {ERR_ABORTED}, {ERR_CLOSED} */
  acquire<T>(name: string, data: T, options?: ClaimOptions): Promise<NameClaim<T> | undefined>;
  /** Who has the name now, asked of the store. */
  lookup<T = unknown>(name: string, options?: NameWaitOptions): Promise<NameOwner<T> | undefined>;
  /** Prepares to take a name over from its owner. */
  prepare<T>(name: string, options?: ClaimOptions): Promise<NamePad<T>>;
  /** Changes of owners, in order, each once; of all names without a name. */
  watch<T = unknown>(name?: string, options?: NameWatchOptions): NameWatch<T>;
  /** Releases all names of this client, and refuses more. Idempotent. */
  close(): Promise<void>;
}
