/** What names are to those who use them: claims, owners, and landings to move them to. */
import type { Duration } from "@foundation/core";
import type { LeaseId, Revision } from "../../engine/engine.js";
import type { KvWatch, KvWatchOptions } from "../kv/watch.js";
import type { WaitOptions } from "../patience.js";

/** How to claim a name. */
export interface ClaimOptions extends WaitOptions {
  /** How long the name stays with an owner that has died. @default "10s" */
  readonly ttl?: Duration | undefined;
}

/** Who has a name. */
export interface NameOwner<T> {
  readonly name: string;
  /** What the owner said of itself. */
  readonly data: T;
  readonly token: Revision;
}

/** A name that this client owns. */
export interface NameClaim<T = unknown> extends AsyncDisposable {
  readonly name: string;
  readonly data: T;
  /** Greater than that of every owner before. */
  readonly token: Revision;
  /** Fires with `ERR_LEASE_LOST`, or with `ERR_NAME_MOVED` when another has the name now. */
  readonly signal: AbortSignal;
  /** Whether it is still this client's, by its monotonic clock: ask before each effect. */
  readonly isHeld: boolean;
  /** Asks the store now. Resolves to `isHeld` after that. */
  renew(): Promise<boolean>;
  /**
   * Gives the name to another owner, whose `landing` says which lease. Resolves to the new token. After that, and while it
   * is not known whether it was done, this claim holds no more.
   *
   * @throws {ERR_NAME_MOVED} it was not this claim's any more; {ERR_LEASE_LOST} the successor waits no more, the claim
   *   holds on; {ERR_OUTCOME_UNKNOWN} it may be moved: `lookup` tells
   */
  moveTo(landing: NameLanding, data: T, options?: WaitOptions): Promise<Revision>;
  /** Gives the name back. Idempotent. */
  release(): Promise<void>;
}

/** Where a name can be moved to: plain data, to be sent to its present owner. */
export interface NameLanding {
  readonly lease: LeaseId;
  /** A key that is there as long as the successor waits. */
  readonly id: string;
  readonly createRevision: Revision;
}

/** A successor that waits for a name. */
export interface NamePad<T> extends AsyncDisposable {
  readonly landing: NameLanding;
  /** Resolves when the name has been moved here. @throws as `acquire`; {ERR_LEASE_LOST} */
  landed(options?: WaitOptions): Promise<NameClaim<T>>;
  /** Waits no more; a name that is moved here at the same time is given back. */
  close(): Promise<void>;
}

/** Names over one engine. */
export interface NameStore extends AsyncDisposable {
  /** The name, or undefined when another has it. @throws {ERR_TIMEOUT}, {ERR_ABORTED}, {ERR_CLOSED} */
  acquire<T>(name: string, data: T, options?: ClaimOptions): Promise<NameClaim<T> | undefined>;
  /** Who has the name now, asked of the store. */
  lookup<T = unknown>(name: string, options?: WaitOptions): Promise<NameOwner<T> | undefined>;
  /** Prepares to take a name over from its owner. */
  prepare<T>(name: string, options?: ClaimOptions): Promise<NamePad<T>>;
  /** Changes of owners; a key is the name as `nameOf` reads it. Without a name: of all names. */
  watch<T = unknown>(name?: string, options?: KvWatchOptions): KvWatch<Owned<T>>;
  nameOf(key: string): string;
  /** Releases all names of this client, and refuses more. */
  close(): Promise<void>;
}

/** What is stored with a name. */
export interface Owned<T> {
  readonly data: T;
  /** Tells this claim from every other. */
  readonly id: string;
}
