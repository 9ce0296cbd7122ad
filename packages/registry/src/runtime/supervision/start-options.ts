/** What `startProcess` and its like take, and how it is checked. */
import {
  checkOptions,
  invalidArgument,
  parseDuration,
  type Duration,
  type Placement,
  type ProcessDefinition,
} from "@foundation/core";
import type { RegistryLimits } from "../../limits.js";
import type { On, Restart } from "../../protocol/child-spec.js";
import { rulesOf, type ChildRules } from "../../protocol/child-rules.js";
import { parseConstraints, problemOf, type Constraints } from "../../protocol/constraints.js";
import { isPartitionPolicy, type PartitionPolicy } from "../../protocol/partition.js";
import { isRecord } from "../../protocol/is-record.js";
import { checkName } from "../../protocol/names.js";
import { isOn } from "../../protocol/parse-spec.js";

/** How long an operation may take, and what makes it stop. */
export interface OperationOptions {
  /** @default "5s" */
  readonly timeout?: Duration | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `startProcess`. */
export interface StartOptions extends OperationOptions {
  /** The name it is found under in the whole cluster, 1 to 255 bytes. @default none */
  readonly name?: string | undefined;
  /** Placed on one of the nodes that define it, and started elsewhere when that node dies. @default false */
  readonly distribute?: boolean | undefined;
  /** Where it may run: a node, or nodes with a role or with labels. @default anywhere */
  readonly on?: On | undefined;
  /** Chooses the node of the first start. @default the registry's placement */
  readonly placement?: Placement | undefined;
  /**
   * When it is started again after it ended: always, after an unorderly end, or never.
   * @default "permanent"
   */
  readonly restart?: Restart | undefined;
  /**
   * What the promise waits for: that it runs and the others were sent its spec, or that every member
   * has confirmed that it can find it. @default "started"
   */
  readonly wait?: "started" | "visible" | undefined;
  /**
   * What happens when the name is taken: an error, or the reference to what runs if it has the same
   * definition; then this node knows from what it was started, and can go on with it. @default "error"
   */
  readonly ifRunning?: "error" | "return" | undefined;
  /** Kept beside the name, for `lookup` and `select`: plain data. */
  readonly meta?: unknown;
  /**
   * `strong`: at most one instance has effect, even across a partition, by a lease of the name store.
   * @default "eventual"
   */
  readonly consistency?: "eventual" | "strong" | undefined;
  /** What it does where its cluster is cut in two. @default "run-anywhere" */
  readonly partition?: PartitionPolicy | undefined;
  /**
   * What a node must offer beside `on`, and how the children share the nodes. They hold wherever the
   * child goes later, but for load, which is asked of at the first start and when rebalancing.
   * A process with constraints is a child of the cluster: `distribute` is true. @default nothing
   */
  readonly constraints?: Constraints | undefined;
}

/** Options with every default in its place. */
export interface CheckedStart {
  readonly name: string | undefined;
  readonly distribute: boolean;
  readonly on: On | undefined;
  readonly placement: Placement | undefined;
  readonly restart: Restart;
  readonly wait: "started" | "visible";
  readonly ifRunning: "error" | "return";
  readonly meta: unknown;
  readonly rules: ChildRules | undefined;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

const KNOWN: readonly string[] = [
  "name",
  "distribute",
  "on",
  "placement",
  "restart",
  "wait",
  "ifRunning",
  "meta",
  "consistency",
  "partition",
  "constraints",
  "timeout",
  "signal",
];

/** Checks what a caller passed. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NAME_INVALID} */
export function checkStart(options: StartOptions, limits: RegistryLimits): CheckedStart {
  checkOptions("startProcess", options, KNOWN);
  if (options.name !== undefined) checkName(options.name, limits.nameBytesMax);
  oneOf("restart", options.restart, ["permanent", "transient", "temporary"]);
  oneOf("wait", options.wait, ["started", "visible"]);
  oneOf("ifRunning", options.ifRunning, ["error", "return"]);
  oneOf("distribute", options.distribute, [true, false]);
  if (options.on !== undefined) checkOn(options.on);
  const { placement } = options;
  if (placement !== undefined && !isPlacement(placement)) {
    throw invalid("placement", "a placement, such as leastLoaded()", placement);
  }
  if (options.wait === "visible" && options.name === undefined && options.distribute !== true) {
    throw invalid("wait", '"started" for a process without a name', "visible");
  }
  return {
    name: options.name,
    distribute: distributeFrom(options),
    on: options.on,
    placement: options.placement,
    restart: options.restart ?? "permanent",
    wait: options.wait ?? "started",
    ifRunning: options.ifRunning ?? "error",
    meta: options.meta,
    rules: rulesFrom(options),
    timeoutMs: timeoutOf(options, limits),
    signal: options.signal,
  };
}

/**
 * What stands alone where arguments belong, for a definition that seems to take none: nothing that reads like options, which
 * would be given to `init` and forgotten. @throws {ERR_INVALID_ARGUMENT}
 */
export function checkArgs(definition: ProcessDefinition, args: unknown): void {
  if (definition.init?.length !== 0 || !isRecord(args)) return;
  const given = Object.keys(args);
  if (given.length === 0 || given.some((option) => !KNOWN.includes(option))) return;
  const expected =
    `no options, which come third: startProcess(definition, undefined, { ${given.join(", ")} }); ` +
    "if these are arguments, say so by {} in the third place";
  throw invalid("the second argument", expected, `${given.join(", ")} of "${definition.name}"`);
}

/** What the cluster guarantees of a child is of a child of the cluster. */
function distributeFrom(options: StartOptions): boolean {
  const { distribute, consistency, partition, constraints } = options;
  const isClusters =
    consistency === "strong" || partition !== undefined || constraints !== undefined;
  if (isClusters && distribute === false) {
    const expected = "true for a strong process and for one with `partition` or `constraints`";
    throw invalid("distribute", expected, false);
  }
  return distribute ?? isClusters;
}

function rulesFrom(options: StartOptions): ChildRules | undefined {
  const { consistency, partition, constraints } = options;
  oneOf("consistency", consistency, ["eventual", "strong"]);
  if (partition !== undefined && !isPartitionPolicy(partition)) {
    throw invalid("partition", "the name of a partition policy", partition);
  }
  const asked = constraints === undefined ? undefined : parseConstraints(constraints);
  if (constraints !== undefined && asked === undefined) {
    const expected = `as described (${problemOf(constraints)})`;
    throw invalid("constraints", expected, constraints);
  }
  const strong = consistency === "strong" ? consistency : undefined;
  return rulesOf({ consistency: strong, partition, constraints: asked });
}

/** The timeout in milliseconds. @throws {ERR_INVALID_ARGUMENT} */
export function timeoutOf(options: OperationOptions | undefined, limits: RegistryLimits): number {
  checkOptions("options", options);
  const timeout = options?.timeout;
  return timeout === undefined ? limits.timeoutMs : parseDuration(timeout, "timeout");
}

export function isPlacement(value: unknown): value is Placement {
  const isObject = typeof value === "object" && value !== null;
  return isObject && typeof (value as { readonly place?: unknown }).place === "function";
}

function checkOn(on: On): void {
  const expected = "a node id, or an object with a role or labels that are texts";
  if (!isOn(on) || Array.isArray(on)) throw invalid("on", expected, on);
  if (typeof on === "string") return;
  const unknown = Object.keys(on).find((key) => key !== "role" && key !== "labels");
  if (unknown !== undefined) throw invalid("on", expected, `the option ${unknown}`);
}

function oneOf(argument: string, value: unknown, allowed: readonly unknown[]): void {
  if (value === undefined || allowed.includes(value)) return;
  throw invalid(
    argument,
    `one of ${allowed.map((each) => JSON.stringify(each)).join(", ")}`,
    value,
  );
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("startProcess", argument, expected, value);
}
