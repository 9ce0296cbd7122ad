/** OverlayNode: the handle of one node: its parts, its membership and what its listeners are told. */
import {
  nodeRuntime,
  parseDuration,
  type Duration,
  type Listener,
  type Member,
  type MembershipEvent,
  type NodeId,
  type NodeLoad,
  type Runtime,
} from "@foundation/core";
import type { ChannelOptions } from "../channel-options.js";
import { createMembership, type MembershipHandle } from "../membership/membership-shell.js";
import { Partitions, type PartitionEvent } from "../membership/partitions.js";
import type { Overlay, TopologyListener } from "../overlay.js";
import { checkOptions, checkTopology, type OverlayOptions } from "../overlay-options.js";
import type { PeerExplanation } from "../protocol/membership/explanation.js";
import {
  capabilitiesOf,
  type TopologyCapabilities,
  type TopologyFeature,
} from "../protocol/switching/capabilities.js";
import type { TopologyMode, TopologyName } from "../protocol/switching/topologies.js";
import type { OverlayBroadcast } from "./broadcast.js";
import { closeParts, leave } from "./departure.js";
import { pingLink, type PingOptions } from "./link-ping.js";
import type { LinkStats } from "./link-stats.js";
import type { OverlayMessenger } from "./messenger.js";
import { OverlayParts } from "./overlay-parts.js";
import type { RefusalCount } from "./refusals.js";
import { requireFeature } from "./required-feature.js";

export class OverlayNode implements Overlay {
  readonly messenger: OverlayMessenger;
  readonly broadcast: OverlayBroadcast;
  readonly #options: OverlayOptions;
  readonly #runtime: Runtime;
  readonly #parts: OverlayParts;
  readonly #partitions: Partitions;
  readonly #topologyListeners = new Set<TopologyListener>();
  readonly #partitionListeners = new Set<(event: PartitionEvent) => void>();
  #membership: MembershipHandle | undefined;
  #listener: Listener | undefined;
  #addresses: readonly string[] = [];
  #closing: Promise<void> | undefined;
  #leaving: Promise<void> | undefined;

  constructor(options: OverlayOptions) {
    checkOptions(options);
    this.#options = options;
    this.#runtime = nodeRuntime(options.runtime);
    this.#parts = new OverlayParts(options, this.#runtime, () => this.#membership);
    this.messenger = this.#parts.messenger;
    this.broadcast = this.#parts.broadcast;
    const { clock, logger } = this.#parts.world;
    const members = () => this.membership.members().length;
    this.#partitions = new Partitions(clock, members, (event) => {
      const nodes = event.nodes.map(({ name }) => name);
      logger.warn("a part of the cluster is gone or back", { type: event.type, nodes });
      for (const listener of [...this.#partitionListeners]) listener(event);
    });
  }

  get membership(): MembershipHandle {
    return this.#membership as MembershipHandle;
  }

  get self(): Member {
    return this.membership.self;
  }

  get address(): string {
    return this.#parts.world.self.address;
  }

  async start(host: string, port: number): Promise<void> {
    const { world, security, handshakes, transport, acceptor, links } = this.#parts;
    handshakes.nodeKey = await security.nodeKey();
    this.#listener = await transport.listen({ host, port }, (connection) =>
      acceptor.accept(connection),
    );
    const { self, clock, random, logger } = world;
    self.address = this.#listener.address;
    const { roles = [], labels = {}, topology = "auto" } = this.#options;
    this.#membership = createMembership({
      self: { ...self, roles, labels },
      links,
      runtime: { clock, random, logger, meter: this.#runtime.meter },
      times: world.preset.membership,
      topology,
      onTopology: (from, to) => {
        this.broadcast.topologyChanged(from, to);
        for (const listener of [...this.#topologyListeners]) listener({ from, to });
      },
      onNeighbour: (id, isUp) => this.#parts.groups.neighbour(id, isUp),
    });
    this.#membership.subscribe((event) => this.#onMember(event));
    logger.info("the overlay listens", { address: self.address });
  }

  dial(addresses: readonly string[]): void {
    for (const address of this.#addresses) {
      if (!addresses.includes(address)) this.#parts.targets.forget(address);
    }
    this.#addresses = [...addresses];
    this.membership.discovered(this.#addresses);
  }

  refusals(): readonly RefusalCount[] {
    return this.#parts.refusals.list();
  }

  observe(): ReturnType<MembershipHandle["observe"]> {
    return this.membership.observe();
  }

  configureChannel(options: ChannelOptions): void {
    const known = this.#parts.channels.of(options.name);
    if (this.#parts.channels.configure(options) !== known)
      this.#parts.table.configured(options.name);
  }

  links(): readonly LinkStats[] {
    return this.#parts.table.links().map((link) => link.stats());
  }

  ping(to: NodeId, options: PingOptions = {}): Promise<{ readonly roundTripMs: number }> {
    return pingLink(this.#parts.table, this.#parts.world.clock, to, options);
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
    return capabilitiesOf(this.topology, this.#options.clientLinks);
  }

  shareLoad(load: NodeLoad): void {
    this.#parts.loads.share(load, this.membership.members().length);
  }

  loadOf(id: NodeId): NodeLoad | undefined {
    return this.#parts.loads.of(id);
  }

  requireFeature(feature: TopologyFeature): void {
    requireFeature(this.capabilities, feature);
  }

  neighbours(): readonly NodeId[] {
    return this.#parts.groups.neighbours;
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

  async #leave(timeoutMs: number): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    return leave(this.#parts, this.membership, timeoutMs, () => this.close());
  }

  async #close(): Promise<void> {
    await this.#membership?.close();
    this.#partitions.close();
    await Promise.all([closeParts(this.#parts), this.#listener?.close()]);
  }

  #onMember(event: MembershipEvent): void {
    const { table, groups, relay, loads } = this.#parts;
    const { id, boot } = event.node;
    if (event.type === "node-up") {
      table.becameMember(event.node);
      // Not when it was only suspected, and never was away.
      if (event.previous !== "suspect" && event.previous !== "draining") groups.joined(id, boot);
    }
    this.#partitions.onEvent(event);
    relay?.membersChanged(this.membership.members().length);
    if (event.type !== "node-down" && event.type !== "node-left") return;
    const peer = table.peer(id);
    if (peer?.boot === boot) {
      const reason = event.type === "node-left" ? "closed" : "lost";
      void table.remove(peer, { reason, detail: `${event.type} was told` });
    }
    groups.ended(id, boot);
    relay?.gone(id);
    loads.gone(id);
    // An address from discovery stays wanted, whoever comes back there.
    this.membership.discovered(this.#addresses);
  }
}
