/** The registry's face: what `createRegistry` takes and gives. */
import type {
  Broadcast,
  Codec,
  Duration,
  Kernel,
  Member,
  Membership,
  Messenger,
  NodeId,
  NodeLoad,
  Pid,
  Placement,
  ProcessDefinition,
  Runtime,
  StartParameters,
} from "@foundation/core";
import type { NameStore, Roster } from "@foundation/core/ports";
import type { BalancingRules, RegistryLimits } from "../limits.js";
import type { ChildSpec } from "../protocol/child-spec.js";
import type { LoadBalancer } from "./balancing/load-balancer.js";
import type { ClusterRef } from "./calls/process-reference.js";
import type { OnConflict } from "./conflicts/conflicts.js";
import type { Migration } from "./migration/migration.js";
import type { MigrateOptions } from "./migration/migrations.js";
import type { Ecosystem } from "./ecosystems/ecosystem.js";
import type { EcosystemOptions } from "./ecosystems/ecosystem-options.js";
import type { Workload } from "./placement/best-node-for.js";
import type { AutomaticRebalance, RebalanceOptions } from "./placement/rebalance-options.js";
import type { Rebalancing } from "./placement/rebalancing.js";
import type { ContractConflict } from "./names/definition-board.js";
import type { NameFilter } from "./names/name-filter.js";
import type { NameEntry } from "./names/name-store.js";
import type { NameEvent } from "./names/name-watchers.js";
import type { RegisterOptions, SendByNameOptions, UnregisterOptions } from "./names/options.js";
import type { Groups } from "./groups/groups.js";
import type { Services } from "./services/services.js";
import type { OperationOptions, StartOptions } from "./supervision/start-options.js";
import type { SupervisorRef } from "./trees/supervisor-ref.js";
import type { SuperviseOptions } from "./trees/tree-options.js";
import type { DefinitionSource } from "./wiring.js";

/** What `createRegistry` takes. */
export interface RegistryOptions {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
  /** Runs the processes of this node. Close the registry first, then the kernel. */
  readonly kernel: Kernel;
  readonly runtime: Pick<Runtime, "clock" | "random" | "logger" | "meter">;
  /** Chooses the node of a distributed process; the same on every node. @default hashRing() */
  readonly placement?: Placement | undefined;
  /** How busy a member said it is: for `leastLoaded`, `bestNodeFor` and constraints. @default `member.load` */
  readonly loadOf?: ((node: NodeId) => NodeLoad | undefined) | undefined;
  /**
   * Whether the cluster rebalances by itself; give all nodes the same. One of them does it, the one
   * that the placement names. @default "off"
   */
  readonly rebalance?: AutomaticRebalance | undefined;
  /** @default createCodec() */
  readonly codec?: Codec | undefined;
  /** Process definitions of this node. @default all that `defineProcess` made */
  readonly definitions?: DefinitionSource | undefined;
  readonly limits?: Partial<RegistryLimits> | undefined;
  /**
   * Told, on the node of the loser, when two processes had one name and one of them ends, with what that one knew; beside
   * `resolveConflict` of its definition, which gives that to the process that stays. @default nobody is told
   */
  readonly onConflict?: OnConflict | undefined;
  /** By which instances of services leave and come back. @default registryBalancing */
  readonly balancing?: Partial<BalancingRules> | undefined;
  /**
   * Gives the names of `consistency: "strong"` to one node at a time; for this use only, since every name in it is taken for
   * one of a process. It is asked for nothing before the first strong process is heard of, and is not closed with the
   * registry. @default none: a strong start is refused, ERR_NAME_STORE_REQUIRED
   */
  readonly nameStore?: NameStore | undefined;
  /**
   * How long a strong name stays with a node that has died or was cut off: 1 s to 10 min. The process is elsewhere after
   * this, the time the store needs, and the start; a shorter one loses the name to a shorter pause. @default "10s"
   */
  readonly leaseTtl?: Duration | undefined;
  /**
   * The committed members, from which `partition: "quorum"` counts. Read once, when the first guarded process is heard of,
   * so a getter may make it then; it is not closed with the registry. @default `expect`
   */
  readonly roster?: Roster | undefined;
  /**
   * The names or ids of the nodes that belong to the cluster, or their number, the same on every node: counted from while no
   * roster is committed. @default none: a guarded start is refused, ERR_QUORUM_REQUIRED
   */
  readonly expect?: readonly string[] | number | undefined;
}

/** Figures of one node's registry. */
export interface RegistryInfo {
  /** Supervised processes that run on this node. */
  readonly processes: number;
  /** Names known in the whole cluster. */
  readonly names: number;
  /** Distributed children of the whole cluster that run, and that were given up. */
  readonly children: { readonly running: number; readonly failed: number };
  /** Calls of this node to its own processes that wait for a reply. */
  readonly pendingCalls: number;
  /** Counted on this node since it started. */
  readonly restarts: number;
  readonly takeovers: number;
  readonly nameConflicts: number;
  readonly droppedMessages: number;
}

