/**
 * createRegistry: composes the registry's parts, and is the handle a user holds.
 *
 * Everything the registry sends goes over the channel `processes`; what it replicates (names,
 * definitions, child specs) over `state`, by the stores of @foundation/crdt.
 */
import {
  coreErrors,
  createCodec,
  definedNames,
  definitionOf,
  isFoundationError,
  onDefined,
  resolveLimits,
  type Member,
  type Pid,
  type ProcessDefinition,
  type StartParameters,
} from "@foundation/core";
import { createVersionedMap, type VersionedMap } from "@foundation/crdt";
import { defaultLimits } from "../limits.js";
import { compareVersions, type SpecVersion } from "../protocol/child-spec.js";
import { checkName, isGenerated } from "../protocol/names.js";
import {
  compareSnapshots,
  isSnapshotStamp,
  type SnapshotStamp,
} from "../protocol/snapshot-stamp.js";
import type { LoadBalancer } from "./balancing/load-balancer.js";
import { Calls, mismatch, type Target } from "./calls/calls.js";
import { Monitors } from "./calls/monitors.js";
import { reference, type ClusterRef, type ReferenceParts } from "./calls/process-reference.js";
import { parseSuccessor, Successors } from "./calls/successors.js";
import type { Groups } from "./groups/groups.js";
import { createMetrics } from "./metrics.js";
import { Conflicts } from "./conflicts/conflicts.js";
import { migration, type Migration } from "./migration/migration.js";
import { Migrations, type MigrateOptions } from "./migration/migrations.js";
import { openClaims, type ClaimStore } from "./names/claims.js";
import { DefinitionBoard, type ContractConflict } from "./names/definition-board.js";
import { byName, fitting, type NameFilter } from "./names/name-filter.js";
import { NameStore, type NameEntry } from "./names/name-store.js";
import { NameWatchers, type NameEvent } from "./names/name-watchers.js";
import { Naming, type Registration } from "./names/naming.js";
import { checkRegister, type RegisterOptions, type UnregisterOptions } from "./names/options.js";
import { Offers } from "./offers.js";
import { Patience } from "./patience.js";
import type { Ecosystem } from "./ecosystems/ecosystem.js";
import type { EcosystemOptions } from "./ecosystems/ecosystem-options.js";
import { openEcosystems, type Ecosystems } from "./ecosystems/ecosystems.js";
import { bestNodeFor, type Workload } from "./placement/best-node-for.js";
import { Placing } from "./placement/placing.js";
import { checkAutomatic, checkRebalance } from "./placement/rebalance-options.js";
import type { RebalanceOptions } from "./placement/rebalance-options.js";
import { Rebalancer } from "./placement/rebalancer.js";
import { rebalancing, type Rebalancing } from "./placement/rebalancing.js";
import type { ChildStatus, Registry, RegistryInfo, RegistryOptions } from "./registry.js";
import { checkExpect, PartitionGuard } from "./partition/partition-guard.js";
import { checkTtl } from "./strong/refusals.js";
import { StrongNames } from "./strong/strong-names.js";
import type { Services } from "./services/services.js";
import { Snapshots } from "./snapshots/snapshots.js";
import { Endings } from "./supervision/endings.js";
import { isVersion, SpecStore } from "./supervision/spec-store.js";
import { checkStart, timeoutOf, type CheckedStart } from "./supervision/start-options.js";
import type { OperationOptions, StartOptions } from "./supervision/start-options.js";
import { START_SUBJECT, Starts } from "./supervision/starts.js";
import { Supervision, type SupervisionParts } from "./supervision/supervision.js";
import { Supervising } from "./trees/supervising.js";
import type { SupervisorRef } from "./trees/supervisor-ref.js";
import { withTrees } from "./trees/tree-definition.js";
import type { SuperviseOptions } from "./trees/tree-options.js";
import { Trees } from "./trees/trees.js";
import { copyOf, isLocal, isMember, type DefinitionSource, type Wiring } from "./wiring.js";

