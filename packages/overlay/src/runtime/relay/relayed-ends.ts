/**
 * RelayedEnds: the relayed connections that begin or end at this node.
 *
 * Invariant: who opens one is told once what became of it, unless it has given it up before.
 */
import type { Clock, Connection, ConnectionEnd, NodeId, Random } from "@foundation/core";
import { assert } from "../../protocol/assert.js";
import {
  acceptFrame,
  breakFrame,
  openFrame,
  readAccept,
  readBreak,
  RelayType,
  type RelayOpen,
} from "../../protocol/relay/frames.js";
import { fitsWindow, type RelayLimits } from "../../protocol/relay/limits.js";
import type { RelayEnd, RelayTable } from "../../protocol/relay/relay-table.js";
import type { RelayCarrier } from "./relay-carrier.js";
import type { RelayMetrics } from "./relay-metrics.js";
import { RelayedConnection, type RelayWire } from "./relayed-connection.js";
import { endOf, failureOf, unanswered, type RouteOutcome } from "./route-outcome.js";

export interface RelayedEndsOptions {
  readonly self: NodeId;
  readonly clock: Clock;
  /** For the numbers of connections. */
  readonly random: Random;
  readonly carrier: RelayCarrier;
  readonly limits: RelayLimits;
  readonly table: RelayTable<RelayedConnection>;
  readonly metrics: RelayMetrics;
  accept(connection: Connection): void;
}

type Entry = RelayEnd<RelayedConnection>;
type Done = (outcome: RouteOutcome) => void;

const GIVEN_UP: ConnectionEnd = { reason: "closed", detail: "it was given up" };
const CLOSED: ConnectionEnd = { reason: "closed", detail: "the node has closed" };

export class RelayedEnds {
  readonly #options: RelayedEndsOptions;
  readonly #wire: RelayWire;
  /** Connections whose accept has not come. */
  readonly #openings = new Map<RelayedConnection, Done>();

