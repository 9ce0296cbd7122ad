/**
 * ProcessNode: one simulated node of the hunt, made by startCluster as users have it, or by hand from the packages, which
 * lets nodes define different processes.
 */
import { createNameStore } from "@foundation/consensus";
import type { Engine } from "@foundation/consensus/recipes";
import { createKernel, loadIdentity, type ProcessDefinition } from "@foundation/core";
import { createDiscovery } from "@foundation/discovery";
import { startCluster, type Cluster } from "@foundation/foundation";
import { createOverlay } from "@foundation/overlay";
import { createRegistry } from "@foundation/registry";
import type { SimulatedHost, SimulatedNode, Simulator } from "@foundation/testkit";
import { QuorumEngine } from "./quorum-engine.js";
import { common, merger, rare, saver, sole, worker } from "./subjects.js";

/** What the hunt does with a node. */
export type Face = Pick<
  Cluster,
  | "self"
  | "nodes"
  | "startProcess"
  | "process"
  | "migrate"
  | "supervise"
  | "supervisor"
  | "groups"
  | "rebalance"
  | "drain"
  | "leave"
> & {
  readonly registry: Pick<Cluster["registry"], "register" | "unregister" | "lookup" | "lookupAll">;
  /** Processes that run here. */
  here(): number;
  /** Their names, where they can be seen. */
  readonly labels?: () => readonly string[];
  /** Children that were given up, as this node knows. */
  failed(): number;
};

export type Sim = Simulator<ProcessNode>;
export type Node = SimulatedNode<ProcessNode>;

export interface ProcessNode {
  readonly face: Face;
  readonly name: string;
  /** Names this start. */
  readonly start: string;
  readonly definesRare: boolean;
}

/** How the nodes of a world are made. */
export interface NodePlan {
  readonly names: readonly string[];
  readonly byHand: boolean;
  /** The first nodes vote, and names are kept by real consensus; only where nodes are not wired by hand. */
  readonly hasVoters: boolean;
  /** Nodes that define all there is; the others lack one. */
  readonly rareOn: readonly string[];
}

/** What nodes wired by hand find outside of them. */
export interface Outside {
  readonly store: Engine;
  readonly reaches: (name: string) => boolean;
}

const CLUSTER = "hunt";
const LEASE_TTL = "3s";
/** The node's simulated disk, whatever it is called. */
const DATA_DIR = "data";
const VOTERS = 3;
/** Longer than one side may need to notice the cut after the other. */
const QUORUM_GRACE_MS = 4_000;
const SECRET = "a secret for simulations only";
/** How long a leaving node may hand over. */
const DRAIN_MS = 10_000;

/** What runs on each node at each start. */
export async function processNode(
  host: SimulatedHost,
  plan: NodePlan,
  outside: Outside,
): Promise<ProcessNode> {
  const { name, boot } = host;
  const definesRare = !plan.byHand || plan.rareOn.includes(name);
  const face = plan.byHand
    ? await byHand(host, definesRare, plan, outside)
    : await whole(host, plan);
  return { face, name, start: `${name}#${boot}`, definesRare };
}

async function whole(
  { name, discovery, runtime }: SimulatedHost,
  { names, hasVoters }: NodePlan,
): Promise<Face> {
  const cluster = await startCluster({
    name: CLUSTER,
    cluster: discovery,
    node: { name },
    security: { secret: SECRET },
    signals: false,
    ...(hasVoters && {
      consensus: { voters: votersOf(names) },
      processes: { leaseTtl: LEASE_TTL },
      dataDir: DATA_DIR,
    }),
    runtime,
  });
  return {
    get self() {
      return cluster.self;
    },
    nodes: () => cluster.nodes(),
    startProcess: (definition, ...parameters) => cluster.startProcess(definition, ...parameters),
    process: (definition, of) => cluster.process(definition, of),
    migrate: (of, where) => cluster.migrate(of, where),
    supervise: (of, options) => cluster.supervise(of, options),
    supervisor: (of) => cluster.supervisor(of),
    groups: cluster.groups,
    rebalance: (options) => cluster.rebalance(options),
    registry: cluster.registry,
    drain: () => cluster.drain(),
    leave: () => cluster.leave(),
    here: () => cluster.info().processes.here,
    failed: () => cluster.info().processes.failed,
  };
}

async function byHand(
  { name, runtime, discovery: strategy }: SimulatedHost,
  definesRare: boolean,
  plan: NodePlan,
  { store, reaches }: Outside,
): Promise<Face> {
  const identity = { ...(await loadIdentity(runtime)), name };
  const overlay = await createOverlay({ cluster: CLUSTER, secret: SECRET, identity, runtime });
  const { messenger, membership, broadcast } = overlay;
  const { id, boot } = membership.self;
  const kernel = createKernel({ node: id, boot, runtime });
  const ports = { messenger, membership, broadcast, runtime };
  const definitions = definitionsOf([
    ...[common, sole, saver, merger, worker],
    ...(definesRare ? [rare] : []),
  ]);
  const engine = new QuorumEngine({ store, clock: runtime.clock, reaches: () => reaches(name) });
  const names = createNameStore(engine, { client: name, runtime });
  const registry = createRegistry({
    ...ports,
    kernel,
    definitions,
    nameStore: names,
    leaseTtl: LEASE_TTL,
    expect: plan.names,
    limits: { quorumGraceMs: QUORUM_GRACE_MS },
  });
  const discovery = createDiscovery({
    strategies: [strategy],
    cluster: CLUSTER,
    self: { id, address: overlay.address, name },
    onPeers: (peers) => overlay.dial(peers.map(({ address }) => address)),
    firstRound: "1s",
    runtime,
  });
  const drain = async () => {
    overlay.drain();
    await registry.drain({ timeout: DRAIN_MS });
  };
  const leave = async () => {
    await drain().catch(() => undefined);
    await discovery.close();
    await registry.close();
    await names.close();
    await overlay.leave();
    await kernel.close();
  };
  return {
    get self() {
      return membership.self;
    },
    nodes: () => membership.members(),
    startProcess: (definition, ...parameters) => registry.startProcess(definition, ...parameters),
    process: (definition, of) => registry.process(definition, of),
    migrate: (of, where) => registry.migrate(of, where),
    supervise: (of, options) => registry.supervise(of, options),
    supervisor: (of) => registry.supervisor(of),
    groups: registry.groups,
    rebalance: (options) => registry.rebalance(options),
    registry,
    drain,
    leave,
    here: () => registry.info().processes,
    labels: () => kernel.list().map(({ label = "?" }) => label),
    failed: () => registry.info().children.failed,
  };
}

/** Names of the nodes that vote. */
export function votersOf(names: readonly string[]): readonly string[] {
  return names.slice(0, VOTERS);
}

function definitionsOf(all: readonly ProcessDefinition[]) {
  const byName = new Map(all.map((each) => [each.name, each]));
  return {
    get: (name: string) => byName.get(name),
    names: () => [...byName.keys()],
    onDefined: () => () => {},
  };
}

/** A start of a node, for people and for the books. */
export function startOf({ name, boots }: Node): string {
  return `${name}#${boots}`;
}
