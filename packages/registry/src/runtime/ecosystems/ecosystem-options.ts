/** What `startEcosystem` takes, and the check that turns it into a plan that any node can go on from. */
import { checkOptionalFunction, checkOptions } from "@foundation/core";
import type { ArgsOf, Codec, Placement, ProcessDefinition } from "@foundation/core";
import type { RegistryLimits } from "../../limits.js";
import {
  countOf,
  ECOSYSTEM_TOPOLOGIES,
  FAULT_TOLERANCES,
  scaled,
  SPREADS,
  type EcosystemPlan,
  type EcosystemSpread,
  type EcosystemTopology,
  type FaultTolerance,
  type PlannedKind,
} from "../../protocol/ecosystem-plan.js";
import { coordinatorName, workerName } from "../../protocol/ecosystem-plan.js";
import { isRecord } from "../../protocol/is-record.js";
import { checkName } from "../../protocol/names.js";
import { checksOf } from "../checks.js";
import { isDefinition } from "../given.js";
import {
  checkStart,
  isPlacement,
  type OperationOptions,
  type StartOptions,
} from "../supervision/start-options.js";
import { copyOf } from "../wiring.js";

const { ensure, onlyKnown } = checksOf("startEcosystem");

/** A process of an ecosystem, with what it is started with. */
export interface EcosystemProcess<D extends ProcessDefinition = ProcessDefinition>
  extends Pick<StartOptions, "on" | "constraints"> {
  readonly process: D;
  /** Given to `init` at every start. */
  readonly args?: ArgsOf<D> | undefined;
}

/** Workers of one kind. */
export interface EcosystemWorkers<D extends ProcessDefinition = ProcessDefinition>
  extends EcosystemProcess<D> {
  /** How many there shall be: 0 to `ecosystemWorkersMax` in all. */
  readonly count: number;
}

/** What `startEcosystem` takes. */
export interface EcosystemOptions<
  C extends ProcessDefinition = ProcessDefinition,
  W extends readonly ProcessDefinition[] = readonly ProcessDefinition[],
> extends OperationOptions {
  /** The process all know; alone where it needs nothing to start with. */
  readonly coordinator: C | EcosystemProcess<C>;
  /** Each kind once. */
  readonly workers: { readonly [K in keyof W]: EcosystemWorkers<W[K]> };
  /** Who is told of whom. @default "tree" */
  readonly topology?: EcosystemTopology | undefined;
  /** Children of one process of a tree. @default 8 */
  readonly branching?: number | undefined;
  /**
   * What is done about a member that crashed more often than it may be restarted: start it on another node, after a pause
   * that grows, or leave it be. @default "self-healing"
   */
  readonly faultTolerance?: FaultTolerance | undefined;
  /**
   * How members are spread over nodes; a placement of your own holds for the first starts.
   * @default "local" with 1 node, "replicated" with up to 10, "partitioned" with more
   */
  readonly placement?: Exclude<EcosystemSpread, "custom"> | Placement | undefined;
  /** Told whenever one more member has started. */
  readonly onProgress?: ((progress: EcosystemProgress) => void) | undefined;
}

/** How far a start or a change of scale is. */
export interface EcosystemProgress {
  /** The name of the member that has started. */
  readonly member: string;
  readonly started: number;
  readonly total: number;
}

const KNOWN: readonly string[] = [
  ...["coordinator", "workers", "topology", "branching", "faultTolerance", "placement"],
  ...["onProgress", "timeout", "signal"],
];
const KIND: readonly string[] = ["process", "args", "on", "constraints", "count"];
const BRANCHING = 8;

/** What checking needs. */
export interface EcosystemChecks {
  readonly limits: RegistryLimits;
  readonly codec: Codec;
  /** The spread for the nodes there are now. */
  readonly spread: EcosystemSpread;
}

/**
 * The plan of an ecosystem.
 * @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NAME_INVALID} @throws {ERR_NOT_ENCODABLE} `args`
 */
export function ecosystemPlan(
  name: string,
  options: EcosystemOptions,
  checks: EcosystemChecks,
): EcosystemPlan {
  const { limits } = checks;
  onlyKnown("startEcosystem", options, KNOWN);
  checkOptions("startEcosystem", options);
  checkOptionalFunction("startEcosystem", "onProgress", options.onProgress);
  checkName(name, limits.nameBytesMax);
  const { topology = "tree", faultTolerance = "self-healing", branching = BRANCHING } = options;
  oneOf("topology", topology, ECOSYSTEM_TOPOLOGIES);
  oneOf("faultTolerance", faultTolerance, FAULT_TOLERANCES);
  const isCount = Number.isSafeInteger(branching) && branching >= 1;
  ensure("branching", isCount, "an integer of at least 1", branching);
  ensure("workers", Array.isArray(options.workers), "a list", options.workers);
  const { coordinator, workers } = options;
  ensure("coordinator", isRecord(coordinator), "what defineProcess returned", coordinator);
  const first = "process" in coordinator ? coordinator : { process: coordinator };
  const kinds = workers.map((kind, at) => kindFrom(`workers[${at}]`, kind, checks));
  let plan: EcosystemPlan = {
    ...{ state: "running", topology, faultTolerance, branching, kinds, slots: [] },
    coordinator: kindFrom("coordinator", first, checks),
    spread: spreadFrom(options.placement, checks.spread),
  };
  for (const [at, { process, count }] of workers.entries()) {
    checkCount(plan, at, count, limits);
    const twice = workers.findIndex((each) => each.process.name === process.name) < at;
    ensure(`workers[${at}]`, !twice, "of another process than those before it", process.name);
    plan = scaled(plan, at, count);
  }
  checkName(coordinatorName(name), limits.nameBytesMax);
  checkName(workerName(name, limits.ecosystemWorkersMax), limits.nameBytesMax);
  return plan;
}

/** Checks how many workers a kind shall have. @throws {ERR_INVALID_ARGUMENT} */
export function checkCount(
  plan: EcosystemPlan,
  kind: number,
  count: number,
  { ecosystemWorkersMax }: RegistryLimits,
): void {
  const others = plan.slots.filter((slot) => slot !== -1).length - countOf(plan, kind);
  const fits = Number.isSafeInteger(count) && count >= 0 && others + count <= ecosystemWorkersMax;
  const expected = `an integer of at least 0, with ${ecosystemWorkersMax} workers in all (ecosystemWorkersMax)`;
  ensure(`count of "${plan.kinds[kind]?.process}"`, fits, expected, count);
}

function kindFrom(
  argument: string,
  kind: EcosystemProcess,
  { limits, codec }: EcosystemChecks,
): PlannedKind {
  onlyKnown(argument, kind, KIND);
  const { process, args, on, constraints } = kind;
  ensure(`process of ${argument}`, isDefinition(process), "what defineProcess returned", process);
  checkStart({ on, constraints }, limits);
  const placed = { on: copyOf(on, codec), constraints: copyOf(constraints, codec) };
  return { process: process.name, args: copyOf(args, codec), ...placed };
}

function spreadFrom(
  placement: EcosystemOptions["placement"],
  byNodes: EcosystemSpread,
): EcosystemSpread {
  if (placement === undefined) return byNodes;
  if (typeof placement !== "string") {
    const expected = "a placement, such as leastLoaded(), or the name of a spread";
    ensure("placement", isPlacement(placement), expected, placement);
    return "custom";
  }
  oneOf("placement", placement, SPREADS.slice(0, 3));
  return placement;
}

function oneOf(argument: string, value: unknown, known: readonly unknown[]): void {
  ensure(argument, known.includes(value), `one of ${known.join(", ")}`, value);
}