  constructor(options: RelayedEndsOptions) {
    const { clock, limits, metrics } = options;
    this.#options = options;
    this.#wire = {
      clock,
      limits,
      scratch: new Uint8Array(limits.pieceBytesMax),
      send: (connection, frame) => this.#send(connection, frame),
      ended: (connection, end) => this.#onEnded(connection, end),
      garbage: () => metrics.dropped("garbage"),
    };
  }

  /** See Relay.open. */
  open(route: readonly NodeId[], done: Done): () => void {
    const { self, clock, carrier, limits, table } = this.#options;
    assert(route[0] === self && route.length >= 2, "a route begins here and leads on");
    assert(route.length <= limits.hopsMax + 1, "a route has no more hops than it may");
    assert(new Set(route).size === route.length, "a route leads over each node once");
    if (table.isClosed || !table.hasRoomForEnd) {
      const reason = table.isClosed ? "not-accepting" : "too-many-connections";
      done({ type: "failed", reason, by: self, blamed: [] });
      return () => {};
    }
    const number = this.#draw();
    const connection = new RelayedConnection({ connection: number, route, index: 0 }, this.#wire);
    this.#add(connection);
    const timer = clock.setTimer(limits.openTimeoutMs, () => {
      this.#giveUp(connection, unanswered(route));
    });
    this.#openings.set(connection, (outcome) => {
      timer.cancel();
      done(outcome);
    });
    const { windowBytes } = limits;
    if (
      carrier.send(connection.neighbor, openFrame({ connection: number, windowBytes, route })) < 0
    )
      this.lost(connection);
    return () => {
      timer.cancel();
      this.#giveUp(connection, undefined);
    };
  }

  /** Another node has opened one. */
  accept({ connection: number, route, windowBytes }: RelayOpen, index: number): void {
    const { limits, metrics } = this.#options;
    const connection = new RelayedConnection({ connection: number, route, index }, this.#wire);
    this.#add(connection);
    connection.opened(windowBytes);
    metrics.open("accepted");
    if (this.#send(connection, acceptFrame(number, limits.windowBytes)))
      this.#options.accept(connection);
  }

  /** A frame of such a connection came. */
  take({ handle, route }: Entry, frame: Uint8Array): void {
    switch (frame[0]) {
      case RelayType.data:
      case RelayType.part:
      case RelayType.credit:
      case RelayType.close:
        return handle.take(frame);
      case RelayType.accept:
        return this.#onAccept(handle, frame);
      case RelayType.break: {
        const broken = readBreak(frame);
        if (broken === undefined) return handle.violated("a break that is none");
        const done = this.#takeOpening(handle);
        handle.end(endOf(broken, route));
        return done?.(failureOf(broken, route));
      }
      default:
        return this.#options.metrics.dropped("unknown-type");
    }
  }

  /** The link it led over is gone. */
  lost(connection: RelayedConnection): void {
    const { route, index } = connection.identity;
    connection.end(endOf({ reason: "lost", refusal: "no-link", index }, route));
  }

  /** Ends one at once, because this node closes. */
  close({ handle }: Entry): void {
    this.#tellBroken(handle, "closed");
    handle.end(CLOSED);
  }

  #onAccept(connection: RelayedConnection, frame: Uint8Array): void {
    const { limits } = this.#options;
    const windowBytes = readAccept(frame);
    if (windowBytes === undefined || !this.#openings.has(connection))
      return connection.violated("an accept that cannot be");
    if (windowBytes > limits.windowBytes || !fitsWindow(windowBytes, limits))
      return connection.violated("a window that does not fit ours");
    const done = this.#takeOpening(connection);
    connection.opened(windowBytes);
    done?.({ type: "opened", connection });
  }

  #send(connection: RelayedConnection, frame: Uint8Array): boolean {
    if (connection.isEnded) return false;
    if (this.#options.carrier.send(connection.neighbor, frame) >= 0) return !connection.isEnded;
    this.lost(connection);
    return false;
  }

  #add(handle: RelayedConnection): void {
    const { table, metrics } = this.#options;
    const { connection, route, index } = handle.identity;
    const { neighbor } = handle;
    const origin = route[0] as NodeId;
    table.addEnd({ kind: "end", connection, origin, neighbor, index, route, handle });
    metrics.connections("end", table.ends);
  }

  #onEnded(connection: RelayedConnection, end: ConnectionEnd): void {
    const { table, metrics } = this.#options;
    const { connection: number, route, index } = connection.identity;
    const entry = table.get(number);
    if (entry?.kind === "end" && entry.handle === connection) table.remove(entry);
    metrics.connections("end", table.ends);
    metrics.ended("end", end.reason);
    // Before it was accepted: its link broke, or a node on the way broke a rule.
    const done = this.#takeOpening(connection);
    done?.(failureOf({ reason: end.reason, refusal: undefined, index }, route));
  }

  /** An opening is given up here; who asked for it is told the outcome, if there is one. */
  #giveUp(connection: RelayedConnection, outcome: RouteOutcome | undefined): void {
    const done = this.#takeOpening(connection);
    if (done === undefined) return;
    this.#tellBroken(connection, GIVEN_UP.reason);
    connection.end(GIVEN_UP);
    if (outcome !== undefined) done(outcome);
  }

  #takeOpening(connection: RelayedConnection): Done | undefined {
    const done = this.#openings.get(connection);
    this.#openings.delete(connection);
    return done;
  }

  #tellBroken({ neighbor, identity }: RelayedConnection, reason: ConnectionEnd["reason"]): void {
    const { connection, index } = identity;
    const broken = { reason, refusal: undefined, index };
    this.#options.carrier.send(neighbor, breakFrame(connection, broken));
  }

  /** 48 bits, not in use here. */
  #draw(): number {
    const { random, table } = this.#options;
    for (;;) {
      const number = random.uint32() * 0x10000 + (random.uint32() & 0xffff);
      if (table.get(number) === undefined) return number;
    }
  }
}
