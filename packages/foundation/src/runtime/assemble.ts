/**
 * assemble: the one place where the parts meet. It makes each with what it needs, in order; the stack takes them down in
 * reverse.
 *
 * Nothing is decided here: each part is usable alone, and this file only says how they fit.
 */
import { hostname } from "node:os";
import {
  createKernel,
  loadIdentity,
  openDataDirectory,
  parseDuration,
  type DiscoveryStrategy,
  type DisposalStack,
  type Kernel,
  type Runtime,
  type Secret,
} from "@foundation/core";
import {
  createDiscovery,
  local,
  staticList,
  userSecret,
  type Discovery,
} from "@foundation/discovery";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { createPubSub, type PubSub } from "@foundation/pubsub";
import { createRegistry, type Registry } from "@foundation/registry";
import type { LoadedConfig } from "../config/load-config.js";
import { foundationErrors } from "../errors.js";
import { limits } from "../limits.js";
import { vitalsSubject } from "./collect-vitals.js";
import { createVitals, type Vitals } from "./vitals.js";

/** A node's parts, as the handle uses them. */
export interface ClusterParts {
  readonly config: LoadedConfig;
  readonly strategy: DiscoveryStrategy;
  readonly runtime: Runtime;
  readonly overlay: Overlay;
  readonly discovery: Discovery;
  readonly kernel: Kernel;
  readonly registry: Registry;
  readonly pubsub: PubSub;
  readonly vitals: Vitals;
  /** Fires when the handle is closed: ends what the handle gave out. */
  readonly closed: AbortSignal;
  /** Gives the data directory back, where this node took one. Idempotent; closing does it too, as its last step. */
  releaseData(): Promise<void>;
}

export async function assemble(
  config: LoadedConfig,
  outside: Runtime,
  stack: DisposalStack,
): Promise<ClusterParts> {
  const { values } = config;
  const lifetime = new AbortController();
  stack.defer(() => lifetime.abort());
  const { runtime, releaseData } = await withStorage(config, outside, stack);
  const strategy = strategyOf(config, runtime);
  const overlay = stack.use(await openOverlay(config, runtime));
  const { messenger, membership, broadcast } = overlay;
  const { id, boot, name } = membership.self;
  const kernel = createKernel({ node: id, boot, runtime });
  stack.defer(() => kernel.close());

  const ports = { messenger, membership, broadcast, runtime };
  const { maxRestarts, within } = values.processes.supervisor;
  const restartsWithinMs = parseDuration(within, "processes.supervisor.within");
  const registryLimits = { restartsMax: maxRestarts, restartsWithinMs };
  const registry = stack.use(createRegistry({ ...ports, kernel, limits: registryLimits }));
  const pubsub = stack.use(createPubSub(ports));
  const vitals = stack.use(createVitals({ runtime, kernel, dropped: () => pubsub.info().dropped }));
  stack.defer(messenger.handle(vitalsSubject, () => vitals.read()));
  const discovery = stack.use(
    createDiscovery({
      strategies: [strategy],
      cluster: values.name,
      self: { id, address: overlay.address, name },
      onPeers: (peers) => overlay.dial(peers.map(({ address }) => address)),
      firstRound: limits.firstRoundMs,
      runtime,
    }),
  );
  const closed = lifetime.signal;
  return {
    config,
    strategy,
    runtime,
    overlay,
    discovery,
    kernel,
    registry,
    pubsub,
    vitals,
    closed,
    releaseData,
  };
}

async function withStorage(
  { values }: LoadedConfig,
  runtime: Runtime,
  stack: DisposalStack,
): Promise<Pick<ClusterParts, "runtime" | "releaseData">> {
  if (runtime.storage !== undefined || values.dataDir === undefined) {
    return { runtime, releaseData: async () => {} };
  }
  const storage = await openDataDirectory(values.dataDir);
  const releaseData = () => storage.close();
  stack.defer(releaseData);
  return { runtime: { ...runtime, storage }, releaseData };
}

async function openOverlay({ values }: LoadedConfig, runtime: Runtime): Promise<Overlay> {
  const { roles, labels, name = defaultNodeName(values.name) } = values.node;
  return createOverlay({
    cluster: values.name,
    ...(await secretOf(values, runtime)),
    identity: { ...(await loadIdentity(runtime)), name },
    ...values.overlay,
    roles,
    labels,
    runtime,
  });
}

/** Whoever brings an authentication of its own needs no secret, and the user's is not touched for it. */
async function secretOf(
  { security: { secret } }: LoadedConfig["values"],
  { authentication }: Runtime,
): Promise<{ readonly secret?: string | Secret }> {
  if (secret !== undefined) return { secret };
  return authentication === undefined ? { secret: await userSecret() } : {};
}

/** `app-host-pid`: for people. The application's name is the cluster's without scope and hash. */
function defaultNodeName(cluster: string): string {
  const app = cluster.replace(/^@[^/]*\//, "").replace(/-[0-9a-f]{8}$/, "");
  return `${app}-${hostname()}-${process.pid}`;
}

function strategyOf({ values }: LoadedConfig, { host }: Runtime): DiscoveryStrategy {
  if (typeof values.cluster !== "string") return values.cluster;
  // Files and addresses of this machine lead to no simulated node, whatever the application names.
  if (host !== undefined) return host.discovery;
  if (values.cluster === "local") return local();
  if (values.peers === undefined || values.peers.length === 0) {
    throw foundationErrors.ERR_PEERS_REQUIRED(
      'The strategy "static" needs the addresses of peers: set `peers: ["host:port"]` in the options or the config ' +
        "file, or FOUNDATION_PEERS=host:port,host:port",
      {},
    );
  }
  return staticList({ addresses: values.peers });
}
