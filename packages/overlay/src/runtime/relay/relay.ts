/**
 * Relay: the relayed connections of one node: it opens and accepts its own, and passes on those of
 * others.
 *
 * It knows nothing of sockets and members: a carrier takes frames to linked neighbours, and whoever
 * has one calls `receive` and `linkDown`. What is decided is in protocol/relay/; here it is done.
 *
 * Invariants: whatever a neighbour sends, at most connections that lead over it end; a connection
 * whose way is broken ends at both ends ("lost"); nothing is sent to anybody who is not the next or
 * the previous node of a route.
 */
import type { Clock, Connection, Meter, NodeId, Random } from "@foundation/core";
import {
  breakFrame,
  connectionOf,
  readOpen,
  RELAY_HEAD_BYTES,
  RelayType,
} from "../../protocol/relay/frames.js";
import { relayLimits, relayLimitsOf, type RelayLimits } from "../../protocol/relay/limits.js";
import { RelayTable } from "../../protocol/relay/relay-table.js";
import type { RelayCarrier } from "./relay-carrier.js";
import { dialByRoutes } from "./relay-dial.js";
import { RelayMetrics } from "./relay-metrics.js";
import type { RelayedConnection } from "./relayed-connection.js";
import { RelayedEnds } from "./relayed-ends.js";
import { RelayedHops } from "./relayed-hops.js";
import type { RouteOutcome } from "./route-outcome.js";

export interface RelayOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly carrier: RelayCarrier;
  /** A way to a node, both ends included, that leads over none of `avoid`; undefined: none is known. */
  routeTo(target: NodeId, avoid: ReadonlySet<NodeId>): readonly NodeId[] | undefined;
  /** Looks for a way where none is known, as Routes does. @default there is none to be found */
  readonly findRoute?: (target: NodeId, done: (isFound: boolean) => void) => void;
  /** Takes a connection that another node opened; who that is it has still to prove. */
  accept(connection: Connection): void;
  /** Passes on connections of others. @default true */
  readonly passesOn?: boolean;
  readonly limits?: Partial<RelayLimits>;
}

export interface RelayStats {
  /** Connections that begin or end here, those being opened included. */
  readonly ends: number;
  /** Connections of others that pass here. */
  readonly hops: number;
  /** Bytes of its own connections that wait here for credit, and for who takes them. */
  readonly unsentBytes: number;
  readonly undeliveredBytes: number;
}

const NOT_FOUND = (_: NodeId, done: (isFound: boolean) => void): void => done(false);
/** No place that a route has: where on it this node is was forgotten. */
const NOWHERE = 0xff;

export class Relay {
  readonly #options: RelayOptions;
  readonly #limits: RelayLimits;
  readonly #table: RelayTable<RelayedConnection>;
  readonly #metrics: RelayMetrics;
  readonly #ends: RelayedEnds;
  readonly #hops: RelayedHops;
  readonly #isLinked: (id: NodeId) => boolean;

  constructor(options: RelayOptions) {
    const { self, clock, carrier, passesOn } = options;
    const limits = relayLimitsOf(options.limits);
    this.#options = options;
    this.#limits = limits;
    const table = new RelayTable<RelayedConnection>(self, limits, passesOn);
    const metrics = new RelayMetrics(options.meter);
    this.#table = table;
    this.#metrics = metrics;
    const random = options.random.fork("relay");
    const accept = (connection: Connection) => options.accept(connection);
    this.#ends = new RelayedEnds({ self, clock, random, carrier, limits, table, metrics, accept });
    this.#hops = new RelayedHops(table, carrier, limits, metrics);
    this.#isLinked = (id) => carrier.isLinked(id);
  }

  /**
   * A connection to a node over others, on the first of a few routes that works.
   *
   * @throws {ERR_DIAL_FAILED} no route is known, those tried failed, or the signal fired;
   *   `details.reason` says which
   */
  dial(target: NodeId, options: { readonly signal: AbortSignal }): Promise<Connection> {
    const { findRoute = NOT_FOUND } = this.#options;
    return dialByRoutes({
      target,
      signal: options.signal,
      routesMax: this.#limits.routesMax,
      routeTo: (to, avoid) => this.#options.routeTo(to, avoid),
      findRoute: (to, done) => findRoute(to, done),
      open: (route, done) => this.open(route, done),
    });
  }

