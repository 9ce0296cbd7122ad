/**
 * DiscoveryBackend: what a suite needs of the place where a strategy looks, so that it can make that place fail.
 *
 * A backend is a real server or a fake of one (a DNS zone, an API, a network segment) in the hands of the test.
 */
import type { DiscoveryStrategy } from "@foundation/core/ports";
import type { ContractTime } from "../time.js";

/**
 * The ways to fail. `error`: an outage (5xx, SERVFAIL, a connection refused, an interface gone). `forbidden`: 401, 403,
 * REFUSED. `not-found`: 404, NXDOMAIN. `empty`: a good answer with nobody in it. `partial`: an answer that can be seen to
 * lack some (a page, a family, a zone, a truncation). `stale`: an answer older than the one before. `malformed`: not what
 * the protocol allows. `hang`: no answer at all.
 */
export type DiscoveryFailure =
  | "error"
  | "forbidden"
  | "not-found"
  | "empty"
  | "partial"
  | "stale"
  | "malformed"
  | "hang";

/** One strategy and its backend, made anew for each test. */
export interface DiscoveryBackend {
  readonly strategy: DiscoveryStrategy;
  readonly time: ContractTime;
  /** The cluster's secrets, for backends that anybody can write to. @default one that the suite makes up */
  readonly secrets?: readonly string[];
  /** Makes the backend know a peer at this address. */
  add(address: string): void | Promise<void>;
  /** Makes it forget the peer, as it does when one leaves. */
  remove(address: string): void | Promise<void>;
  /** Answers this badly from now on, also to what already waits for an answer. */
  fail(kind: DiscoveryFailure): void | Promise<void>;
  /** Answers well again, with the peers as they are now. */
  recover(): void | Promise<void>;
  /** How many requests the backend has got so far, whatever it answered. */
  requests(): number;
  /** Stops the backend and frees its sockets. */
  close(): void | Promise<void>;
}

/** What the suite has to know of a kind of backend. Times are milliseconds of the fixture's time. */
export interface DiscoveryBackendSetup {
  /** A fresh backend that knows nobody. */
  create(): DiscoveryBackend | Promise<DiscoveryBackend>;
  /** Addresses that this backend can hold. @default `ws://10.77.0.1:4100` and the next two */
  readonly addresses?: readonly [string, string, string];
  /** The ways this backend can fail; those it has not are not tested. */
  readonly failures: readonly DiscoveryFailure[];
  /** The most requests in so much time while all is well, as the strategy's options say. */
  readonly pace: { readonly requests: number; readonly perMs: number };
  /** The longest pause between two attempts while it fails, before the jitter. */
  readonly retryMaxMs: number;
  /** Within this the newest set shows a peer that joined or left. @default 5 000 */
  readonly withinMs?: number;
  /** For so long a failure lasts after it was reported; the last good set stays. @default 2 000 */
  readonly failureMs?: number;
}

/** The name of a check; every failure is one. */
export type DiscoveryCheckName =
  | "finds-three"
  | "join"
  | "leave"
  | "abort"
  | "pace"
  | "backoff"
  | DiscoveryFailure;

/** One promise of a strategy, with the code that tries it. */
export interface DiscoveryCheck {
  readonly name: DiscoveryCheckName;
  /** The promise as a sentence. */
  readonly says: string;
  /**
   * Tries it; a promise that is not kept rejects.
   *
   * @returns milliseconds of the fixture's time that a join took, from the check `join`
   */
  run(setup: DiscoveryBackendSetup): Promise<{ readonly joinMs?: number }>;
}
