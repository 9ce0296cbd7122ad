/**
 * wireByHand: a node put together from the packages as their standalone use shows it, without startCluster, and a
 * replicated map on the same links, which the cluster's handle does not offer.
 */
import { createKernel, loadIdentity, type Member } from "@foundation/core";
import { createDiscovery } from "@foundation/discovery";
import type { Cluster, ClusterInfo } from "@foundation/foundation";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { createPubSub } from "@foundation/pubsub";
import { createRegistry, type Registry } from "@foundation/registry";
import type { SimulatedHost } from "@foundation/testkit";
import { channelList } from "./channel-names.js";
import { overlayChannels, type ChannelPort } from "./channel-port.js";
import type { Vertex } from "./graph-flaws.js";
import { stampedMap, type StampedMap } from "./stamped-map.js";
import type { TopologyMode } from "./swarm.js";

/** What a simulated node needs of its cluster. */
export type StackCluster = Pick<
  Cluster,
  "self" | "nodes" | "startProcess" | "process" | "registry" | "pubsub" | "drain" | "leave"
> & { info(): Pick<ClusterInfo, "processes"> };

/** A change of the membership, as both kinds of nodes tell it. */
export type Follow = (listener: (type: string, node: Member) => void) => void;

export interface Wired {
  readonly cluster: StackCluster;
  readonly follow: Follow;
  readonly channels: ChannelPort;
  switchTopology(to: TopologyMode): void;
  /** How it is linked, and to whom broadcasts pass from it. */
  graph(): Promise<Pick<Vertex, "topology" | "neighbours">>;
  readonly map?: StampedMap;
  /** The cluster's children as this node knows them; startCluster's handle shows only their number. */
  readonly children?: () => readonly string[];
  /** How much its tables hold. */
  readonly tables?: () => Readonly<Record<string, number>>;
}

export interface WireOptions {
  readonly cluster: string;
  readonly secret: string;
  readonly port: number;
  readonly topology: TopologyMode;
}

/** How long a leaving node may hand over, and say farewell. */
const DRAIN_MS = 5_000;

export async function wireByHand(host: SimulatedHost, options: WireOptions): Promise<Wired> {
  const { runtime, name } = host;
  const overlay = await createOverlay({
    ...options,
    identity: { ...(await loadIdentity(runtime)), name },
    channels: channelList,
    runtime,
  });
  const { messenger, membership, broadcast } = overlay;
  const { id, boot } = membership.self;
  const kernel = createKernel({ node: id, boot, runtime });
  const ports = { messenger, membership, broadcast, runtime };
  const registry = createRegistry({ ...ports, kernel });
  const pubsub = createPubSub(ports);
  const map = stampedMap(ports);
  const discovery = createDiscovery({
    strategies: [host.discovery],
    cluster: options.cluster,
    self: { id, address: overlay.address, name },
    onPeers: (peers) => overlay.dial(peers.map(({ address }) => address)),
    firstRound: "1s",
    runtime,
  });
  let leaving: Promise<void> | undefined;
  const drain = async () => {
    overlay.drain();
    await registry.drain({ timeout: DRAIN_MS });
  };
  const leave = async () => {
    await drain();
    await discovery.close();
    await registry.close();
    await overlay.leave();
    await map.close();
    await pubsub.close();
    await kernel.close();
  };
  const cluster: StackCluster = {
    get self() {
      return membership.self;
    },
    nodes: () => membership.members(),
    startProcess: (definition, ...parameters) => registry.startProcess(definition, ...parameters),
    process: (definition, of) => registry.process(definition, of),
    registry,
    pubsub,
    info: () => ({ processes: processesOf(registry) }),
    drain,
    leave: () => (leaving ??= leave()),
  };
  return {
    cluster,
    map,
    follow: followOf(overlay),
    channels: overlayChannels(overlay),
    switchTopology: (to) => overlay.switchTopology(to),
    graph: async () => ({ topology: overlay.topology, neighbours: overlay.neighbours() }),
    children: () => registry.children().map((child) => JSON.stringify(child)),
    tables: () => ({
      pendingCalls: registry.info().pendingCalls,
      names: registry.info().names,
      subscriptions: pubsub.info().subscriptions,
    }),
  };
}

function processesOf(registry: Registry): ClusterInfo["processes"] {
  const { processes, children } = registry.info();
  return { here: processes, distributed: children.running, failed: children.failed };
}

function followOf({ membership }: Overlay): Follow {
  return (listener) => {
    membership.subscribe(({ type, node }) => listener(type, node));
    for (const node of membership.members()) listener("node-up", node);
  };
}
