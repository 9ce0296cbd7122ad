/**
 * Ecosystems: groups of processes that belong together, as one node has part in them.
 *
 * A plan says who belongs to an ecosystem; every node has it. The members are distributed children under names that follow
 * from the plan, so placing, restarting and taking over is what supervision does anyway. What is left: each node tells the
 * members that run on it their place (`Places`), and one node, the same for all, starts what is missing (`Healing`).
 *
 * Invariants: the plan is written before the workers are started and changed before any is stopped, so that a node which
 * dies in the middle leaves enough for the others to go on.
 * Limits: `ecosystemsMax`, `ecosystemWorkersMax`.
 */
import {
  checkOptionalFunction,
  checkOptions,
  isFoundationError,
  type NodeId,
  type Placement,
  type ProcessDefinition,
} from "@foundation/core";
import { createVersionedMap, type ReplicationPorts, type VersionedMap } from "@foundation/crdt";
import {
  comparePlans,
  coordinatorName,
  ecosystemOf,
  isPlanStamp,
  membersOf,
  scaled,
  spreadFor,
  type EcosystemMember,
  type EcosystemPlan,
  type PlanStamp,
} from "../../protocol/ecosystem-plan.js";
import type { ClaimStore } from "../names/claims.js";
import { checkDefinition } from "../given.js";
import { Patience } from "../patience.js";
import type { Registry } from "../registry.js";
import type { SpecStore } from "../supervision/spec-store.js";
import {
  timeoutOf,
  type OperationOptions,
  type StartOptions,
} from "../supervision/start-options.js";
import type { Wiring } from "../wiring.js";
import type { Ecosystem } from "./ecosystem.js";
import { alreadyRuns, explained, noKind, tooMany } from "./ecosystem-errors.js";
import { checkCount, ecosystemPlan } from "./ecosystem-options.js";
import type { EcosystemOptions, EcosystemProcess, EcosystemProgress } from "./ecosystem-options.js";
import { holderOf, infoOf, statusOf } from "./ecosystem-sight.js";
import { Healing } from "./healing.js";
import { Members } from "./members.js";
import { Places } from "./places.js";
import { Plans } from "./plans.js";
import { placementFor } from "./spreading.js";

/** What ecosystems are built on. */
export interface EcosystemParts {
  readonly registry: Pick<Registry, "startProcess" | "process" | "lookup">;
  readonly specs: Pick<SpecStore, "get">;
  readonly plans: VersionedMap<unknown, PlanStamp>;
  readonly defines: (node: NodeId, definition: string) => boolean;
}

/** Opens the replicated plans, and looks at each name that leads elsewhere than before. */
export function openEcosystems(
  wiring: Wiring,
  ports: ReplicationPorts,
  parts: Omit<EcosystemParts, "plans">,
  names: Pick<ClaimStore, "subscribe">,
): Ecosystems {
  const plans = createVersionedMap<unknown, PlanStamp>({
    ...ports,
    name: "registry.ecosystems",
    compare: comparePlans,
    isStamp: isPlanStamp,
  });
  const ecosystems = new Ecosystems(wiring, { ...parts, plans });
  names.subscribe(({ key }) => ecosystems.nameChanged(key));
  return ecosystems;
}

type Progress = EcosystemOptions["onProgress"];

const OPERATION: readonly string[] = ["timeout", "signal"];

/** Ecosystems of the cluster. */
export class Ecosystems {
  readonly #wiring: Wiring;
  readonly #parts: EcosystemParts;
  readonly #plans: Plans;
  readonly #healing: Healing;
  readonly #places: Places;
  readonly #members: Members;
  readonly #unsubscribe: () => void;

