/**
 * Cluster: the handle that `startCluster` gives. One interface, grouped as the documentation is.
 */
import type { Cache, CacheOptions } from "@foundation/cache";
import type {
  Barriers,
  ClusterConfig as AgreedConfig,
  Elections,
  Kv,
  Locks,
  Semaphores,
  Sequences,
} from "@foundation/consensus/recipes";
import type {
  Duration,
  Member,
  NodeId,
  ProcessDefinition,
  StartParameters,
} from "@foundation/core";
import type { ReplicatedState } from "@foundation/crdt";
import type { ExplainedValue } from "@foundation/core/config";
import type { StrategyReport } from "@foundation/discovery";
import type { LinkStats, TopologyMode, TopologyName } from "@foundation/overlay";
import type { PubSub } from "@foundation/pubsub";
import type {
  ClusterRef,
  Ecosystem,
  EcosystemOptions,
  Groups,
  LoadBalancer,
  MigrateOptions,
  Migration,
  Rebalancing,
  RebalanceOptions,
  Registry,
  SendByNameOptions,
  Services,
  StartOptions as ProcessStartOptions,
  SuperviseOptions,
  SupervisorRef,
  Workload,
} from "@foundation/registry";
import type { Channel, ChannelOptions } from "./channels/channel.js";
import type { ClusterEvent } from "./cluster-event.js";
import type { ClusterConfig } from "./config/cluster-config.js";
import type { NodeInspection } from "./health/inspection.js";
import type { HealthReport, HealthStatus } from "./health/report.js";
import type { DocsFace } from "./runtime/cluster-documents.js";
import type { WatchOptions } from "./runtime/watch.js";

