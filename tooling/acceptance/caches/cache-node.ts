/**
 * CacheNode: one simulated node with the caches of its world open, made by startCluster as users have it, or by hand from
 * the packages, which is faster and lets the world see what moves between nodes.
 */
import { createCaches, type Cache, type CacheOptions } from "@foundation/cache";
import { loadIdentity, type Member } from "@foundation/core";
import { createDiscovery } from "@foundation/discovery";
import { startCluster } from "@foundation/foundation";
import { createOverlay } from "@foundation/overlay";
import type { SimulatedHost, SimulatedNode, Simulator } from "@foundation/testkit";
import type { CachePlan } from "./cache-plan.js";
import type { EpochShelf } from "./epoch-shelf.js";
import { tapped, type MoveMeter } from "./move-meter.js";

export interface CacheNode {
  readonly name: string;
  /** Names this start. */
  readonly start: string;
  readonly self: Member;
  nodes(): readonly Member[];
  /** By name; those that this node has opened. */
  readonly caches: ReadonlyMap<string, Cache<string>>;
  sleep(ms: number): Promise<void>;
  leave(): Promise<void>;
}

export type Sim = Simulator<CacheNode>;
export type Node = SimulatedNode<CacheNode>;

/** How the nodes of a world are made. */
export interface NodesPlan {
  readonly names: readonly string[];
  readonly byHand: boolean;
  readonly caches: readonly CachePlan[];
}

/** What nodes wired by hand find outside of them. */
export interface Outside {
  readonly shelf: EpochShelf;
  readonly meter: MoveMeter;
}

const CLUSTER = "hunt";
const SECRET = "a secret for simulations only";
const VOTERS = 3;
/** The node's simulated disk, whatever it is called. */
const DATA_DIR = "data";

/** What is open on a node, whoever made it. */
interface Made {
  readonly self: Member;
  nodes(): readonly Member[];
  open(name: string, options: CacheOptions): Cache<string>;
  leave(): Promise<void>;
}

/** What runs on each node at each start. */
export async function cacheNode(
  host: SimulatedHost,
  plan: NodesPlan,
  outside: Outside,
): Promise<CacheNode> {
  const { name, boot, runtime } = host;
  const made = plan.byHand ? await byHand(host, outside) : await whole(host, plan);
  const caches = new Map<string, Cache<string>>();
  for (const { name: cache, options, on } of plan.caches) {
    if (on.includes(name)) caches.set(cache, made.open(cache, options));
  }
  return {
    ...{ name, start: `${name}#${boot}`, self: made.self, caches },
    nodes: () => made.nodes(),
    sleep: (ms) => runtime.clock.sleep(ms),
    leave: () => made.leave(),
  };
}

async function whole(
  { name, discovery, runtime }: SimulatedHost,
  { names }: NodesPlan,
): Promise<Made> {
  const cluster = await startCluster({
    name: CLUSTER,
    cluster: discovery,
    node: { name },
    security: { secret: SECRET },
    signals: false,
    consensus: { voters: names.slice(0, VOTERS) },
    dataDir: DATA_DIR,
    runtime,
  });
  return {
    self: cluster.self,
    nodes: () => cluster.nodes(),
    open: (cache, options) => cluster.cache<string>(cache, options),
    leave: () => cluster.leave(),
  };
}

async function byHand(
  { name, runtime, discovery: strategy }: SimulatedHost,
  { shelf, meter }: Outside,
): Promise<Made> {
  const identity = { ...(await loadIdentity(runtime)), name };
  const overlay = await createOverlay({ cluster: CLUSTER, secret: SECRET, identity, runtime });
  const { messenger, membership, broadcast } = overlay;
  const { id } = membership.self;
  const caches = createCaches({
    ...{ membership, broadcast, runtime },
    messenger: tapped(messenger, id, meter),
    epochs: (cache) => shelf.storeOf(name, cache, runtime.clock),
  });
  const discovery = createDiscovery({
    strategies: [strategy],
    cluster: CLUSTER,
    self: { id, address: overlay.address, name },
    onPeers: (peers) => overlay.dial(peers.map(({ address }) => address)),
    firstRound: "1s",
    runtime,
  });
  const leave = async () => {
    overlay.drain();
    await discovery.close();
    await caches.close();
    await overlay.leave();
  };
  return {
    self: membership.self,
    nodes: () => membership.members(),
    open: (cache, options) => caches.open<string>(cache, options),
    leave,
  };
}
