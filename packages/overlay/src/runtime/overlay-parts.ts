/**
 * The parts of a running node, and who tells whom: the only file that knows all of them.
 *
 * Membership comes last, because it tells the listener's address; whoever needs it asks when it is needed.
 */
import {
  createCodec,
  type Connection,
  type NodeId,
  type Runtime,
  type Transport,
} from "@foundation/core";
import { Channels } from "../channel-options.js";
import { FLOW, HANDSHAKE } from "../limits.js";
import type { MembershipHandle } from "../membership/membership-shell.js";
import { frameSizesOf, identityOf, type OverlayOptions } from "../overlay-options.js";
import { presetOf } from "../presets.js";
import { MessageType } from "../protocol/frame.js";
import { WindowBudget } from "../protocol/streams/window-tuner.js";
import { isLoopback } from "../websocket/hosts.js";
import { websocketTransport, type WebSocketTransport } from "../websocket/websocket-transport.js";
import { Acceptor } from "./acceptor.js";
import { Admission } from "./admission.js";
import { boundedCodec } from "./bounded-codec.js";
import { OverlayBroadcast } from "./broadcast.js";
import { BroadcastGroups } from "./broadcast/broadcast-groups.js";
import { ChannelOpener, parseOpenRequest } from "./channel-opener.js";
import { AckedSends } from "./delivery/acked-sends.js";
import { controlFieldOf } from "./control-messages.js";
import { COORDINATION, DialTargets } from "./dial-targets.js";
import { Dialling } from "./dialling.js";
import { Handlers } from "./handlers.js";
import { Handshakes } from "./handshakes.js";
import { IdleLinks, isInUse } from "./idle-links.js";
import { Inbound } from "./inbound.js";
import { LinkEvents } from "./link-events.js";
import { LinkService } from "./link-service.js";
import { OverlayMessenger } from "./messenger.js";
import { OverlayMetrics } from "./metrics.js";
import { OutboundRequests } from "./outbound-requests.js";
import { securityOf, type OverlaySecurity } from "./overlay-security.js";
import { PeerTable } from "./peer-table.js";
import { Refusals } from "./refusals.js";
import { RELAY_CHANNEL, RelayService } from "./relay/relay-service.js";
import { SharedLoad } from "./shared-load.js";
import { Streams } from "./streams/streams.js";
import type { World } from "./world.js";

/** Membership, once there is one. */
type LateMembership = () => MembershipHandle | undefined;

export class OverlayParts {
  readonly world: World;
  readonly security: OverlaySecurity;
  readonly transport: Transport;
  readonly channels: Channels;
  readonly events = new LinkEvents();
  readonly refusals: Refusals;
  readonly handshakes: Handshakes;
  readonly table: PeerTable;
  readonly dialling: Dialling;
  readonly targets: DialTargets;
  readonly opener: ChannelOpener;
  readonly acceptor: Acceptor;
  readonly inbound: Inbound;
  readonly requests: OutboundRequests;
  readonly acked: AckedSends;
  readonly streams: Streams;
  readonly messenger: OverlayMessenger;
  readonly groups: BroadcastGroups;
  readonly broadcast: OverlayBroadcast;
  readonly idle: IdleLinks;
  readonly links: LinkService;
  readonly loads: SharedLoad;
  readonly relay: RelayService | undefined;
  readonly #admission: Admission;

