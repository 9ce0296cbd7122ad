/**
 * assemble: the one place where the parts meet. It makes each with what it needs, in order; the stack takes them down in
 * reverse.
 *
 * Nothing is decided here: each part is usable alone, and this file only says how they fit.
 */
import type { Caches } from "@foundation/cache";
import {
  createKernel,
  loadProbe,
  openDataDirectory,
  type DiscoveryStrategy,
  type DisposalStack,
  type Kernel,
  type KeyRing,
  type LogLevel,
  type Peer,
  type Runtime,
} from "@foundation/core";
import { createState, type ReplicatedState } from "@foundation/crdt";
import { createDiscovery, strategyByName, type Discovery } from "@foundation/discovery";
import type { ChannelOptions, Overlay } from "@foundation/overlay";
import { createPubSub, type PubSub } from "@foundation/pubsub";
import type { Registry } from "@foundation/registry";
import { Channels } from "../channels/channels.js";
import type { LoadedConfig } from "../config/load-config.js";
import { ClusterConsensus } from "../consensus/cluster-consensus.js";
import { isEncrypted } from "../config/security-rules.js";
import { foundationErrors } from "../errors.js";
import type { SelfDescription } from "../health/inspection.js";
import { StuckLinks } from "../health/stuck-links.js";
import { limits } from "../limits.js";
import { clusterCaches } from "./cluster-caches.js";
import { ClusterDocuments } from "./cluster-documents.js";
import { clusterRegistry } from "./cluster-registry.js";
import { vitalsSubject } from "./collect-vitals.js";
import { describeSelf, descriptionSubject } from "./inspect.js";
import { liveConfig, type Carrier, type Carriers, type LiveConfig } from "./live-config.js";
import { LoadedMembers } from "./loaded-members.js";
import { keyRingOf, openOverlay } from "./open-overlay.js";
import { repeat } from "./repeat.js";
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
  readonly channels: Channels;
  readonly registry: Registry;
  readonly pubsub: PubSub;
  readonly state: ReplicatedState;
  readonly caches: Caches;
  readonly documents: ClusterDocuments;
  readonly consensus: ClusterConsensus;
  readonly vitals: Vitals;
  readonly members: LoadedMembers;
  /** What this node says of itself. */
  readonly describe: () => SelfDescription;
  readonly stuckLinks: StuckLinks;
  /** Fires when the handle is closed: ends what the handle gave out. */
  readonly closed: AbortSignal;
  /** Publishes through discovery, where the backend can carry it, that newcomers had better dial others. */
  announceDraining(): void;
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
  const draining = new AbortController();
  const { runtime, releaseData } = await withStorage(config, outside.runtime, stack);
  const strategy = strategyOf(config, runtime);
  const ring = await keyRingOf(config, runtime);
  const overlay = stack.use(await openOverlay(config, ring, runtime));
  const { messenger, membership, broadcast } = overlay;
  const { id, boot, name } = membership.self;
  const channels = new Channels({
    messenger,
    membership,
    clock: runtime.clock,
    links: () => overlay.links(),
    configured: values.overlay.channels as readonly ChannelOptions[],
    configure: (options) => overlay.configureChannel(options),
  });
  stack.defer(() => channels.close());
  const kernel = createKernel({ node: id, boot, runtime });
  stack.defer(() => kernel.close());

  const ports = { messenger, membership, broadcast, runtime };
  const consensus = new ClusterConsensus({ config, overlay, runtime });
  stack.defer(() => consensus.close());
  const registry = stack.use(clusterRegistry(ports, config, kernel, overlay, consensus));
  const pubsub = stack.use(createPubSub(ports));
  const state = stack.use(createState(ports));
  const caches = stack.use(clusterCaches(ports, () => consensus.recipes.kv));
  const documents = new ClusterDocuments(ports);
  stack.defer(() => documents.close());
  const vitals = stack.use(createVitals({ runtime, kernel, dropped: () => pubsub.info().dropped }));
  const stuckLinks = new StuckLinks();
  const lookAtLinks = () => stuckLinks.sample(runtime.clock.now(), overlay.links());
  stack.defer(repeat(runtime.clock, limits.linkSampleMs, lookAtLinks));
  stack.defer(messenger.handle(vitalsSubject, () => vitals.read()));
  const probe = loadProbe(runtime);
  let load = probe();
  const lookAtLoad = () => overlay.shareLoad((load = probe()));
  stack.defer(repeat(runtime.clock, limits.loadSampleMs, lookAtLoad));
  const describe = () => describeSelf(overlay, vitals, load);
  stack.defer(messenger.handle(descriptionSubject, describe));
  const discovery = stack.use(
    createDiscovery({
      strategies: [strategy],
      cluster: values.name,
      self: { id, address: overlay.address, name, listensOn: listensOn(values) },
      secrets: () => (ring?.secrets ?? []).map((secret) => secret.reveal()),
      draining: draining.signal,
      isAlive: ({ address }) => isAlive(overlay, address),
      onPeers: (peers) => overlay.dial(toDial(peers)),
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
    channels,
    registry,
    pubsub,
    state,
    caches,
    documents,
    consensus,
    vitals,
    members: new LoadedMembers(membership, (member) => overlay.loadOf(member)),
    describe,
    stuckLinks,
    closed,
    announceDraining: () => draining.abort(),
    releaseData,
  };
}

/** The failure detector's word: a backend that misses who is alive is wrong, or late. */
function isAlive({ membership }: Overlay, address: string): boolean {
  return membership.members().some((member) => member.address === address);
}

/** Who is about to leave is dialled only where nobody else is. */
function toDial(peers: readonly Peer[]): readonly string[] {
  const staying = peers.filter((peer) => peer.draining !== true);
  return (staying.length > 0 ? staying : peers).map(({ address }) => address);
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

function strategyOf({ values }: LoadedConfig, { host }: Runtime): DiscoveryStrategy {
  if (typeof values.cluster !== "string") return values.cluster;
  // Files and addresses of this machine lead to no simulated node, whatever the application names.
  if (host !== undefined) return host.discovery;
  if (values.cluster !== "static") return strategyByName(values.cluster);
  if (values.peers === undefined || values.peers.length === 0) {
    throw foundationErrors.ERR_PEERS_REQUIRED(
      'The strategy "static" needs the addresses of peers: set `peers: ["host:port"]` in the options or the config ' +
        "file, or FOUNDATION_PEERS=host:port,host:port",
      {},
    );
  }
  // A bare host:port is dialled as this node itself is.
  const scheme = isEncrypted(values) ? "wss" : "ws";
  const addresses = values.peers.map((peer) =>
    peer.includes("://") ? peer : `${scheme}://${peer}`,
  );
  return strategyByName("static", { addresses });
}

/** An address that its operator names stands for the node everywhere, whatever interfaces the machine has. */
function listensOn({ overlay }: LoadedConfig["values"]): string | undefined {
  return overlay.advertise === undefined ? overlay.host : undefined;
}