/**
 * Makes the registry of one node.
 *
 * @throws {ERR_INVALID_ARGUMENT} a limit is not an integer of at least 1, or is none
 *
 * @example
 * ```ts
 * import { createRegistry, type RegistryOptions } from "@foundation/registry"
 *
 * function start(ports: RegistryOptions) {
 *   return createRegistry({ ...ports, limits: { restartsMax: 5 } })
 * }
 * ```
 */
export function createRegistry(options: RegistryOptions): Registry {
  return new NodeRegistry(options);
}

/** The signal of the start ends the wait; this only has to be longer than any start. */
const VISIBLE_MS = 86_400_000;

/** What a kept snapshot takes beside its state. */
const SNAPSHOT_FRAME_BYTES = 1_024;

const catalogue: DefinitionSource = { get: definitionOf, names: definedNames, onDefined };

class NodeRegistry implements Registry {
  readonly #wiring: Wiring;
  readonly #claims: ClaimStore;
  readonly #watchers: NameWatchers;
  readonly #specMap: VersionedMap<unknown, SpecVersion>;
  readonly #snapshotMap: VersionedMap<unknown, SnapshotStamp>;
  readonly #parts: SupervisionParts;
  readonly #calls: Calls;
  readonly #monitors: Monitors;
  readonly #supervision: Supervision;
  readonly #migrations: Migrations;
  readonly #conflicts: Conflicts;
  readonly #starts: Starts;
  readonly #endings: Endings;
  readonly #rebalancer: Rebalancer;
  readonly #trees: Trees;
  readonly #supervising: Supervising;
  readonly #naming: Naming;
  readonly #offers: Offers;
  readonly #ecosystems: Ecosystems;
  readonly #references: ReferenceParts;
  readonly #stopServing: () => void;
  #closing: Promise<void> | undefined;