  /**
   * Opens a connection on one route, from this node to the target. `done` is told once, in this
   * call or later, unless the returned function gave it up before.
   */
  open(route: readonly NodeId[], done: (outcome: RouteOutcome) => void): () => void {
    return this.#ends.open(route, done);
  }

  /** A neighbour sent a frame. */
  receive(from: NodeId, frame: Uint8Array): void {
    if (frame.length < RELAY_HEAD_BYTES || frame.length > relayLimits.pieceBytesMax)
      return this.#metrics.dropped("garbage");
    if (frame[0] === RelayType.open) return this.#onOpen(from, frame);
    const entry = this.#table.get(connectionOf(frame));
    if (entry === undefined) return this.#onStray(from, frame);
    const isItsOwn = entry.kind === "hop" ? entry.isVia(from) : entry.neighbor === from;
    if (!isItsOwn) this.#metrics.dropped("garbage");
    else if (entry.kind === "hop") this.#hops.pass(entry, from, frame);
    else this.#ends.take(entry, frame);
  }

  /**
   * There is no link to a node any more, or frames on it may have been lost: what led over it ends.
   */
  linkDown(neighbor: NodeId): void {
    this.#table.forget(neighbor);
    for (const entry of this.#table.over(neighbor)) {
      if (entry.kind === "hop") this.#hops.break(entry, "lost", undefined, neighbor);
      else this.#ends.lost(entry.handle);
    }
  }

  stats(): RelayStats {
    const { ends, hops } = this.#table;
    let unsentBytes = 0;
    let undeliveredBytes = 0;
    for (const entry of this.#table.entries()) {
      if (entry.kind === "hop") continue;
      unsentBytes += entry.handle.bufferedBytes;
      undeliveredBytes += entry.handle.heldBytes;
    }
    return { ends, hops, unsentBytes, undeliveredBytes };
  }

  /** Ends everything, at once; what is opened from now on is refused. Idempotent. */
  close(): void {
    this.#table.isClosed = true;
    for (const entry of this.#table.entries()) {
      if (entry.kind === "hop") this.#hops.break(entry, "lost", "not-accepting");
      else this.#ends.close(entry);
    }
  }

  #onOpen(from: NodeId, frame: Uint8Array): void {
    const { carrier, clock } = this.#options;
    const open = readOpen(frame, relayLimits.hopsMax);
    if (open === undefined) return this.#metrics.dropped("garbage");
    const verdict = this.#table.open(open, from, this.#isLinked, clock.now());
    switch (verdict.type) {
      case "pass":
        return this.#hops.opened(verdict.hop, frame);
      case "end":
        return this.#ends.accept(open, verdict.index);
      case "refuse": {
        const { refusal, index } = verdict;
        this.#metrics.open(refusal);
        carrier.send(from, breakFrame(open.connection, { reason: "refused", refusal, index }));
        return;
      }
      case "repeated":
        return this.#metrics.open("repeated");
      case "malformed":
        return this.#metrics.dropped("garbage");
      default:
        verdict satisfies never;
    }
  }

  /**
   * Nobody here knows the connection. Its sender is told, if it may believe that it lives: an open
   * that waited for a link can come after its origin has given it up.
   */
  #onStray(from: NodeId, frame: Uint8Array): void {
    this.#metrics.dropped("stray");
    const type = frame[0];
    const isPiece = type === RelayType.data || type === RelayType.part;
    const believes = isPiece || type === RelayType.accept || type === RelayType.close;
    if (!believes || !this.#table.answersStray(from, this.#options.clock.now())) return;
    const broken = { reason: "lost", refusal: undefined, index: NOWHERE } as const;
    this.#options.carrier.send(from, breakFrame(connectionOf(frame), broken));
  }
}
