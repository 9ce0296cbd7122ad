/**
 * RelayService: relayed connections over the links there are: frames and questions about routes travel on a
 * channel of their own, and what others open is accepted like what comes from a socket.
 *
 * Only a node that could not be dialled is reached so, and only its links: membership keeps no relayed link
 * alive by itself, since a dial is tried first each time.
 */
import type { Connection, NodeId } from "@foundation/core";
import { MessageType } from "../../protocol/frame.js";
import { relayLimits } from "../../protocol/relay/limits.js";
import { NeighborMap } from "../../protocol/routing/neighbor-map.js";
import { routingTimes } from "../../protocol/routing/limits.js";
import { RouteFinder } from "../../protocol/routing/route-finder.js";
import type { OverlayMetrics } from "../metrics.js";
import type { PeerTable } from "../peer-table.js";
import type { World } from "../world.js";
import { Relay, type RelayStats } from "./relay.js";
import { Routes } from "./routes.js";

/** The channel of relay frames; links on it are opened when they are first used. */
export const RELAY_CHANNEL = "relay";
/**
 * Lists of neighbours never come with membership, and are not told either, which would open this channel on every link:
 * they are asked for once a dial has failed.
 */
const ON_DEMAND = { piggybackMax: 0 } as const;

export class RelayService {
  readonly #world: World;
  readonly #table: PeerTable;
  readonly #relay: Relay;
  readonly #routes: Routes;
  readonly #meter: Pick<OverlayMetrics, "dropped">;
  /** Set by the composition where the topology knows ways: they are tried first, and nobody has to be asked. */
  waysTo: ((target: NodeId) => readonly (readonly NodeId[])[]) | undefined;

  constructor(
    world: World,
    table: PeerTable,
    meter: ConstructorParameters<typeof Relay>[0]["meter"],
    accept: (connection: Connection) => void,
  ) {
    this.#world = world;
    this.#table = table;
    this.#meter = world.metrics;
    const { self, clock, random } = world;
    const map = new NeighborMap({
      self: self.id,
      boot: self.boot,
      random,
      mayPass: (id) => table.isMember(id),
      limits: ON_DEMAND,
    });
    const finder = new RouteFinder({ map, tells: false, limits: ON_DEMAND });
    const send = (to: NodeId, message: unknown) => this.#ask(to, message);
    this.#routes = new Routes({ clock, meter, finder, send });
    this.#relay = new Relay({
      self: self.id,
      clock,
      random,
      meter,
      carrier: {
        isLinked: (id) => table.isLinkedDirectly(id),
        send: (id, frame) => this.#carry(id, frame),
      },
      routeTo: (target, avoid) => this.#planned(target, avoid) ?? this.#heard(map, target, avoid),
      findRoute: (target, done) => this.#routes.want(target, done),
      accept,
      // A link keeps a payload that it has to cut until it is written; a smaller one it copies at once.
      limits: { pieceBytesMax: Math.min(relayLimits.pieceBytesMax, world.chunkBytes) },
    });
  }

  /** @throws {ERR_DIAL_FAILED} */
  dial(target: NodeId, signal: AbortSignal): Promise<Connection> {
    return this.#relay.dial(target, { signal });
  }

  received(from: NodeId, frame: Uint8Array): void {
    this.#relay.receive(from, frame);
  }

  /** A message about routes. */
  asked(from: NodeId, message: unknown): void {
    this.#routes.receive(from, message);
  }

  linkUp(id: NodeId): void {
    if (this.#table.isLinkedDirectly(id)) this.#routes.handle({ type: "link-up", id });
  }

  /** The link to a node has ended, or the channel of relay frames may have lost some. */
  linkDown(id: NodeId): void {
    this.#relay.linkDown(id);
    if (!this.#table.isLinkedDirectly(id)) this.#routes.handle({ type: "link-down", id });
  }

  gone(id: NodeId): void {
    this.#routes.handle({ type: "gone", id });
  }

  membersChanged(count: number): void {
    this.#routes.handle({ type: "members", count });
  }

  stats(): RelayStats {
    return this.#relay.stats();
  }

  close(): void {
    this.#relay.close();
    this.#routes.close();
  }

  #heard(map: NeighborMap, target: NodeId, avoid: ReadonlySet<NodeId>) {
    map.forgetOlder(this.#world.clock.now() - routingTimes.freshMs);
    return map.routeTo(target, avoid);
  }

  #planned(target: NodeId, avoid: ReadonlySet<NodeId>): readonly NodeId[] | undefined {
    const way = this.waysTo?.(target).find((ids) => !ids.some((id) => avoid.has(id)));
    return way && [this.#world.self.id, ...way, target];
  }

  #carry(to: NodeId, frame: Uint8Array): number {
    if (!this.#table.isLinkedDirectly(to)) return -1;
    const link = this.#table.linkTo(to, RELAY_CHANNEL, undefined);
    if (link === undefined) return -1;
    link.postAsIs(MessageType.relay, 0, 0, 0, 0, undefined, frame);
    return link.queuedBytes;
  }

  #ask(to: NodeId, routing: unknown): void {
    const link = this.#table.linkTo(to, RELAY_CHANNEL, undefined);
    if (link === undefined || link.isOverLimit) return this.#meter.dropped("queue-full");
    const payload = this.#world.codec.encode({ routing });
    link.postAsIs(MessageType.control, 0, 0, 0, 0, undefined, payload);
  }
}