  constructor(options: RegistryOptions) {
    const wiring = wire(options);
    this.#wiring = wiring;
    const { messenger, membership, broadcast, runtime } = options;
    const ports = { messenger, membership, broadcast, runtime };
    this.#claims = openClaims(ports, wiring.limits);
    this.#watchers = new NameWatchers(wiring.limits.watchBuffer);
    this.#specMap = createVersionedMap<unknown, SpecVersion>({
      ...ports,
      name: "registry.children",
      compare: compareVersions,
      isStamp: isVersion,
    });
    const specs = new SpecStore(this.#specMap);
    this.#snapshotMap = createVersionedMap<unknown, SnapshotStamp>({
      ...ports,
      name: "registry.snapshots",
      compare: compareSnapshots,
      isStamp: isSnapshotStamp,
      limits: { valueBytesMax: wiring.limits.snapshotBytesMax + SNAPSHOT_FRAME_BYTES },
    });
    const placing = new Placing(wiring, {
      specs,
      defines: (node, definition) => this.#parts.board.defines(node, definition),
      placement: options.placement,
      loadOf: ({ id, load }) => (options.loadOf === undefined ? load : options.loadOf(id)),
    });
    this.#parts = {
      specs,
      snapshots: new Snapshots(wiring, this.#snapshotMap, specs),
      placing,
      place: placing.place,
      placeFirst: placing.placeFirst,
      names: new NameStore(wiring, this.#claims, this.#watchers, (name, own) =>
        this.#naming.lost(name, own),
      ),
      board: new DefinitionBoard(wiring, this.#claims, () => this.#supervision.markAll()),
      ...this.#rulers(options, wiring),
    };
    const successors = new Successors(wiring.limits.successorsMax);
    this.#calls = new Calls(wiring, successors);
    this.#monitors = new Monitors(wiring, successors);
    this.#supervision = new Supervision(wiring, this.#parts);
    this.#migrations = new Migrations(
      ...([wiring, this.#parts, this.#supervision, successors] as const),
      () => this.#naming,
    );
    const { onConflict } = options;
    this.#conflicts = new Conflicts(wiring, this.#parts, this.#supervision, onConflict);
    const visible = (signal: AbortSignal) => this.#claims.visible({ signal, timeout: VISIBLE_MS });
    this.#starts = new Starts(wiring, this.#parts, this.#supervision, visible);
    this.#endings = new Endings(wiring, this.#parts, this.#supervision, visible);
    this.#rebalancer = new Rebalancer(
      wiring,
      this.#parts,
      (identity, to, patience) =>
        this.#migrations.migrate(identity, undefined, to, patience, () => undefined),
      checkAutomatic(options.rebalance, wiring.limits),
    );
    this.#trees = new Trees(wiring, this.#parts, this.#supervision, this.#starts);
    this.#supervising = new Supervising(wiring, {
      specs: this.#parts.specs,
      starts: this.#starts,
      trees: this.#trees,
      within: (options, target, operation) => {
        const timeoutMs = timeoutOf(options, wiring.limits);
        return this.#within(timeoutMs, options?.signal, target, operation);
      },
      process: (definition, name) => this.process(definition, name),
    });
    this.#naming = new Naming(wiring, this.#parts, this.#supervision, this.#claims, visible);
    this.#references = {
      wiring,
      calls: this.#calls,
      monitors: this.#monitors,
      stop: (name, pid, how) => this.#stop(name, pid, how),
    };
    this.#offers = new Offers(wiring, ports, {
      calls: this.#calls,
      identities: {
        spec: (identity) => this.#parts.specs.get(identity),
        locate: (identity) => this.#parts.names.locate(identity)?.pid,
        subscribe: (listener) => {
          const stopSpecs = this.#parts.specs.subscribe(listener);
          const stopClaims = this.#claims.subscribe(({ key }) => listener(key));
          return () => {
            stopSpecs();
            stopClaims();
          };
        },
      },
      identityOf: (pid) => this.#supervision.children.byPid(pid)?.spec?.identity,
      loadOf: (member) => this.#parts.placing.loadOf(member),
      balancing: options.balancing,
    });
    const defines = this.#parts.board.defines;
    this.#ecosystems = openEcosystems(
      wiring,
      ports,
      { registry: this, specs, defines },
      this.#claims,
    );
    this.#stopServing = messenger.handle(START_SUBJECT, (message) => this.#starts.serve(message));
    this.#parts.board.open();
  }

  async startProcess<D extends ProcessDefinition>(
    definition: D,
    ...parameters: StartParameters<D, StartOptions>
  ): Promise<ClusterRef<D>> {
    const [args, options = {}] = parameters as [unknown, StartOptions | undefined];
    const checked = checkStart(options, this.#wiring.limits);
    return this.#within(checked.timeoutMs, checked.signal, "startProcess", async (patience) => {
      try {
        const { identity } = await this.#starts.start(definition, args, checked, patience);
        return this.#follow(definition, identity);
      } catch (error) {
        if (this.#mayReturn(error, definition, checked)) {
          return this.#follow(definition, checked.name);
        }
        throw error;
      }
    });
  }

  async supervise(name: string, options: SuperviseOptions): Promise<SupervisorRef> {
    return this.#supervising.supervise(name, options);
  }

  supervisor(name: string): SupervisorRef {
    return this.#supervising.find(name);
  }

  get groups(): Groups {
    return this.#offers.groups;
  }

  get services(): Services {
    return this.#offers.services;
  }

  get loadBalancer(): LoadBalancer {
    return this.#offers.loadBalancer;
  }

  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D> {
    this.#checkFollowed(name);
    return this.#follow(definition, name);
  }

  async register(
    name: string,
    process: ClusterRef | Pid,
    options: RegisterOptions = {},
  ): Promise<void> {
    const checked = checkRegister(options, this.#wiring.limits);
    this.#assertOpen();
    const registration = this.#registrationOf(name, process, checked);
    // The usual case costs no timer, no signal and no turn.
    const isHere = isLocal(registration.pid, this.#wiring.self);
    if (isHere && !registration.visible && checked.signal?.aborted !== true) {
      return this.#naming.registerHere(registration);
    }
    await this.#within(checked.timeoutMs, checked.signal, "register", (patience) =>
      this.#naming.register(registration, patience),
    );
  }

  update(name: string, meta: unknown): void {
    this.#assertOpen();
    this.#naming.update(name, copyOf(meta, this.#wiring.codec));
  }

  async unregister(name: string, options: UnregisterOptions = {}): Promise<boolean> {
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    const { signal, keys, process } = options;
    const pid = process && ("serial" in process ? process : process.whereis());
    if (process !== undefined && pid === undefined) return false;
    return this.#within(timeoutMs, signal, "unregister", (patience) =>
      keys === "duplicate"
        ? this.#naming.removeDuplicate(name, pid, patience)
        : this.#naming.unregister(name, patience),
    );
  }

  lookup(name: string): NameEntry | undefined {
    const found = this.#locate(name);
    if (found === undefined) return undefined;
    const { pid, definition, meta } = found;
    return { name, pid, definition, meta };
  }

  lookupAll(name: string): readonly NameEntry[] {
    return this.#naming.all(name);
  }

  select(filter: NameFilter = {}): readonly NameEntry[] {
    return byName(fitting(this.#parts.names.under(filter.prefix ?? ""), filter));
  }

  count(filter: NameFilter = {}): number {
    if (Object.keys(filter).length === 0) return this.#parts.names.size;
    let count = 0;
    for (const entry of fitting(this.#parts.names.under(filter.prefix ?? ""), filter)) {
      count += Number(entry !== undefined);
    }
    return count;
  }

  contractConflicts(): readonly ContractConflict[] {
    return this.#parts.board.conflicts();
  }

  watch(
    options: { readonly prefix?: string; readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<NameEvent> {
    this.#assertOpen();
    const { prefix = "", signal } = options;
    const present = [...this.#parts.names.under(prefix)].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#watchers.watch(prefix, present, signal);
  }

  send(name: string, message: unknown): void {
    this.#checkFollowed(name);
    const locate = () => this.#locate(name)?.pid;
    this.#calls.send({ ...this.#followed(name), locate }, "info", "", message);
  }

  children(): readonly ChildStatus[] {
    const found: ChildStatus[] = [];
    for (const spec of this.#parts.specs.all()) {
      if (spec.state === "stopped") continue;
      const { identity, definition, owner, generation, restart, state, reason } = spec;
      found.push({ identity, definition, owner, generation, restart, state, reason });
    }
    return found.sort((a, b) => (a.identity < b.identity ? -1 : 1));
  }

  async startEcosystem<C extends ProcessDefinition, const W extends readonly ProcessDefinition[]>(
    name: string,
    options: EcosystemOptions<C, W>,
  ): Promise<Ecosystem<C>> {
    this.#assertOpen();
    return this.#ecosystems.start(name, options as unknown as EcosystemOptions<C>);
  }

  ecosystem<C extends ProcessDefinition>(name: string, coordinator: C): Ecosystem<C> | undefined {
    this.#assertOpen();
    return this.#ecosystems.get(name, coordinator);
  }

  ecosystems(): readonly string[] {
    return this.#ecosystems.names();
  }

  bestNodeFor(workload: Workload = {}): Member {
    this.#assertOpen();
    const { placing, board } = this.#parts;
    return bestNodeFor(workload, this.#wiring.membership.members(), placing, board.defines);
  }

  rebalance(options: RebalanceOptions = {}): Rebalancing {
    this.#assertOpen();
    const { limits } = this.#wiring;
    const checked = checkRebalance(options, limits);
    return rebalancing(limits.stepsBuffer, (tell) => this.#rebalancer.rebalance(checked, tell));
  }

  visible(options: OperationOptions = {}): Promise<void> {
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    return this.#within(timeoutMs, options.signal, "visible", ({ signal }) =>
      this.#claims.visible({ signal, timeout: timeoutMs }),
    );
  }

  drain(options: OperationOptions = {}): Promise<void> {
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    return this.#within(timeoutMs, options.signal, "drain", (patience) =>
      this.#endings.drain(patience),
    );
  }

  migrate(process: ClusterRef | string, options: MigrateOptions): Migration {
    const { limits } = this.#wiring;
    const name = typeof process === "string" ? process : process.name;
    const to = typeof options.to === "string" ? options.to : options.to.id;
    const run = (patience: Patience, tell: Parameters<Parameters<typeof migration>[1]>[0]) => {
      const pid =
        typeof process === "string" ? this.#parts.names.locate(process)?.pid : process.whereis();
      return this.#migrations.migrate(name, pid, to, patience, tell);
    };
    return migration(limits.stepsBuffer, (tell) =>
      this.#within(timeoutOf(options, limits), options.signal, "migrate", (patience) =>
        run(patience, tell),
      ),
    );
  }

  info(): RegistryInfo {
    const { metrics } = this.#wiring;
    let running = 0;
    let failed = 0;
    for (const { state } of this.#parts.specs.all()) {
      if (state === "running") running += 1;
      if (state === "failed") failed += 1;
    }
    return {
      processes: this.#supervision.children.size,
      names: this.#parts.names.size,
      children: { running, failed },
      pendingCalls: this.#calls.pending,
      restarts: metrics.restarts.total,
      takeovers: metrics.takeovers.total,
      nameConflicts: metrics.conflicts.total,
      droppedMessages: metrics.dropped.total,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Who may run what: the names of strong children, and the sides of a cut. */
  #rulers(options: RegistryOptions, wiring: Wiring): Pick<SupervisionParts, "guard" | "strong"> {
    const allChanged = () => this.#supervision.markAll();
    const changed = (identity: string) => this.#supervision.mark(identity);
    const lost = (identity: string) => this.#supervision.loseLease(identity);
    const told = { changed, allChanged, lost };
    return {
      guard: new PartitionGuard(wiring, {
        roster: () => options.roster,
        expect: checkExpect(options.expect),
        onChange: allChanged,
      }),
      strong: new StrongNames(wiring, options.nameStore, checkTtl(options.leaseTtl), told),
    };
  }

  async #close(): Promise<void> {
    this.#stopServing();
    await this.#ecosystems.close();
    await this.#offers.close();
    this.#endings.close();
    this.#rebalancer.close();
    this.#migrations.close();
    this.#conflicts.close();
    this.#calls.close();
    this.#trees.close();
    await this.#supervision.close();
    this.#naming.close();
    this.#parts.guard.close();
    await this.#parts.strong.close();
    this.#monitors.close();
    this.#parts.board.close();
    this.#parts.placing.close();
    this.#parts.names.close();
    this.#watchers.close();
    await this.#claims.close();
    this.#parts.snapshots.close();
    await this.#snapshotMap.close();
    await this.#specMap.close();
  }

  #stop(name: string | undefined, pid: Pid | undefined, options: OperationOptions = {}) {
    const timeoutMs = timeoutOf(options, this.#wiring.limits);
    return this.#within(timeoutMs, options.signal, "stop", (patience) =>
      this.#endings.stop(name, pid, patience),
    );
  }

  /** A name to look up may also be one that the registry made. @throws {ERR_NAME_INVALID} */
  #checkFollowed(name: unknown): void {
    const made = typeof name === "string" && name.length > 1 && isGenerated(name);
    checkName(made ? name.slice(1) : name, this.#wiring.limits.nameBytesMax);
  }

  /** A reference that follows the name, and refuses to follow it to another definition. */
  #follow<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D> {
    const { board } = this.#parts;
    const { children } = this.#supervision;
    const find = () => this.#locate(name);
    const target: Target = {
      ...this.#followed(name),
      locate() {
        const entry = find();
        if (entry === undefined) return children.get(name)?.pid;
        const found = entry.definition ?? definition.name;
        if (found !== definition.name) throw mismatch(name, definition.name, found);
        board.check(name, entry.pid.node, definition);
        return entry.pid;
      },
    };
    return reference(this.#references, definition, name, target);
  }

  #registrationOf(
    name: string,
    process: ClusterRef | Pid,
    { meta, keys, wait }: Pick<RegisterOptions, "meta" | "keys" | "wait">,
  ): Registration {
    const isPid = "serial" in process;
    const pid = isPid ? process : process.whereis();
    if (pid === undefined) throw gone(name);
    return {
      name,
      pid,
      definition: isPid ? undefined : process.definition.name,
      meta: copyOf(meta, this.#wiring.codec),
      duplicate: keys === "duplicate",
      visible: wait === "visible",
    };
  }

  /** Where a name leads: that of a strong child only to who may have it now. */
  #locate(name: string): NameEntry | undefined {
    const { names, strong, specs } = this.#parts;
    const { membership } = this.#wiring;
    const entry = names.locate(name);
    if (!strong.isUsed) return entry;
    const spec = specs.get(name);
    if (entry !== undefined && strong.mayServe(entry.pid, spec)) return entry;
    const pid = strong.movedTo(name);
    if (pid === undefined || spec === undefined || !isMember(pid, membership)) return undefined;
    return { name, pid, definition: spec.definition, meta: spec.meta };
  }

  #followed(name: string): Omit<Target, "locate"> {
    const { names, specs, guard, strong } = this.#parts;
    return {
      refusal() {
        const spec = specs.get(name);
        if (spec?.state !== "running" || spec.rules === undefined) return undefined;
        return guard.refusal(spec) ?? strong.refusal(spec);
      },
      title: name,
      stale: () => names.dropHint(name),
      moved: (told) => {
        const successor = parseSuccessor(told);
        // The versions of a name given by hand are its own: only those of a child can be compared.
        if (successor === undefined || specs.get(name) === undefined) return;
        const { definition, meta } = names.locate(name) ?? {};
        names.hint({ name, definition, meta, ...successor });
      },
      why() {
        const spec = specs.get(name);
        if (spec?.state === "failed")
          return `it was given up after too many crashes (${spec.reason})`;
        if (spec?.state === "running") {
          return strong.why(spec) ?? "it is being started, here or elsewhere";
        }
        return "nobody runs under it";
      },
    };
  }

  #mayReturn(
    error: unknown,
    definition: ProcessDefinition,
    options: CheckedStart,
  ): options is CheckedStart & { readonly name: string } {
    return (
      options.ifRunning === "return" &&
      options.name !== undefined &&
      isFoundationError(error, "ERR_NAME_TAKEN") &&
      error.details.definition === definition.name
    );
  }

  /** Runs an operation with its time; an abort by that time is a timeout to the caller. */
  async #within<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    target: string,
    operation: (patience: Patience) => Promise<T>,
  ): Promise<T> {
    this.#assertOpen();
    const patience = new Patience(this.#wiring.clock, timeoutMs, signal);
    try {
      patience.check(target);
      return await operation(patience);
    } catch (error) {
      if (!patience.expired || !isFoundationError(error, "ERR_ABORTED")) throw error;
      const message = `${target} was given up after ${timeoutMs} ms: ${error.message}`;
      throw coreErrors.ERR_TIMEOUT(message, { timeoutMs, target }, error);
    } finally {
      patience.end();
    }
  }

  #assertOpen(): void {
    if (this.#closing === undefined) return;
    throw coreErrors.ERR_CLOSED("The registry is closed: open a new one", { what: "registry" });
  }
}

function wire(options: RegistryOptions): Wiring {
  const { messenger, membership, kernel, runtime } = options;
  return {
    self: { node: kernel.node, boot: kernel.boot },
    messenger,
    membership,
    kernel,
    clock: runtime.clock,
    random: runtime.random.fork("registry"),
    logger: runtime.logger.child({ package: "registry" }),
    codec: options.codec ?? createCodec(),
    limits: resolveLimits(defaultLimits, options.limits),
    metrics: createMetrics(runtime.meter),
    definitions: withTrees(options.definitions ?? catalogue),
  };
}

function gone(name: string): Error {
  return coreErrors.ERR_NO_PROCESS(
    `The process to be registered as "${name}" is not running; nothing was registered`,
    { process: name },
  );
}