/** A distributed child, as this node knows it. */
export type ChildStatus = Pick<
  ChildSpec,
  "identity" | "definition" | "owner" | "generation" | "restart" | "state" | "reason"
>;

/** Names, references and distributed processes of one node. */
export interface Registry extends AsyncDisposable {
  /** Groups of processes. */
  readonly groups: Groups;
  /** What nodes offer each other by name: instances, their health, who has which. */
  readonly services: Services;
  /** Requests to services, each sent to one of its instances. */
  readonly loadBalancer: LoadBalancer;
  /**
   * Starts a process: on this node, or with `distribute` on one of the nodes that define it, and
   * again elsewhere when that node dies. With `distribute` it resolves after the child's spec was
   * handed to the links of every member. Options come third: `undefined` before them where `init` takes no arguments.
   * @throws {ERR_INVALID_ARGUMENT} an option, or options where the arguments belong.
   * @throws {ERR_NAME_TAKEN} another process runs under the name; `details.holder` says where.
   * @throws {ERR_PROCESS_UNDEFINED} no node defines it. @throws {ERR_NO_CANDIDATE}
   * @throws {ERR_INIT_FAILED} @throws {ERR_NOT_ENCODABLE} @throws {ERR_NAME_INVALID}
   * @throws {ERR_TIMEOUT} it was not started. @throws {ERR_OUTCOME_UNKNOWN} it may run.
   * @throws {ERR_NAME_STORE_REQUIRED} @throws {ERR_QUORUM_REQUIRED} nothing was configured for what its options ask.
   * @throws {ERR_MINORITY_SIDE} its options let it not run on this side of a cut.
   *
   * @example
   * ```ts
   * import { defineProcess } from "@foundation/core"
   * import type { Registry } from "@foundation/registry"
   *
   * const tally = defineProcess({
   *   name: "docs.tally",
   *   init: (args: { from: number }) => ({ total: args.from }),
   *   call: { add: ({ state }, by: number) => (state.total += by) },
   * })
   * async function count(registry: Registry): Promise<number> {
   *   const ref = await registry.startProcess(tally, { from: 10 }, { name: "orders", distribute: true })
   *   return ref.call("add", 5, { timeout: "1s" })
   * }
   * ```
   */
  startProcess<D extends ProcessDefinition>(
    definition: D,
    ...parameters: StartParameters<D, StartOptions>
  ): Promise<ClusterRef<D>>;
  /**
   * Starts a supervision tree: its children are distributed, each where its placement puts it, and the tree goes on when
   * the node that runs its decisions dies. All or nothing: when a child does not start, or the caller gives up, those
   * before it are stopped again. What happens in the tree: docs/guides/processes.md.
   * @throws {ERR_NAME_TAKEN} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NAME_INVALID} @throws {ERR_INIT_FAILED}
   * @throws {ERR_PROCESS_UNDEFINED} @throws {ERR_NO_CANDIDATE} @throws {ERR_TIMEOUT} nothing was started.
   *
   * @example
   * ```ts
   * import { defineProcess } from "@foundation/core"
   * import type { Registry } from "@foundation/registry"
   *
   * const worker = defineProcess({ name: "docs.tree-worker", init: () => ({ jobs: 0 }) })
   * async function pool(registry: Registry): Promise<number> {
   *   const tree = await registry.supervise("pool", {
   *     strategy: "one-for-one",
   *     children: [{ id: "a", process: worker }, { id: "b", process: worker, restart: "transient" }],
   *   })
   *   return tree.children().length
   * }
   * ```
   */
  supervise(name: string, options: SuperviseOptions): Promise<SupervisorRef>;
  /** The handle of a supervision tree that some node started. @throws {ERR_NAME_INVALID} */
  supervisor(name: string): SupervisorRef;
  /** A reference that follows a name wherever its process runs. @throws {ERR_NAME_INVALID} */
  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D>;
  /**
   * Gives a running process one more name, here or on another node; the same process again changes what is kept beside.
   * @throws {ERR_NAME_TAKEN} @throws {ERR_NO_PROCESS} @throws {ERR_NAME_INVALID} @throws {ERR_INVALID_ARGUMENT}
   * @throws {ERR_NOT_ENCODABLE} `meta`. @throws {ERR_TIMEOUT}
   */
  register(name: string, process: ClusterRef | Pid, options?: RegisterOptions): Promise<void>;
  /**
   * Changes what is kept beside a name whose process runs on this node.
   * @throws {ERR_NOT_HOLDER} it runs elsewhere, or nowhere. @throws {ERR_NOT_ENCODABLE}
   */
  update(name: string, meta: unknown): void;
  /** Takes a name given by `register` away; false when nobody had it. */
  unregister(name: string, options?: UnregisterOptions): Promise<boolean>;
  /** Where a name leads, as far as this node knows. */
  lookup(name: string): NameEntry | undefined;
  /** Who has a name given with `keys: "duplicate"`, ordered by node and process. */
  lookupAll(name: string): readonly NameEntry[];
  /** Names that fit, in order. Looks at every name: some milliseconds for 100,000 of them. */
  select(filter?: NameFilter): readonly NameEntry[];
  /** How many names fit; without a filter this is a matter of one step. */
  count(filter?: NameFilter): number;
  /** Definitions of other nodes that differ from this node's of the same name and version. */
  contractConflicts(): readonly ContractConflict[];
  /** First the present names as `registered`, then every change this node learns of. */
  watch(options?: {
    readonly prefix?: string;
    readonly signal?: AbortSignal;
  }): AsyncIterableIterator<NameEvent>;
  /**
   * Sends a message to the `info` handler of whoever has the name, or of all that have it: at most once each.
   * @throws {ERR_NAME_INVALID} @throws {ERR_NOT_ENCODABLE} @throws {ERR_INVALID_ARGUMENT} @throws {ERR_CLOSED}
   */
  send(name: string, message: unknown, options?: SendByNameOptions): void;
  /**
   * Starts a coordinator and its workers, which are told who is next to them; when one does not start, none is left.
   * @throws {ERR_NAME_TAKEN} a process, or an ecosystem, has one of the names. @throws {ERR_INVALID_ARGUMENT}
   * @throws {ERR_QUEUE_FULL} ecosystemsMax. @throws {ERR_TIMEOUT}, and whatever `startProcess` throws
   *
   * @example
   * ```ts
   * import { defineProcess } from "@foundation/core"
   * import type { Ecosystem, Registry } from "@foundation/registry"
   *
   * const planner = defineProcess({ name: "docs.planner", init: () => ({ done: 0 }) })
   * const crawler = defineProcess({
   *   name: "docs.crawler",
   *   init: () => ({ next: [] as readonly string[] }),
   *   info: ({ state }, told) => { state.next = (told as { next: readonly string[] }).next },
   * })
   * export function crawl(registry: Registry): Promise<Ecosystem<typeof planner>> {
   *   return registry.startEcosystem("crawl", {
   *     coordinator: planner,
   *     workers: [{ process: crawler, count: 8 }],
   *     topology: "ring",
   *   })
   * }
   * ```
   */
  startEcosystem<C extends ProcessDefinition, const W extends readonly ProcessDefinition[]>(
    name: string,
    options: EcosystemOptions<C, W>,
  ): Promise<Ecosystem<C>>;
  /** A handle of an ecosystem that runs, started on any node; undefined when none is known here. */
  ecosystem<C extends ProcessDefinition>(name: string, coordinator: C): Ecosystem<C> | undefined;
  /** The names of the ecosystems of the cluster, in order. */
  ecosystems(): readonly string[];
  /** The distributed children of the cluster that are not stopped, ordered by identity. */
  children(): readonly ChildStatus[];
  /**
   * The member that suits a workload best by the load it told: what is needed much weighs most.
   * @throws {ERR_NO_CANDIDATE} no member that is not draining fits
   */
  bestNodeFor(workload?: Workload): Member;
  /**
   * Moves children so that their constraints hold again and nodes carry alike: the fewest moves, one
   * at a time, at a rate. State and mailbox go along. It ends early when a node goes.
   * @throws {ERR_REBALANCING} another rebalancing is under way @throws {ERR_INVALID_ARGUMENT}
   * @throws {ERR_NODE_UNREACHABLE} the node that grants it could not be asked @throws {ERR_CLOSED}
   */
  rebalance(options?: RebalanceOptions): Rebalancing;
  /** Resolves when every current member knows what this node registered so far. */
  visible(options?: OperationOptions): Promise<void>;
  /**
   * Hands the distributed children of this node over to others, before it leaves. Resolves when that
   * is done or the time is up: the children left over are taken over when the node has gone.
   */
  drain(options?: OperationOptions): Promise<void>;
  /**
   * Moves a distributed process to another node, with its state and its mailbox; references, monitors and calls follow it.
   * Until it is `committed` the move can be given up, by its signal or its time: then the process goes on where it was.
   * @throws {ERR_NOT_MOVED} `details.reason` says why. @throws {ERR_NO_PROCESS} @throws {ERR_TIMEOUT} @throws {ERR_ABORTED}
   * @throws {ERR_NOT_ENCODABLE} the state is not plain data; the message names the path. @throws {ERR_STATE_VERSION}
   * @throws {ERR_NO_CANDIDATE} its constraints or its `on` do not allow that node.
   * @throws {ERR_OUTCOME_UNKNOWN} it is moved, or may be, and the other node did not say that it runs.
   */
  migrate(process: ClusterRef | string, options: MigrateOptions): Migration;
  info(): RegistryInfo;
  /** Ends the children of this node and gives its names up. Idempotent. */
  close(): Promise<void>;
}
