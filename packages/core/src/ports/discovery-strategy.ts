/**
 * DiscoveryStrategy: where peers may be. It yields addresses; the overlay dials them.
 *
 * Guarantees: each yield is the full set known to the strategy, not a change. The first yield comes as soon as the
 * first look-up ended, even when it is empty. A failed, empty, partial or malformed answer is reported through `report`
 * and takes nobody away: the last good set stands, and a missing peer is never taken as dead. The iterable ends only
 * when `signal` fires; it then withdraws the announcement and returns without throwing. Nothing is looked up more often
 * than the strategy's options say.
 */
import type { NodeId } from "../ids/node-id.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { Clock } from "./clock.js";
import type { Logger } from "./logger.js";
import type { Random } from "./random.js";

export interface DiscoveryStrategy {
  /** For people and for `explain()`: `local`, `static`, `kubernetes`, … */
  readonly name: string;
  /** Announces this node where the backend can, and yields peer sets until `signal` fires. */
  discover(context: DiscoveryContext): AsyncIterable<PeerSet>;
}

export interface DiscoveryContext {
  /** The cluster's name: only its members are wanted. */
  readonly cluster: string;
  /** What to announce of this node. */
  readonly self: {
    readonly id: NodeId;
    readonly address: string;
    readonly name: string;
    /** What it is bound to, where that is known: `0.0.0.0` and `::` are every address of this machine. */
    readonly listensOn?: string | undefined;
  };
  readonly signal: AbortSignal;
  /** Fires once, when this node drains: published where the backend can carry it, so that newcomers dial others. */
  readonly draining: AbortSignal;
  /** The cluster's secrets, for backends that anybody can write to: the first seals, all of them open. May be none. */
  readonly secrets: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Tells of a look-up that failed; discovery goes on. */
  report(problem: FoundationError): void;
  /** Tells of one thing that was tried and what it answered, for `explain()` and the debug log. Never a secret. */
  trace(step: DiscoveryStep): void;
}

/** One thing a strategy tried. */
export interface DiscoveryStep {
  /** What was asked, and whom: `GET https://10.0.0.1/api/v1/…`, `SRV _app._tcp.internal`. */
  readonly tried: string;
  /** What came of it: `200, 3 peers`, `NXDOMAIN`. */
  readonly answer: string;
  /** Milliseconds it took, where that says something. */
  readonly tookMs?: number;
}

export interface PeerSet {
  /** The strategy that found them. */
  readonly source: string;
  readonly peers: readonly Peer[];
}

export interface Peer {
  /** What the overlay dials, e.g. `ws://127.0.0.1:4100`. */
  readonly address: string;
  /** Where the backend knows it. */
  readonly id?: NodeId;
  /** It is about to leave: dialled only where nobody else is. */
  readonly draining?: true;
}