  constructor(wiring: Wiring, parts: EcosystemParts) {
    this.#wiring = wiring;
    this.#parts = parts;
    this.#plans = new Plans(parts.plans, wiring.self.node);
    this.#members = new Members(wiring, parts.registry);
    this.#places = new Places(wiring, {
      registry: parts.registry,
      plan: (name) => this.#plans.get(name),
      looked: (name) => this.#healing.planned(name),
    });
    this.#healing = new Healing(wiring, {
      names: () => this.#plans.names(),
      plan: (name) => this.#plans.get(name),
      statusOf: (member) => statusOf(member, parts),
      ownerOf: (identity) => parts.specs.get(identity)?.owner.node,
      defines: parts.defines,
      start: (member, placement, signal) => this.#members.start(member, { placement, signal }),
      stop: (member) => this.#members.stop(member, {}),
      forget: (name) => this.#plans.forget(name),
      look: (name) => this.#places.mark(name),
    });
    this.#unsubscribe = this.#plans.subscribe((name) => this.#places.mark(name));
    for (const name of this.#plans.names()) this.#places.mark(name);
  }

  /** A name leads elsewhere than before: its process is told its place, where it is a member's. */
  nameChanged(name: string): void {
    if (this.#plans.size === 0) return;
    const ecosystem = ecosystemOf(name);
    if (ecosystem !== undefined && this.#plans.has(ecosystem)) this.#places.mark(ecosystem);
  }

  /** The names of the ecosystems of the cluster, in order. */
  names(): readonly string[] {
    return [...this.#plans.names()].sort();
  }

  /**
   * Starts the coordinator, then the workers. When one does not start, none is left.
   * @throws {ERR_NAME_TAKEN} @throws {ERR_QUEUE_FULL} ecosystemsMax, and whatever `startProcess` throws
   */
  async start<C extends ProcessDefinition>(
    name: string,
    options: EcosystemOptions<C>,
  ): Promise<Ecosystem<C>> {
    const { codec, limits, clock } = this.#wiring;
    const spread = spreadFor(this.#nodes());
    const plan = ecosystemPlan(name, options, { limits, codec, spread });
    this.#refuse(name, plan);
    const patience = new Patience(clock, timeoutOf(options, limits), options.signal);
    const custom = typeof options.placement === "object" ? options.placement : undefined;
    try {
      await this.#startAll(name, plan, { patience, custom, onProgress: options.onProgress });
    } catch (error) {
      throw explained(name, patience, error);
    } finally {
      patience.end();
    }
    const { coordinator } = options;
    return this.#handle(name, (isKind(coordinator) ? coordinator.process : coordinator) as C);
  }

  /** A handle of one that runs, from any node; undefined when there is none. */
  get<C extends ProcessDefinition>(name: string, coordinator: C): Ecosystem<C> | undefined {
    return this.#plans.get(name)?.state === "running" ? this.#handle(name, coordinator) : undefined;
  }

  async close(): Promise<void> {
    this.#unsubscribe();
    this.#healing.close();
    this.#places.close();
    await this.#plans.close();
  }

  #handle<C extends ProcessDefinition>(name: string, coordinator: C): Ecosystem<C> {
    const { registry } = this.#parts;
    return {
      name,
      coordinator: registry.process(coordinator, coordinatorName(name)),
      workers: (process) =>
        membersOf(name, this.#plans.required(name))
          .filter(({ role, kind }) => role === "worker" && kind.process === process.name)
          .map((member) => registry.process(process, member.name)),
      info: () => infoOf(name, this.#plans.required(name), this.#parts),
      scale: (process, count, options = {}) => this.#scale(name, process, count, options),
      shutdown: (options = {}) => this.#shutdown(name, options),
    };
  }

  async #startAll(
    name: string,
    plan: EcosystemPlan,
    how: {
      readonly patience: Patience;
      readonly custom: Placement | undefined;
      readonly onProgress: Progress;
    },
  ): Promise<void> {
    const members = membersOf(name, plan);
    const [coordinator, ...workers] = members as [EcosystemMember, ...EcosystemMember[]];
    let started = 0;
    const one = async (member: EcosystemMember, ifRunning: StartOptions["ifRunning"]) => {
      const placement = placementFor(plan.spread, member, how.custom);
      await this.#members.start(member, { placement, ifRunning, ...within(how.patience) });
      started += 1;
      this.#tell(how.onProgress, { member: member.name, started, total: members.length });
    };
    try {
      // Its name decides between two starts of the ecosystem at the same time.
      await one(coordinator, "error");
      this.#write(name, plan);
      await this.#members.each(workers, (worker) => one(worker, "return"));
    } catch (error) {
      // Before anything of this start ran there is nothing to end, and what has the name is another's.
      if (started > 0 || !isFoundationError(error, "ERR_NAME_TAKEN")) {
        await this.#undo(name, [...workers.reverse(), coordinator]);
      }
      throw error;
    }
  }

  /** Whoever is told cannot end a start by a mistake of its own. */
  #tell(onProgress: Progress, progress: EcosystemProgress): void {
    try {
      onProgress?.(progress);
    } catch (cause) {
      this.#wiring.logger.error("onProgress threw", { cause });
    }
  }

  /** Ends what a start that failed has started; what cannot be ended now, healing ends. */
  async #undo(name: string, members: readonly EcosystemMember[]): Promise<void> {
    const writer = this.#plans.writerOf(name);
    const isAnothers = this.#plans.get(name) !== undefined && writer !== this.#wiring.self.node;
    if (isAnothers) return;
    try {
      await this.#shutdown(name, {}, members);
    } catch (error) {
      this.#wiring.logger.warn(`Ecosystem "${name}" did not start and could not be ended at once`, {
        cause: error,
      });
    }
  }

  async #scale(
    name: string,
    process: ProcessDefinition,
    count: number,
    options: OperationOptions & { readonly onProgress?: Progress },
  ): Promise<void> {
    const { limits, clock } = this.#wiring;
    checkDefinition("scale", "process", process);
    checkOptions("scale", options, ["onProgress", ...OPERATION]);
    checkOptionalFunction("scale", "onProgress", options.onProgress);
    const plan = this.#plans.required(name);
    const kind = plan.kinds.findIndex((each) => each.process === process.name);
    if (kind === -1) throw noKind(name, process.name, plan);
    checkCount(plan, kind, count, limits);
    const before = membersOf(name, plan);
    const spread = plan.spread === "custom" ? plan.spread : spreadFor(this.#nodes());
    const next = { ...scaled(plan, kind, count), spread };
    this.#write(name, next);
    const after = membersOf(name, next);
    const patience = new Patience(clock, timeoutOf(options, limits), options.signal);
    const isIn = (list: readonly EcosystemMember[]) => {
      const names = new Set(list.map((member) => member.name));
      return (member: EcosystemMember) => names.has(member.name);
    };
    const [wasThere, stays] = [isIn(before), isIn(after)];
    const added = after.filter((member) => !wasThere(member));
    let started = 0;
    try {
      await this.#members.each(added, async (member) => {
        const placement = placementFor(spread, member, undefined);
        const asked = { placement, ifRunning: "return", ...within(patience) } as const;
        await this.#members.start(member, asked);
        started += 1;
        this.#tell(options.onProgress, { member: member.name, started, total: added.length });
      });
      const removed = before.filter((member) => !stays(member));
      await this.#members.each(removed, (member) => this.#members.stop(member, within(patience)));
    } catch (error) {
      throw explained(name, patience, error);
    } finally {
      patience.end();
    }
  }

  async #shutdown(
    name: string,
    options: OperationOptions,
    asked?: readonly EcosystemMember[],
  ): Promise<void> {
    checkOptions("shutdown", options, OPERATION);
    const plan = this.#plans.get(name);
    const members = asked ?? (plan && [...membersOf(name, plan)].reverse());
    if (members === undefined) return;
    // Whoever reads this goes on with the end, should this node not come to it.
    if (plan?.state === "running") this.#write(name, { ...plan, state: "stopping" });
    const { limits, clock } = this.#wiring;
    const patience = new Patience(clock, timeoutOf(options, limits), options.signal);
    try {
      const stop = (member: EcosystemMember) => this.#members.stop(member, within(patience));
      await this.#members.each(members.slice(0, -1), stop);
      await this.#members.each(members.slice(-1), stop);
    } catch (error) {
      throw explained(name, patience, error);
    } finally {
      patience.end();
    }
    if (plan !== undefined) this.#plans.forget(name);
  }

  #write(name: string, plan: EcosystemPlan): void {
    if (this.#plans.put(name, plan)) this.#places.mark(name);
  }

  /** What has one of the names may not be taken for a member. */
  #refuse(name: string, plan: EcosystemPlan): void {
    const { limits, self } = this.#wiring;
    const [first] = membersOf(name, plan) as [EcosystemMember];
    const known = this.#plans.get(name);
    const { registry } = this.#parts;
    const taken = membersOf(name, plan).find((member) => registry.lookup(member.name));
    if (known !== undefined || taken !== undefined) {
      throw alreadyRuns(name, holderOf(taken ?? first, this.#parts, self));
    }
    if (this.#plans.size < limits.ecosystemsMax) return;
    throw tooMany(limits.ecosystemsMax);
  }

  /** Nodes that may run members. */
  #nodes(): number {
    const { membership } = this.#wiring;
    return membership.members().filter(({ status }) => status !== "draining").length;
  }
}

/** The options of a start or a stop within what is left of the time. */
function within(patience: Patience): OperationOptions {
  return { timeout: patience.remainingMs(), signal: patience.signal };
}

function isKind(coordinator: EcosystemOptions["coordinator"]): coordinator is EcosystemProcess {
  return "process" in coordinator;
}