  constructor(options: OverlayOptions, runtime: Runtime, membership: LateMembership) {
    const preset = presetOf(options.preset, isLoopback(options.host ?? "127.0.0.1"));
    const { compression = false } = options;
    const { windowBytes } = preset;
    this.channels = new Channels(options.channels, { compression, windowBytes });
    this.security = securityOf(options, runtime);
    const websockets =
      runtime.transport === undefined ? this.#websockets(options, runtime) : undefined;
    this.transport = runtime.transport ?? (websockets as Transport);
    this.world = this.#worldOf(options, runtime, preset);
    const { world, events } = this;
    this.refusals = new Refusals(world, runtime.meter);
    this.handshakes = new Handshakes(world, options.cluster, this.security.authentication);
    this.inbound = new Inbound(world);
    this.table = new PeerTable(world, events, this.channels);
    this.#admission = new Admission(world, this.table);
    const { handshakes, inbound, table, refusals } = this;
    const admission = this.#admission;
    this.dialling = new Dialling(world, this.transport, handshakes, admission, table, refusals);
    this.targets = new DialTargets(
      world,
      this.dialling,
      (id) => table.isLinked(id),
      (event) => events.emit(event),
    );
    this.opener = new ChannelOpener(world, this.dialling, {
      comesWithinMs: ({ id }) => membership()?.linkComesWithinMs(id) ?? 0,
      want: ({ id, address }) => this.targets.want({ id, address }),
    });
    const admitted: ConstructorParameters<typeof Acceptor>[3] = (peer, connection) => {
      websockets?.admit(connection);
      table.adopt(peer, "peer", connection);
    };
    this.acceptor = new Acceptor(world, handshakes, admission, admitted, refusals);
    this.requests = new OutboundRequests(world);
    this.acked = new AckedSends(world);
    this.messenger = new OverlayMessenger(world, inbound, table, this.requests, this.acked);
    this.streams = new Streams(world, table, this.requests, inbound.requests);
    this.messenger.streams = this.streams;
    inbound.streams = this.streams;
    const ways = {
      linkTo: (to: NodeId, channel: string) => table.linkTo(to, channel, undefined),
      isLinked: (id: NodeId) => table.isLinked(id),
      bootOf: (id: NodeId) => membership()?.member(id)?.boot,
      members: () => membership()?.members() ?? [],
      isPartial: () => membership()?.topology !== "full-mesh",
    };
    // A namespace of their own.
    const broadcasts = new Handlers();
    this.groups = new BroadcastGroups(world, ways, broadcasts, this.channels);
    this.broadcast = new OverlayBroadcast(world, broadcasts, ways, this.groups);
    this.idle = new IdleLinks(world.clock, {
      isInUse: (peer) => isInUse(peer, this.requests, this.streams.inbound),
      say: (peer, rest) => {
        const payload = world.codec.encode({ rest });
        peer.coordination?.post(MessageType.control, 0, 0, 0, 0, undefined, payload);
      },
      rest: (peer) => table.rest(peer),
    });
    this.links = new LinkService(world, table, this.targets, events, this.idle);
    this.loads = new SharedLoad(world, table);
    this.relay =
      options.relay === true || options.clientLinks === "refused"
        ? this.#relay(runtime)
        : undefined;
    if (options.clientLinks === "refused") this.#refuseClients(membership);
    this.#connectTable(membership);
    this.#connectInbound();
  }

