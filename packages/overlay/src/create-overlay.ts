/**
 * createOverlay: the composition of transport, handshakes, links, membership and the three ports
 * that applications use.
 */
import {
  nodeRuntime,
  parseDuration,
  createCodec,
  type Connection,
  type Duration,
  type Listener,
  type Member,
  type NodeId,
  type Runtime,
  type Transport,
} from "@foundation/core";
import { Channels, type ChannelOptions } from "./channel-options.js";
import { FLOW, HANDSHAKE } from "./limits.js";
import { MessageType } from "./protocol/frame.js";
import { Partitions, type PartitionEvent } from "./membership/partitions.js";
import { createMembership, type MembershipHandle } from "./membership/membership-shell.js";
import type { Overlay, TopologyListener } from "./overlay.js";
import {
  checkOptions,
  checkTopology,
  frameSizesOf,
  identityOf,
  type OverlayOptions,
} from "./overlay-options.js";
import { presetOf } from "./presets.js";
import type { PeerExplanation } from "./protocol/membership/explanation.js";
import { capabilities, type TopologyCapabilities } from "./protocol/switching/capabilities.js";
import type { TopologyMode, TopologyName } from "./protocol/switching/topologies.js";
import { WindowBudget } from "./protocol/streams/window-tuner.js";
import { Acceptor } from "./runtime/acceptor.js";
import { Admission } from "./runtime/admission.js";
import { BroadcastGroups } from "./runtime/broadcast/broadcast-groups.js";
import { OverlayBroadcast } from "./runtime/broadcast.js";
import { boundedCodec } from "./runtime/bounded-codec.js";
import { ChannelOpener, parseOpenRequest } from "./runtime/channel-opener.js";
import { AckedSends } from "./runtime/delivery/acked-sends.js";
import { DialTargets } from "./runtime/dial-targets.js";
import { Dialling } from "./runtime/dialling.js";
import { Handshakes } from "./runtime/handshakes.js";
import { IdleLinks, isInUse } from "./runtime/idle-links.js";
import { Inbound } from "./runtime/inbound.js";
import { LinkEvents } from "./runtime/link-events.js";
import { pingLink, type PingOptions } from "./runtime/link-ping.js";
import type { LinkStats } from "./runtime/link-stats.js";
import { LinkService } from "./runtime/link-service.js";
import { OverlayMessenger } from "./runtime/messenger.js";
import { OverlayMetrics } from "./runtime/metrics.js";
import { securityOf, type OverlaySecurity } from "./runtime/overlay-security.js";
import { OutboundRequests } from "./runtime/outbound-requests.js";
import { PeerTable } from "./runtime/peer-table.js";
import { RELAY_CHANNEL, RelayService, routingOf } from "./runtime/relay/relay-service.js";
import { Refusals, type RefusalCount } from "./runtime/refusals.js";
import { Streams } from "./runtime/streams/streams.js";
import type { World } from "./runtime/world.js";
import { isLoopback } from "./websocket/hosts.js";
import { websocketTransport, type WebSocketTransport } from "./websocket/websocket-transport.js";

/** Left for the farewell when all of the time to leave went into flushing. */
const FAREWELL_MS_MIN = 100;

/**
 * Starts a node: listens, dials the given peers and joins whatever cluster they are in.
 *
 * @throws {ERR_INVALID_ARGUMENT} for a bad option @throws {ERR_INSECURE_LISTEN} beyond loopback
 * @throws {ERR_ADDRESS_IN_USE} when the port is taken
 *
 * @example
 * ```ts
 * import { createOverlay } from "@foundation/overlay"
 *
 * const secret = "a secret of at least 16 characters"
 * const a = await createOverlay({ cluster: "shop", secret })
 * const b = await createOverlay({ cluster: "shop", secret, peers: [a.address] })
 * b.membership.subscribe((event) => console.log(event.type, event.node.name))
 * await b.leave()
 * await a.leave()
 * ```
 */
export async function createOverlay(options: OverlayOptions): Promise<Overlay> {
  const overlay = new OverlayNode(options);
  await overlay.start(options.host ?? "127.0.0.1", options.port ?? 0);
  overlay.dial(options.peers ?? []);
  return overlay;
}