/** Which members to list; every condition must hold. */
export interface NodeFilter {
  readonly role?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ReadyOptions {
  /** Members to wait for, this node included. @default 2 */
  readonly nodes?: number;
  /** @default "30s" */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

export interface InspectOptions {
  /** @default "1s" */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

/** A short description of the cluster as this node sees it now. */
export interface ClusterInfo {
  readonly name: string;
  readonly self: Member;
  readonly nodes: readonly Member[];
  /** How peers are found. */
  readonly strategy: string;
  /** How this node is linked to the others now. */
  readonly topology: TopologyName;
  /** From what this node knows by itself; `health()` asks everybody. */
  readonly health: HealthStatus;
  /** Who leads the voters by which the cluster agrees; undefined: nobody, or nobody this node has heard of. */
  readonly leader: Member | undefined;
  /** Supervised processes: of this node, and distributed ones of the whole cluster. */
  readonly processes: {
    readonly here: number;
    readonly distributed: number;
    /** Given up after too many restarts. */
    readonly failed: number;
  };
  /** Messages this node sent and received, a second, over the last five seconds. */
  readonly messageRate: number;
  /** This node's links: one for each lane of each channel to each node. */
  readonly links: {
    readonly up: number;
    /** Bytes that wait in this node, and how often and how long in all they waited for a receiver. */
    readonly queuedBytes: number;
    readonly stalls: number;
    readonly stalledMs: number;
    /** Each of them; those of one channel are in its `stats()` too. */
    readonly all: readonly LinkStats[];
  };
}

/** One node's view of its cluster. */
export interface Cluster extends AsyncDisposable {
  /** The cluster's name. */
  readonly name: string;
  /** This node. */
  readonly self: Member;
  /** Current members, this node included, ordered by id; with how busy each is, while they are 100 at most. */
  nodes(filter?: NodeFilter): readonly Member[];
  /**
   * Waits until the cluster has formed, so that what needs peers does not start too early.
   * @throws {ERR_NOT_READY} the time ran out. @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  ready(options?: ReadyOptions): Promise<void>;
  /**
   * Every change, beginning with a `node-up` for each current member. A reader that lags loses the oldest of 10,000.
   */
  watch(options?: WatchOptions): AsyncIterableIterator<ClusterEvent>;
  info(): ClusterInfo;
  /**
   * Asks one member how it is, how busy it is and who its neighbours are, and adds what this node knows of it and of
   * the link to it. Of a cluster with more than 100 members this is the way to know a node's load.
   * @throws {ERR_INVALID_ARGUMENT} no such member @throws {ERR_TIMEOUT} @throws {ERR_NODE_UNREACHABLE}
   */
  inspect(id: NodeId, options?: InspectOptions): Promise<NodeInspection>;
  /** What each discovery strategy tried, what every try answered, and whom it names now. */
  explainDiscovery(): readonly StrategyReport[];
  /** Asks every node how it is; one that does not answer within a second is listed as unreachable. */
  health(options?: { readonly signal?: AbortSignal }): Promise<HealthReport>;

  /**
   * Changes how the cluster is linked, while it runs and without losing what was accepted: to a topology it stays with, or
   * back to "auto". Resolves when this node has changed; the others follow as they hear of it.
   * @throws {ERR_INVALID_ARGUMENT} there is no such topology @throws {ERR_CLOSED} this node has left
   */
  switchTopology(to: TopologyMode): Promise<void>;

  /**
   * Starts a process: on this node, or with `distribute` on the node that its identity is placed on. Options come third:
   * `undefined` before them where `init` takes no arguments. @throws {ERR_INVALID_ARGUMENT}
   * @throws {ERR_NAME_TAKEN} @throws {ERR_INIT_FAILED} @throws {ERR_PROCESS_UNDEFINED} @throws {ERR_NOT_ENCODABLE}
   */
  startProcess<D extends ProcessDefinition>(
    definition: D,
    ...parameters: StartParameters<D, ProcessStartOptions>
  ): Promise<ClusterRef<D>>;
  /** A reference by name: each call goes to wherever the name lives then. */
  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D>;
  /**
   * Moves a distributed process to another node, with its state and its mailbox; references, monitors and calls follow it.
   * Await it, or watch its `progress`. Until it is committed it can be given up, by its signal or its time.
   * @throws {ERR_NOT_MOVED} `details.reason` says why @throws {ERR_NO_PROCESS} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED}
   * @throws {ERR_NOT_ENCODABLE} its state is not plain data @throws {ERR_OUTCOME_UNKNOWN} it is moved, or may be
   */
  migrate(process: ClusterRef | string, options: MigrateOptions): Migration;
  /**
   * Evens out which nodes run how many distributed processes, by the fewest moves, at a rate; one run in the cluster at a
   * time. Await it, or watch its `progress`; `dryRun` only plans. @throws {ERR_INVALID_ARGUMENT}
   */
  rebalance(options?: RebalanceOptions): Rebalancing;
  /** The member that suits a workload best by the load it told. @throws {ERR_NO_CANDIDATE} */
  bestNodeFor(workload?: Workload): Member;
  /**
   * Starts a supervision tree of distributed processes, which goes on when the node dies that runs its decisions.
   * @throws {ERR_NAME_TAKEN} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_INIT_FAILED} @throws {ERR_TIMEOUT}
   */
  supervise(name: string, options: SuperviseOptions): Promise<SupervisorRef>;
  /** The handle of a supervision tree that some node started. @throws {ERR_NAME_INVALID} */
  supervisor(name: string): SupervisorRef;
  /**
   * Starts a coordinator and its workers, which are told who is next to them; when one does not start, none is left.
   * @throws {ERR_NAME_TAKEN} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_INIT_FAILED} @throws {ERR_TIMEOUT}
   */
  startEcosystem<C extends ProcessDefinition, const W extends readonly ProcessDefinition[]>(
    name: string,
    options: EcosystemOptions<C, W>,
  ): Promise<Ecosystem<C>>;
  /** The handle of an ecosystem that some node started; undefined when none runs. */
  ecosystem<C extends ProcessDefinition>(name: string, coordinator: C): Ecosystem<C> | undefined;
  /**
   * Sends a message to the `info` handler of whoever has the name, wherever it lives; with `{ to: "all" }` of every process
   * that has it, duplicates too. At most once each, and dropped where nobody has it.
   * @throws {ERR_NAME_INVALID} @throws {ERR_NOT_ENCODABLE} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED}
   */
  send(name: string, message: unknown, options?: SendByNameOptions): Promise<void>;
  /** Names: who registered what, anywhere in the cluster. */
  readonly registry: Pick<
    Registry,
    "register" | "unregister" | "update" | "lookup" | "lookupAll" | "select" | "count" | "watch"
  >;
  /** Groups of processes: who is in which, anywhere in the cluster. */
  readonly groups: Groups;
  /** What nodes offer each other by name. */
  readonly services: Services;
  /** Requests to services, each sent to one of its instances. */
  readonly loadBalancer: LoadBalancer;
  readonly pubsub: Pick<PubSub, "publish" | "subscribe">;
  /**
   * Replicated state: every node reads what it has and writes at once; what was written reaches all, whatever links fail
   * meanwhile. With `persist` it is kept in the node's `dataDir` too.
   */
  readonly state: Omit<ReplicatedState, "close" | typeof Symbol.asyncDispose>;
  /**
   * Automerge documents, by name. Needs the package `@automerge/automerge`; with a `dataDir` they are kept and served from
   * there.
   */
  readonly docs: DocsFace;
  /**
   * The cache of that name: the same on every node that opens it, or of this process alone (`topology: "local"`).
   * `partitioned` with 2 replicas unless the options say otherwise.
   * @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CACHE_OPTIONS} options that exclude each other, or differ from those it is
   *   open with here. @throws {ERR_CLOSED} this node has left
   */
  cache<V>(name: string, options?: CacheOptions): Cache<V>;
  /**
   * Opens a channel of the application's own: messages, requests and byte streams to single nodes, over connections that
   * hold up no other channel. The same name gives the same handle on this node, and the same channel on every node.
   * @param options how this node sends on it @default what `overlay.channels` says of it
   * @throws {ERR_INVALID_ARGUMENT} the name is the framework's own, or the channel has other options already
   * @throws {ERR_CLOSED} this node has left
   */
  channel<Message = unknown, Reply = unknown>(
    name: string,
    options?: ChannelOptions,
  ): Channel<Message, Reply>;

  /** Keys that all nodes agree on: reads are linearizable, writes durable on most voters when they resolve. */
  readonly kv: Kv;
  /** Locks with a fencing token, and a signal that fires when the lock is lost. */
  readonly locks: Omit<Locks, "close">;
  readonly semaphores: Omit<Semaphores, "close">;
  readonly barriers: Omit<Barriers, "close">;
  readonly elections: Omit<Elections, "close">;
  readonly sequences: Omit<Sequences, "close">;

  /** This node's configuration, and settings that the whole cluster agrees on. */
  readonly config: Pick<AgreedConfig, "get" | "getWithConsensus" | "setClusterWide" | "watch"> & {
    /** Every effective value, the layer it came from and, for what was detected, why. Secrets are redacted. */
    explain(): readonly ExplainedValue[];
  };
  /**
   * Changes options of this node while it runs: `security.secret`, `log.level` and `shutdown.timeout`. Patches add up, are
   * checked as any layer is, and show in `explain()` as the layer "reconfigure"; one that is refused changes nothing.
   *
   * Secrets are exchanged without a stop in three rounds, each over all nodes: `[old, new]`, `[new, old]`, `[new]`. Links
   * that are up stay up.
   * @throws {ERR_CONFIG_INVALID} @throws {ERR_RESTART_REQUIRED} the option is fixed when a node starts; nothing was changed.
   */
  reconfigure(patch: ClusterConfig): Promise<void>;

  /** Takes no new work and hands over what can be handed over. Idempotent. */
  drain(): Promise<void>;
  /** Drains, tells the others, and closes everything. Idempotent; the same as `await using`. */
  leave(): Promise<void>;
}
