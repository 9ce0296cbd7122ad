/**
 * assemble: the one place where the parts meet. It makes each with what it needs, in order; the stack takes them down in
 * reverse.
 *
 * Nothing is decided here: each part is usable alone, and this file only says how they fit.
 */
import { hostname } from "node:os";
import {
  createKernel,
  createKeyRing,
  loadIdentity,
  openDataDirectory,
  parseDuration,
  type DiscoveryStrategy,
  type DisposalStack,
  type Kernel,
  type KeyRing,
  type LogLevel,
  type Runtime,
} from "@foundation/core";
import {
  createDiscovery,
  local,
  staticList,
  userSecret,
  type Discovery,
} from "@foundation/discovery";
import { createOverlay, type Overlay, type OverlayOptions } from "@foundation/overlay";
import { createPubSub, type PubSub } from "@foundation/pubsub";
import { createRegistry, type Registry } from "@foundation/registry";
import type { LoadedConfig } from "../config/load-config.js";
import { foundationErrors } from "../errors.js";
import { limits } from "../limits.js";
import { vitalsSubject } from "./collect-vitals.js";
import { liveConfig, type Carrier, type Carriers, type LiveConfig } from "./live-config.js";
import { repeatNotice } from "./repeat-notice.js";
import { createVitals, type Vitals } from "./vitals.js";

/** What the parts are given of the world around them. */
export interface Outside {
  readonly runtime: Runtime;
  /** Absent when the logger is the application's own. */
  readonly setLevel?: (level: LogLevel) => void;
}

/** A node's parts, as the handle uses them. */
export interface ClusterParts {
  readonly config: LiveConfig;
  /** What of the configuration may change while the node runs. */
  readonly carriers: Carriers;
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
  outside: Outside,
  stack: DisposalStack,
): Promise<ClusterParts> {
  const { values } = config;
  const lifetime = new AbortController();
  stack.defer(() => lifetime.abort());
  const { runtime, releaseData } = await withStorage(config, outside.runtime, stack);
  const strategy = strategyOf(config, runtime);
  const ring = await keyRingOf(config, runtime);
  const overlay = stack.use(await openOverlay(config, ring, runtime));
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
  const live = liveConfig(config);
  if (values.security.insecure !== undefined) {
    stack.defer(repeatNotice(runtime, limits.insecureNoticeMs, () => live.insecureNotice));
  }
  return {
    config: live,
    carriers: carriersOf(ring, outside.setLevel),
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

async function openOverlay(
  config: LoadedConfig,
  ring: KeyRing | undefined,
  runtime: Runtime,
): Promise<Overlay> {
  const { values, tls } = config;
  const { roles, labels, name = defaultNodeName(values.name) } = values.node;
  return createOverlay({
    cluster: values.name,
    ...(ring && { secret: ring }),
    ...(tls && { tls }),
    identity: { ...(await loadIdentity(runtime)), name },
    ...overlaySettings(values.overlay),
    roles,
    labels,
    runtime,
  });
}

/** What is not set is left to the overlay: its defaults depend on where it listens. */
function overlaySettings(overlay: LoadedConfig["values"]["overlay"]): OverlaySettings {
  const set = Object.entries(overlay).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set) as OverlaySettings;
}

type OverlaySettings = Pick<OverlayOptions, "host" | "port" | "channels">;

/** Whoever brings an authentication of its own needs no secret, and the user's is not touched for it. */
async function keyRingOf(
  { values: { security }, tls }: LoadedConfig,
  { authentication }: Runtime,
): Promise<KeyRing | undefined> {
  if (security.secret !== undefined) return createKeyRing(security.secret);
  if (authentication !== undefined) return undefined;
  // Certificates are the proof; the secret of one machine's user would keep the other machines out.
  if (typeof tls === "object") return undefined;
  return createKeyRing(await userSecret());
}

/** A key ring acts on the next handshake, a level on the next line, a timeout when the node leaves. */
function carriersOf(ring: KeyRing | undefined, setLevel: Outside["setLevel"]): Carriers {
  const carriers = new Map<string, Carrier>([["shutdown.timeout", () => {}]]);
  if (setLevel !== undefined) carriers.set("log.level", ({ values }) => setLevel(values.log.level));
  if (ring !== undefined) {
    carriers.set("security.secret", ({ values: { security } }) => {
      if (security.secret !== undefined) ring.replace(security.secret);
    });
  }
  return carriers;
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
