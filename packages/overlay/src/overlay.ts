/** Overlay: the handle of one node, as applications and the layers above know it. */
import type {
  Broadcast,
  Duration,
  Member,
  Membership,
  Messenger,
  NodeId,
  NodeLoad,
} from "@foundation/core";
import type { ChannelOptions } from "./channel-options.js";
import type { PartitionEvent } from "./membership/partitions.js";
import type { MembershipHandle } from "./membership/membership-shell.js";
import type { PeerExplanation } from "./protocol/membership/explanation.js";
import type { TopologyCapabilities, TopologyFeature } from "./protocol/switching/capabilities.js";
import type { TopologyMode, TopologyName } from "./protocol/switching/topologies.js";
import type { PingOptions } from "./runtime/link-ping.js";
import type { LinkStats } from "./runtime/link-stats.js";
import type { RefusalCount } from "./runtime/refusals.js";

/** Told of a topology that has taken another one's place. */
export type TopologyListener = (change: {
  readonly from: TopologyName;
  readonly to: TopologyName;
}) => void;

/** One node of a cluster. */
export interface Overlay extends AsyncDisposable {
  readonly self: Member;
  /** What peers dial, with the real port. */
  readonly address: string;
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
  /**
   * Addresses where peers may be, e.g. from discovery; replaces those given before. Each that
   * belongs to no member is dialled, with backoff and jitter, until a member answers there.
   */
  dial(addresses: readonly string[]): void;
  /** Handshakes that were refused, by code and direction: why a node does not join. */
  refusals(): readonly RefusalCount[];
  /** The failure detector's view, for health. */
  observe(): ReturnType<MembershipHandle["observe"]>;
  /**
   * Decides what a channel promises, before it is first used; the same options again change
   * nothing. @throws {ERR_INVALID_ARGUMENT} for a bad option, or when it is too late
   */
  configureChannel(options: ChannelOptions): void;
  /** What each link has carried and what holds it up. */
  links(): readonly LinkStats[];
  /**
   * Asks a member for a sign of life on a link that is up, `coordination` by default, and measures
   * the round trip. The payload, of at most 4 KiB, comes back. @default timeout "1s"
   * @throws {ERR_NODE_UNREACHABLE} there is no such link @throws {ERR_TIMEOUT} no answer came
   * @throws {ERR_QUEUE_FULL} more than 500 in a second over one link: its peer would close it
   */
  ping(to: NodeId, options?: PingOptions): Promise<{ readonly roundTripMs: number }>;
  /** How this node is linked to the others now. */
  readonly topology: TopologyName;
  /** What this topology can do, and what it honestly cannot, with the reason and a way out. */
  readonly capabilities: TopologyCapabilities;
  /**
   * Does nothing where the topology of now has the feature. Of "auto", and of a topology switched by hand, it says
   * nothing of the next one: call it again from `onTopology`.
   * @throws {ERR_NOT_SUPPORTED} with why, and what to do instead @throws {ERR_INVALID_ARGUMENT} there is no such feature
   */
  requireFeature(feature: TopologyFeature): void;
  /**
   * Changes how the cluster is linked, while it runs: to a topology it stays with, or back to "auto". Each
   * node opens what it needs before it closes what it no longer needs, and nothing accepted is lost.
   * Nodes that are cut off follow when they are back. @throws {ERR_INVALID_ARGUMENT} there is no such topology
   */
  switchTopology(to: TopologyMode): void;
  /** Calls `listener` whenever this node's topology is another one; returns the function that ends it. */
  onTopology(listener: TopologyListener): () => void;
  /**
   * Calls `listener` when a part of the cluster is gone at once, and when it is back; returns the function that ends
   * it. What is told of each node comes before.
   */
  onPartition(listener: (event: PartitionEvent) => void): () => void;
  /** What this node knows of another one and its link to it, and why it is so. */
  explain(id: NodeId): PeerExplanation;
  /** Those to whom broadcasts pass from here: everybody with a link, or a handful. */
  neighbours(): readonly NodeId[];
  /**
   * Says how busy this node is, to those it is linked to, where the cluster has at most 100 members and it has
   * changed by a tenth. To be called every few seconds.
   */
  shareLoad(load: NodeLoad): void;
  /** What a member said last of how busy it is; undefined: it has not told this node. */
  loadOf(id: NodeId): NodeLoad | undefined;
  /** Tells everybody that this node takes no new work. */
  drain(): void;
  /**
   * Writes what is queued, tells everybody, then closes; ends when every connection has ended, or
   * by its timeout, a few tenths of a second later at most. Idempotent. @default timeout "5s"
   */
  leave(options?: { readonly timeout?: Duration }): Promise<void>;
  /** Closes without a farewell: to the others this node fails. Idempotent. */
  close(): Promise<void>;
}