class OverlayNode implements Overlay {
  readonly messenger: OverlayMessenger;
  readonly broadcast: OverlayBroadcast;
  readonly #runtime: Runtime;
  readonly #world: World;
  readonly #table: PeerTable;
  readonly #targets: DialTargets;
  readonly #dialling: Dialling;
  readonly #opener: ChannelOpener;
  readonly #acceptor: Acceptor;
  readonly #inbound: Inbound;
  readonly #requests: OutboundRequests;
  readonly #acked: AckedSends;
  readonly #streams: Streams;
  readonly #refusals: Refusals;
  readonly #links: LinkService;
  readonly #groups: BroadcastGroups;
  readonly #idle: IdleLinks;
  readonly #relay: RelayService | undefined;
  readonly #topologyListeners = new Set<TopologyListener>();
  readonly #partitionListeners = new Set<(event: PartitionEvent) => void>();
  readonly #partitions: Partitions;
  readonly #options: OverlayOptions;
  readonly #channels: Channels;
  readonly #transport: Transport;
  readonly #security: OverlaySecurity;
  readonly #handshakes: Handshakes;
  #membership: MembershipHandle | undefined;
  #listener: Listener | undefined;
  #addresses: readonly string[] = [];
  #closing: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;

  constructor(options: OverlayOptions) {
    checkOptions(options);
    this.#options = options;
    const preset = presetOf(options.preset, isLoopback(options.host ?? "127.0.0.1"));
    const { channels, compression = false } = options;
    this.#channels = new Channels(channels, { compression, windowBytes: preset.windowBytes });
    this.#runtime = nodeRuntime(options.runtime);
    const { clock, random, meter } = this.#runtime;
    this.#security = securityOf(options, this.#runtime);
    const websockets = this.#runtime.transport === undefined ? this.#websockets() : undefined;
    this.#transport = this.#runtime.transport ?? (websockets as Transport);
    const { batchBytes, chunkBytes } = frameSizesOf(this.#transport);
    const self = identityOf(options, this.#runtime);
    this.#world = {
      self,
      clock,
      random: random.fork("overlay"),
      logger: this.#runtime.logger.child({ node: self.name }),
      codec: boundedCodec(createCodec(), FLOW.messageBytesMax),
      metrics: new OverlayMetrics(meter),
      preset,
      budget: new WindowBudget(preset.budgetBytesMax),
      batchBytes,
      chunkBytes,
    };
    const world = this.#world;
    this.#refusals = new Refusals(world, meter);
    const events = new LinkEvents();
    const handshakes = new Handshakes(world, options.cluster, this.#security.authentication);
    this.#handshakes = handshakes;
    this.#inbound = new Inbound(world);
    this.#table = new PeerTable(world, events, this.#channels);
    const admission = new Admission(world, this.#table);
    this.#dialling = new Dialling(
      world,
      this.#transport,
      handshakes,
      admission,
      this.#table,
      this.#refusals,
    );
    this.#targets = new DialTargets(
      world,
      this.#dialling,
      (id) => this.#table.isLinked(id),
      (event) => events.emit(event),
    );
    this.#opener = new ChannelOpener(world, this.#dialling, ({ id, address }) =>
      this.#targets.want({ id, address }),
    );
    this.#acceptor = new Acceptor(
      world,
      handshakes,
      admission,
      (peer, connection) => {
        websockets?.admit(connection);
        this.#table.adopt(peer, "peer", connection);
      },
      this.#refusals,
    );
    this.#requests = new OutboundRequests(world);
    this.#acked = new AckedSends(world);
    this.messenger = new OverlayMessenger(
      world,
      this.#inbound,
      this.#table,
      this.#requests,
      this.#acked,
    );
    this.#streams = new Streams(world, this.#table, this.#requests, this.#inbound.requests);
    this.messenger.streams = this.#streams;
    this.#inbound.streams = this.#streams;
    const { broadcastHandlers } = this.#inbound;
    const ways = {
      linkTo: (to: NodeId, channel: string) => this.#table.linkTo(to, channel, undefined),
      isLinked: (id: NodeId) => this.#table.isLinked(id),
      bootOf: (id: NodeId) => this.membership.member(id)?.boot,
    };
    this.#groups = new BroadcastGroups(world, ways, broadcastHandlers, this.#channels);
    const audience = { members: () => this.membership.members(), isPartial: () => this.#isPartial };
    this.broadcast = new OverlayBroadcast(
      world,
      this.#inbound,
      this.#table,
      audience,
      this.#groups,
    );
    this.#idle = new IdleLinks(clock, {
      isInUse: (peer) => isInUse(peer, this.#requests, this.#streams.inbound),
      rest: (peer) => this.#table.rest(peer),
    });
    this.#links = new LinkService(world, this.#table, this.#targets, events, this.#idle);
    if (options.relay === true) {
      const accept = (connection: Connection) => this.#acceptor.accept(connection);
      this.#relay = new RelayService(world, this.#table, meter, accept);
      this.#dialling.relay = this.#relay;
      events.on((event) => {
        if (event.type === "link-up") this.#relay?.linkUp(event.id);
        if (event.type === "link-down") this.#relay?.linkDown(event.id);
      });
    }
    const members = () => this.membership.members().length;
    this.#partitions = new Partitions(clock, members, (event) => {
      const nodes = event.nodes.map(({ name }) => name);
      world.logger.warn("a part of the cluster is gone or back", { type: event.type, nodes });
      for (const listener of [...this.#partitionListeners]) listener(event);
    });
    this.#connectParts(events, admission);
  }

  get membership(): MembershipHandle {
    return this.#membership as MembershipHandle;
  }

  get self(): Member {
    return this.membership.self;
  }

  get address(): string {
    return this.#world.self.address;
  }

  async start(host: string, port: number): Promise<void> {
    const accept = (connection: Parameters<Acceptor["accept"]>[0]) =>
      this.#acceptor.accept(connection);
    this.#handshakes.nodeKey = await this.#security.nodeKey();
    this.#listener = await this.#transport.listen({ host, port }, accept);
    const { self, clock, random, logger } = this.#world;
    self.address = this.#listener.address;
    const { roles = [], labels = {} } = this.#options;
    this.#membership = createMembership({
      self: { ...self, roles, labels },
      links: this.#links,
      runtime: { clock, random, logger, meter: this.#runtime.meter },
      times: this.#world.preset.membership,
      topology: this.#options.topology ?? "auto",
      onTopology: (from, to) => {
        for (const listener of [...this.#topologyListeners]) listener({ from, to });
      },
      onNeighbour: (id, isUp) => this.#groups.neighbour(id, isUp),
    });
    this.#membership.subscribe((event) => {
      if (event.type === "node-up") {
        this.#table.becameMember(event.node);
        // Not when it was only suspected, and never was away.
        if (event.previous !== "suspect" && event.previous !== "draining")
          this.#groups.joined(event.node.id, event.node.boot);
      }
      this.#partitions.onEvent(event);
      this.#relay?.membersChanged(this.membership.members().length);
      if (event.type !== "node-down" && event.type !== "node-left") return;
      const peer = this.#table.peer(event.node.id);
      if (peer?.boot === event.node.boot) {
        const reason = event.type === "node-left" ? "closed" : "lost";
        void this.#table.remove(peer, { reason, detail: `${event.type} was told` });
      }
      this.#groups.ended(event.node.id, event.node.boot);
      this.#relay?.gone(event.node.id);
      // An address from discovery stays wanted, whoever comes back there.
      this.membership.discovered(this.#addresses);
    });
    logger.info("the overlay listens", { address: self.address });
  }

  dial(addresses: readonly string[]): void {
    for (const address of this.#addresses) {
      if (!addresses.includes(address)) this.#targets.forget(address);
    }
    this.#addresses = [...addresses];
    this.membership.discovered(this.#addresses);
  }

  refusals(): readonly RefusalCount[] {
    return this.#refusals.list();
  }

  observe(): ReturnType<MembershipHandle["observe"]> {
    return this.membership.observe();
  }

  configureChannel(options: ChannelOptions): void {
    const known = this.#channels.of(options.name);
    if (this.#channels.configure(options) !== known) this.#table.configured(options.name);
  }

  links(): readonly LinkStats[] {
    return this.#table.links().map((link) => link.stats());
  }

  ping(to: NodeId, options: PingOptions = {}): Promise<{ readonly roundTripMs: number }> {
    return pingLink(this.#table, this.#world.clock, to, options);
  }

  get topology(): TopologyName {
    return this.membership.topology;
  }

  switchTopology(to: TopologyMode): void {
    checkTopology(to);
    this.membership.switchTopology(to);
  }

  onTopology(listener: TopologyListener): () => void {
    this.#topologyListeners.add(listener);
    return () => this.#topologyListeners.delete(listener);
  }

  onPartition(listener: (event: PartitionEvent) => void): () => void {
    this.#partitionListeners.add(listener);
    return () => this.#partitionListeners.delete(listener);
  }

  explain(id: NodeId): PeerExplanation {
    return this.membership.explain(id);
  }

  get capabilities(): TopologyCapabilities {
    return capabilities[this.topology];
  }

  neighbours(): readonly NodeId[] {
    return this.#groups.neighbours;
  }

  drain(): void {
    this.membership.drain();
  }

  leave(options: { readonly timeout?: Duration } = {}): Promise<void> {
    this.#leaving ??= this.#leave(parseDuration(options.timeout ?? "5s", "timeout"));
    return this.#leaving;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.leave();
  }

  /**
   * Channels first: the farewell on the coordination link must come after the last message of every
   * other link.
   */
  async #leave(timeoutMs: number): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    const { clock } = this.#world;
    const startedMs = clock.now();
    const leftMs = () => Math.max(FAREWELL_MS_MIN, timeoutMs - (clock.now() - startedMs));
    const written = this.#table
      .others()
      .flatMap((peer) => [...peer.links()].map((link) => link.flushed()));
    await this.#atMost(leftMs(), Promise.all(written));
    this.#acceptor.close();
    this.#table.beginClose();
    const end = { reason: "closed", detail: "the node is leaving" } as const;
    const flushed = this.#table.others().map((peer) => this.#table.closeChannels(peer, end));
    await this.#atMost(leftMs(), Promise.all(flushed));
    await this.membership.leave({ timeout: leftMs() });
    await this.#atMost(leftMs(), this.close());
  }

  async #close(): Promise<void> {
    await this.#membership?.close();
    this.#acceptor.close();
    this.#targets.close();
    this.#dialling.close();
    this.#opener.close();
    const closed = this.#table.close({ reason: "closed", detail: "the node has closed" });
    this.#requests.close();
    this.#acked.close();
    this.#inbound.requests.close();
    this.#streams.inbound.close();
    this.#idle.close();
    this.#partitions.close();
    this.#relay?.close();
    this.#groups.close();
    await Promise.all([closed, this.#listener?.close()]);
  }

  get #isPartial(): boolean {
    return this.topology !== "full-mesh";
  }

  /** Ends with the work, or when the time is up. */
  #atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const timer = this.#world.clock.setTimer(timeoutMs, resolve);
      const end = (settle: () => void) => {
        timer.cancel();
        settle();
      };
      work.then(
        () => end(resolve),
        (error: Error) => end(() => reject(error)),
      );
    });
  }

  #connectParts(events: LinkEvents, admission: Admission): void {
    this.#table.collaborators = {
      opener: this.#opener,
      memberOf: (id) => this.#membership?.member(id),
      linked: ({ id, boot, address }) => {
        admission.linked(id, boot);
        this.#targets.linked(id, address);
      },
      owner: {
        receive: (link, frame) => this.#inbound.receive(link, frame),
        lost: (link) => {
          this.#requests.onLost(link);
          if (link.channel === RELAY_CHANNEL) this.#relay?.linkDown(link.peer.id);
          if (link.isClosed) this.#acked.onEnded(link);
          this.#inbound.requests.dropCalls(link);
          this.#streams.inbound.onLost(link);
        },
        resumed: (link) => this.#streams.inbound.onResumed(link),
        dropping: (link) => {
          if (link.channel === RELAY_CHANNEL) this.#relay?.linkDown(link.peer.id);
          this.#requests.onDropping(link);
          this.#acked.onDropping(link);
          if (link.isClosed) this.#acked.onEnded(link);
        },
      },
    };
    this.#inbound.sink = {
      reply: (peer, requestId, payload) => this.#requests.onReply(peer, requestId, payload),
      failure: (peer, requestId, payload) => this.#requests.onFailure(peer, requestId, payload),
      acked: (peer, reader) => {
        if (reader.type === MessageType.reply) this.#acked.onReply(peer, reader.requestId);
        else this.#acked.onFailure(peer, reader.requestId, reader.payload());
      },
      relay: (link, payload) => this.#relay?.received(link.peer.id, payload),
      gossip: (link, payload) => this.#groups.received(link.peer.id, link.channel, payload),
      membership: (link, message) => this.#links.received(link, message),
      control: (link, message) => {
        const routing = routingOf(message);
        if (routing !== undefined) return this.#relay?.asked(link.peer.id, routing);
        const request = parseOpenRequest(message);
        if (request === undefined) this.#world.metrics.dropped("unknown-type");
        else this.#table.openRequested(link.peer, request.channel, request.lane);
      },
    };
    // Nothing can be written to a member whose port is closed: whoever waits for it is told at
    // once.
    events.on((event) => {
      if (event.type === "dial-refused" && event.id !== undefined)
        this.#table.failWaiting(event.id);
    });
  }

  #websockets(): WebSocketTransport {
    return websocketTransport({
      strangerBytesMax: HANDSHAKE.strangerBytesMax,
      ...(this.#security.tls && { tls: this.#security.tls }),
      ...(this.#options.advertise !== undefined && { advertise: this.#options.advertise }),
      logger: this.#runtime.logger,
      onLimit: (limit) => this.#refusals.limitReached(limit),
      onRefused: ({ code, direction, remote, by, reason }) =>
        this.#refusals.note(code, direction, remote, { by, reason }),
    });
  }
}
