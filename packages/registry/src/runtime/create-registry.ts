/**
 * createRegistry: the handle a user holds. What it consists of is put together in registry-parts.ts.
 *
 * Everything the registry sends goes over the channel `processes`; what it replicates (names,
 * definitions, child specs) over `state`, by the stores of @foundation/crdt.
 */
import {
  checkOptionalText,
  checkOptions,
  checkText,
  coreErrors,
  isFoundationError,
  type Member,
  type Pid,
  type ProcessDefinition,
  type StartParameters,
} from "@foundation/core";
import type { LoadBalancer } from "./balancing/load-balancer.js";
import type { ClusterRef } from "./calls/process-reference.js";
import { samePid } from "./calls/waiting-calls.js";
import { checkDefinition, checkProcess, checkReference, nodeOf } from "./given.js";
import type { Groups } from "./groups/groups.js";
import { migration, type Migration } from "./migration/migration.js";
import type { MigrateOptions } from "./migration/migrations.js";
import type { ContractConflict } from "./names/definition-board.js";
import { byName, checkFilter, fitting, type NameFilter } from "./names/name-filter.js";
import type { NameEntry } from "./names/name-store.js";
import type { NameEvent } from "./names/name-watchers.js";
import type { Registration } from "./names/naming.js";
import { checkRegister, checkSend, checkUnregister } from "./names/options.js";
import type { RegisterOptions, SendByNameOptions, UnregisterOptions } from "./names/options.js";
import { Patience } from "./patience.js";
import type { Ecosystem } from "./ecosystems/ecosystem.js";
import type { EcosystemOptions } from "./ecosystems/ecosystem-options.js";
import { bestNodeFor, type Workload } from "./placement/best-node-for.js";
import { checkRebalance } from "./placement/rebalance-options.js";
import type { RebalanceOptions } from "./placement/rebalance-options.js";
import { rebalancing, type Rebalancing } from "./placement/rebalancing.js";
import type { ChildStatus, Registry, RegistryInfo, RegistryOptions } from "./registry.js";
import type { Services } from "./services/services.js";
import { checkArgs, checkStart, timeoutOf } from "./supervision/start-options.js";
import type { CheckedStart, OperationOptions, StartOptions } from "./supervision/start-options.js";
import type { SupervisorRef } from "./trees/supervisor-ref.js";
import type { SuperviseOptions } from "./trees/tree-options.js";
import { copyOf, isLocal } from "./wiring.js";
import { RegistryParts } from "./registry-parts.js";

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

class NodeRegistry implements Registry {
  readonly #parts: RegistryParts;
  #closing: Promise<void> | undefined;