  /** Clients are not linked to clients: who dials one is refused, and messages go over servers. */
  #refuseClients(membership: LateMembership): void {
    const { table, dialling, acceptor, relay } = this;
    const areClients = (id: NodeId) => membership()?.clients?.areClients(id) === true;
    dialling.avoids = (id) => !table.isLinkedDirectly(id) && areClients(id);
    // A newer start of a member is nobody's client yet: it may know nobody else.
    acceptor.isClient = ({ id, boot, channel }) =>
      channel === COORDINATION && membership()?.member(id)?.boot === boot && areClients(id);
    if (relay) relay.waysTo = (id) => membership()?.clients?.waysTo(id) ?? [];
  }

  #worldOf(options: OverlayOptions, runtime: Runtime, preset: World["preset"]): World {
    const self = identityOf(options, runtime);
    return {
      self,
      clock: runtime.clock,
      random: runtime.random.fork("overlay"),
      logger: runtime.logger.child({ node: self.name }),
      codec: boundedCodec(createCodec(), FLOW.messageBytesMax),
      metrics: new OverlayMetrics(runtime.meter),
      preset,
      budget: new WindowBudget(preset.budgetBytesMax),
      ...frameSizesOf(this.transport),
    };
  }

  #websockets(options: OverlayOptions, { logger }: Runtime): WebSocketTransport {
    const { tls } = this.security;
    return websocketTransport({
      strangerBytesMax: HANDSHAKE.strangerBytesMax,
      ...(tls && { tls }),
      ...(options.advertise !== undefined && { advertise: options.advertise }),
      logger,
      onLimit: (limit) => this.refusals.limitReached(limit),
      onRefused: ({ code, direction, remote, by, reason }) =>
        this.refusals.note(code, direction, remote, { by, reason }),
    });
  }

  #relay({ meter }: Runtime): RelayService {
    const accept = (connection: Connection) => this.acceptor.accept(connection, true);
    const relay = new RelayService(this.world, this.table, meter, accept);
    this.dialling.relay = relay;
    this.events.on((event) => {
      if (event.type === "link-up") relay.linkUp(event.id);
      if (event.type === "link-down") relay.linkDown(event.id);
    });
    return relay;
  }

  /** What the links tell. */
  #connectTable(membership: LateMembership): void {
    const { table, inbound, requests, acked, streams, relay } = this;
    table.collaborators = {
      opener: this.opener,
      memberOf: (id) => membership()?.member(id),
      linked: ({ id, boot, address }) => {
        this.#admission.linked(id, boot);
        this.targets.linked(id, address);
      },
      owner: {
        receive: (link, frame) => inbound.receive(link, frame),
        lost: (link) => {
          requests.onLost(link);
          if (link.channel === RELAY_CHANNEL) relay?.linkDown(link.peer.id);
          if (link.isClosed) acked.onEnded(link);
          inbound.requests.dropCalls(link);
          streams.inbound.onLost(link);
        },
        resumed: (link) => streams.inbound.onResumed(link),
        dropping: (link) => {
          if (link.channel === RELAY_CHANNEL) relay?.linkDown(link.peer.id);
          requests.onDropping(link);
          acked.onDropping(link);
          if (link.isClosed) acked.onEnded(link);
        },
      },
    };
    // Nothing can be written to a member whose port is closed: whoever waits for it is told at once.
    this.events.on((event) => {
      if (event.type === "dial-refused" && event.id !== undefined) table.failWaiting(event.id);
      if (event.type !== "link-down") return;
      this.loads.linkDown(event.id);
      const peer = table.peer(event.id);
      if (peer !== undefined) this.idle.linkDown(peer, event.reason === "closed");
    });
  }

  /** Where what was received goes. */
  #connectInbound(): void {
    const { table, inbound, requests, acked, relay, groups, links, idle, world } = this;
    inbound.sink = {
      reply: (peer, requestId, payload) => requests.onReply(peer, requestId, payload),
      failure: (peer, requestId, payload) => requests.onFailure(peer, requestId, payload),
      acked: (peer, reader) => {
        if (reader.type === MessageType.reply) acked.onReply(peer, reader.requestId);
        else acked.onFailure(peer, reader.requestId, reader.payload());
      },
      relay: (link, payload) => relay?.received(link.peer.id, payload),
      gossip: (link, payload) => groups.received(link, payload),
      membership: (link, message) => links.received(link, message),
      control: (link, message) => {
        const routing = controlFieldOf(message, "routing");
        if (routing !== undefined) return relay?.asked(link.peer.id, routing);
        const load = controlFieldOf(message, "load");
        if (load !== undefined) return this.loads.received(link.peer.id, load);
        const rest = controlFieldOf(message, "rest");
        if (rest !== undefined) return idle.received(link.peer, rest);
        const request = parseOpenRequest(message);
        if (request === undefined) world.metrics.dropped("unknown-type");
        else table.openRequested(link.peer, request.channel, request.lane);
      },
    };
  }
}