  constructor(options: RegistryOptions) {
    this.#parts = new RegistryParts(options, {
      registry: this,
      within: (timeoutMs, signal, target, operation) =>
        this.#within(timeoutMs, signal, target, operation),
      stop: (name, pid, how) => this.#stop(name, pid, how),
    });
  }

  async startProcess<D extends ProcessDefinition>(
    definition: D,
    ...parameters: StartParameters<D, StartOptions>
  ): Promise<ClusterRef<D>> {
    const [args, options = {}] = parameters as [unknown, StartOptions | undefined];
    const checked = checkStart(options, this.#parts.wiring.limits);
    checkDefinition("startProcess", "definition", definition);
    if (parameters.length === 1) checkArgs(definition, args);
    return this.#within(checked.timeoutMs, checked.signal, "startProcess", async (patience) => {
      try {
        const { identity } = await this.#parts.starts.start(definition, args, checked, patience);
        return this.#parts.following.follow(definition, identity);
      } catch (error) {
        if (!this.#mayReturn(error, definition, checked)) throw error;
        await this.#parts.inquiry.learn(checked.name, error, patience);
        return this.#parts.following.follow(definition, checked.name);
      }
    });
  }

  async supervise(name: string, options: SuperviseOptions): Promise<SupervisorRef> {
    return this.#parts.supervising.supervise(name, options);
  }

  supervisor(name: string): SupervisorRef {
    return this.#parts.supervising.find(name);
  }

  get groups(): Groups {
    return this.#parts.offers.groups;
  }

  get services(): Services {
    return this.#parts.offers.services;
  }

  get loadBalancer(): LoadBalancer {
    return this.#parts.offers.loadBalancer;
  }

  process<D extends ProcessDefinition>(definition: D, name: string): ClusterRef<D> {
    checkDefinition("process", "definition", definition);
    this.#parts.following.check(name);
    return this.#parts.following.follow(definition, name);
  }

  async register(
    name: string,
    process: ClusterRef | Pid,
    options: RegisterOptions = {},
  ): Promise<void> {
    const checked = checkRegister(options, this.#parts.wiring.limits);
    this.#assertOpen();
    const registration = this.#registrationOf(name, process, checked);
    // The usual case costs no timer, no signal and no turn.
    const isHere = isLocal(registration.pid, this.#parts.wiring.self);
    if (isHere && !registration.visible && checked.signal?.aborted !== true) {
      return this.#parts.naming.registerHere(registration);
    }
    await this.#within(checked.timeoutMs, checked.signal, "register", (patience) =>
      this.#parts.naming.register(registration, patience),
    );
  }

  update(name: string, meta: unknown): void {
    this.#assertOpen();
    checkText("update", "name", name);
    this.#parts.naming.update(name, copyOf(meta, this.#parts.wiring.codec));
  }

  async unregister(name: string, options: UnregisterOptions = {}): Promise<boolean> {
    const checked = checkUnregister(options, this.#parts.wiring.limits);
    checkText("unregister", "name", name);
    const { timeoutMs, signal, keys, process } = checked;
    const pid = process && ("serial" in process ? process : process.whereis());
    if (process !== undefined && pid === undefined) return false;
    return this.#within(timeoutMs, signal, "unregister", (patience) =>
      keys === "duplicate"
        ? this.#parts.naming.removeDuplicate(name, pid, patience)
        : this.#parts.naming.unregister(name, patience),
    );
  }

  lookup(name: string): NameEntry | undefined {
    checkText("lookup", "name", name);
    return this.#parts.following.locate(name);
  }

  lookupAll(name: string): readonly NameEntry[] {
    checkText("lookupAll", "name", name);
    return this.#parts.naming.all(name);
  }

  select(filter: NameFilter = {}): readonly NameEntry[] {
    checkFilter("select", filter);
    return byName(fitting(this.#parts.shared.names.under(filter.prefix ?? ""), filter));
  }

  count(filter: NameFilter = {}): number {
    checkFilter("count", filter);
    if (Object.keys(filter).length === 0) return this.#parts.shared.names.size;
    let count = 0;
    for (const entry of fitting(this.#parts.shared.names.under(filter.prefix ?? ""), filter)) {
      count += Number(entry !== undefined);
    }
    return count;
  }

  contractConflicts(): readonly ContractConflict[] {
    return this.#parts.shared.board.conflicts();
  }

  watch(
    options: { readonly prefix?: string; readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<NameEvent> {
    this.#assertOpen();
    checkOptions("watch", options, ["prefix", "signal"]);
    checkOptionalText("watch", "prefix", options.prefix);
    const { prefix = "", signal } = options;
    const present = [...this.#parts.shared.names.under(prefix)].sort((a, b) =>
      a.name < b.name ? -1 : 1,
    );
    return this.#parts.watchers.watch(prefix, present, signal);
  }

  send(name: string, message: unknown, options: SendByNameOptions = {}): void {
    checkSend(options);
    const { calls, following, naming } = this.#parts;
    const target = following.target(name);
    const others = options.to === "all" ? naming.all(name).map(({ pid }) => pid) : [];
    const first = target.locate();
    // Where nobody has the name it goes to nobody, and is counted.
    if (first !== undefined || others.length === 0) calls.send(target, "info", "", message);
    for (const pid of others) {
      if (first !== undefined && samePid(pid, first)) continue;
      calls.send({ ...target, locate: () => pid }, "info", "", message);
    }
  }

  children(): readonly ChildStatus[] {
    const found: ChildStatus[] = [];
    for (const spec of this.#parts.shared.specs.all()) {
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
    return this.#parts.ecosystems.start(name, options as unknown as EcosystemOptions<C>);
  }

  ecosystem<C extends ProcessDefinition>(name: string, coordinator: C): Ecosystem<C> | undefined {
    this.#assertOpen();
    checkText("ecosystem", "name", name);
    checkDefinition("ecosystem", "coordinator", coordinator);
    return this.#parts.ecosystems.get(name, coordinator);
  }

  ecosystems(): readonly string[] {
    return this.#parts.ecosystems.names();
  }

  bestNodeFor(workload: Workload = {}): Member {
    this.#assertOpen();
    const { placing, board } = this.#parts.shared;
    return bestNodeFor(workload, this.#parts.wiring.membership.members(), placing, board.defines);
  }

  rebalance(options: RebalanceOptions = {}): Rebalancing {
    this.#assertOpen();
    const { limits } = this.#parts.wiring;
    const checked = checkRebalance(options, limits);
    return rebalancing(limits.stepsBuffer, (tell) =>
      this.#parts.rebalancer.rebalance(checked, tell),
    );
  }

  visible(options: OperationOptions = {}): Promise<void> {
    const timeoutMs = timeoutOf(options, this.#parts.wiring.limits);
    return this.#within(timeoutMs, options.signal, "visible", ({ signal }) =>
      this.#parts.claims.store.visible({ signal, timeout: timeoutMs }),
    );
  }

  drain(options: OperationOptions = {}): Promise<void> {
    const timeoutMs = timeoutOf(options, this.#parts.wiring.limits);
    return this.#within(timeoutMs, options.signal, "drain", (patience) =>
      this.#parts.endings.drain(patience),
    );
  }

  migrate(process: ClusterRef | string, options: MigrateOptions): Migration {
    const { limits } = this.#parts.wiring;
    checkOptions("migrate", options, ["to", "timeout", "signal"]);
    const to = nodeOf("migrate", "to", options?.to);
    if (typeof process !== "string") checkReference("migrate", process);
    const name = typeof process === "string" ? process : process.name;
    const run = (patience: Patience, tell: Parameters<Parameters<typeof migration>[1]>[0]) => {
      const pid =
        typeof process === "string"
          ? this.#parts.shared.names.locate(process)?.pid
          : process.whereis();
      return this.#parts.migrations.migrate(name, pid, to, patience, tell);
    };
    const timeoutMs = timeoutOf(options, limits);
    return migration(limits.stepsBuffer, (tell) =>
      this.#within(timeoutMs, options.signal, "migrate", (patience) => run(patience, tell)),
    );
  }

  info(): RegistryInfo {
    const { metrics } = this.#parts.wiring;
    let running = 0;
    let failed = 0;
    for (const { state } of this.#parts.shared.specs.all()) {
      if (state === "running") running += 1;
      if (state === "failed") failed += 1;
    }
    return {
      processes: this.#parts.supervision.children.size,
      names: this.#parts.shared.names.size,
      children: { running, failed },
      pendingCalls: this.#parts.calls.pending,
      restarts: metrics.restarts.total,
      takeovers: metrics.takeovers.total,
      nameConflicts: metrics.conflicts.total,
      droppedMessages: metrics.dropped.total,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#parts.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #stop(name: string | undefined, pid: Pid | undefined, options: OperationOptions = {}) {
    const timeoutMs = timeoutOf(options, this.#parts.wiring.limits);
    return this.#within(timeoutMs, options.signal, "stop", (patience) =>
      this.#parts.endings.stop(name, pid, patience),
    );
  }

  #registrationOf(
    name: string,
    process: ClusterRef | Pid,
    { meta, keys, wait }: Pick<RegisterOptions, "meta" | "keys" | "wait">,
  ): Registration {
    checkProcess("register", process);
    const isPid = "serial" in process;
    const pid = isPid ? process : process.whereis();
    if (pid === undefined) throw gone(name);
    return {
      name,
      pid,
      definition: isPid ? undefined : process.definition.name,
      meta: copyOf(meta, this.#parts.wiring.codec),
      duplicate: keys === "duplicate",
      visible: wait === "visible",
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
    const patience = new Patience(this.#parts.wiring.clock, timeoutMs, signal);
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

function gone(name: string): Error {
  return coreErrors.ERR_NO_PROCESS(
    `The process to be registered as "${name}" is not running; nothing was registered`,
    { process: name },
  );
}
