/** What `supervise` takes, and the check that turns it into a plan: plain data that any node can go on from. */
import {
  checkOptionalFunction,
  checkOptions,
  parseDuration,
  processLimits,
  type ArgsOf,
  type Codec,
  type Duration,
  type ProcessDefinition,
} from "@foundation/core";
import type { RegistryLimits } from "../../limits.js";
import type { ChildRules } from "../../protocol/child-rules.js";
import type { On, Restart } from "../../protocol/child-spec.js";
import { isRecord } from "../../protocol/is-record.js";
import {
  TREE,
  type PlannedChild,
  type TreePlan,
  type TreeStrategy,
} from "../../protocol/tree-plan.js";
import { checksOf } from "../checks.js";
import { isDefinition } from "../given.js";
import {
  checkStart,
  type OperationOptions,
  type StartOptions,
} from "../supervision/start-options.js";
import { copyOf } from "../wiring.js";

const { ensure, onlyKnown } = checksOf("supervise");

/** How a tree restarts. */
export interface TreePolicy {
  /**
   * Who is restarted when a child ends: itself; all; itself and those after it. `dynamic`: itself, in a tree whose
   * children come and go. @default "one-for-one"
   */
  readonly strategy?: TreeStrategy;
  /** Restarts within `within`, of all children together, that are still accepted; one more and it gives up. @default 3 */
  readonly maxRestarts?: number;
  /** @default "5s" */
  readonly within?: Duration;
  /** Wait before a restart, doubled with each restart within `within`. @default none */
  readonly backoff?: { readonly initial: Duration; readonly max: Duration };
  /** Children it has at most, by itself. @default the limit treeChildrenMax */
  readonly maxChildren?: number;
}

/** A process in a tree. */
export interface TreeProcess<D extends ProcessDefinition = ProcessDefinition>
  extends Pick<StartOptions, "on" | "restart" | "constraints" | "consistency" | "partition"> {
  /** Unique in its supervisor, without "/": its identity is `<supervisor>/<id>`. */
  readonly id: string;
  readonly process: D;
  /** Given to `init` at every start. */
  readonly args?: ArgsOf<D> | undefined;
  /** How long it may take to end when it is stopped; then it is killed. @default "5s" */
  readonly shutdown?: Duration | "kill" | undefined;
  /**
   * Placed by itself on one of the nodes that define it; otherwise each start of it is where its supervisor runs then. Moved
   * by hand or by a drain, the two go apart until its next start. @default true
   */
  readonly distribute?: boolean | undefined;
}

/** A supervisor in a tree: it fails when it gives up. */
export interface TreeSupervisor {
  readonly id: string;
  readonly supervisor: TreePolicy & { readonly children?: readonly TreeChildOptions[] };
  /** @default "permanent" */
  readonly restart?: Restart;
}

export type TreeChildOptions = TreeProcess | TreeSupervisor;

/** What `supervise` takes. */
export interface SuperviseOptions
  extends TreePolicy,
    OperationOptions,
    Pick<StartOptions, "on" | "partition" | "ifRunning"> {
  /** Started in order; when one does not start, none is. @default [] */
  readonly children?: readonly TreeChildOptions[] | undefined;
  /** Told whenever one more child has started, as this node learns of it. */
  readonly onProgress?: ((progress: TreeProgress) => void) | undefined;
}

/** How far the start of a tree is. */
export interface TreeProgress {
  readonly id: string;
  readonly started: number;
  readonly total: number;
}

interface Checks {
  readonly limits: RegistryLimits;
  readonly codec: Codec;
}

const STRATEGIES = ["one-for-one", "one-for-all", "rest-for-one", "dynamic"];
const POLICY = ["strategy", "maxRestarts", "within", "backoff", "maxChildren", "children"];
const ASKED = [...POLICY, "on", "partition", "ifRunning", "onProgress", "timeout", "signal"];
const PROCESS = ["id", "process", "args", "restart", "on", "constraints", "consistency"];
const PROCESS_ALL = [...PROCESS, "partition", "shutdown", "distribute"];

/** The plan of a tree. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE} arguments of a child */
export function planOf(options: SuperviseOptions, checks: Checks): TreePlan {
  onlyKnown("supervise", options, ASKED);
  checkOptions("supervise", options);
  checkOptionalFunction("supervise", "onProgress", options.onProgress);
  return checkPolicy(options, checks, 1);
}

/** One child. @throws {ERR_INVALID_ARGUMENT} @throws {ERR_NOT_ENCODABLE} */
export function plannedChild(child: TreeChildOptions, checks: Checks, depth = 1): PlannedChild {
  ensure("child", isRecord(child), "an object", child);
  const { id } = child;
  const isText = typeof id === "string" && id.length > 0 && !id.includes("/");
  ensure("id of a child", isText, 'a text without "/"', id);
  if (!("supervisor" in child)) return plannedProcess(child, checks);
  ensure(`child "${id}"`, !("process" in child), "a process or a supervisor, not both", id);
  onlyKnown(`child "${id}"`, child, ["id", "supervisor", "restart"]);
  ensure(`supervisor of child "${id}"`, isRecord(child.supervisor), "an object", child.supervisor);
  onlyKnown(`supervisor of child "${id}"`, child.supervisor, POLICY);
  const { restart } = checkStart({ restart: child.restart }, checks.limits);
  const args = checkPolicy(child.supervisor, checks, depth + 1);
  const shutdownMs = checks.limits.stopGraceMs;
  const place = { on: undefined, rules: undefined, distribute: true };
  return { id, definition: TREE, args, restart, shutdownMs, ...place };
}

function plannedProcess(child: TreeProcess, { limits, codec }: Checks): PlannedChild {
  const { id, process, on, constraints, consistency, partition, distribute = true } = child;
  onlyKnown(`child "${id}"`, child, PROCESS_ALL);
  ensure(`process of child "${id}"`, isDefinition(process), "what defineProcess returned", process);
  const isChoice = typeof distribute === "boolean";
  ensure(`distribute of child "${id}"`, isChoice, "true or false", distribute);
  const asked = { on, constraints, consistency, partition, distribute };
  const checked = checkStart({ ...asked, restart: child.restart }, limits);
  return {
    id,
    definition: process.name,
    args: copyOf(child.args, codec),
    restart: checked.restart,
    on: checked.on,
    rules: checked.rules,
    distribute,
    shutdownMs: shutdownMsOf(child, limits),
  };
}

function checkPolicy(
  policy: TreePolicy & { readonly children?: readonly TreeChildOptions[] | undefined },
  checks: Checks,
  depth: number,
): TreePlan {
  const { strategy = "one-for-one", maxRestarts = 3, within = "5s", backoff } = policy;
  const { treeChildrenMax, treeDepthMax } = checks.limits;
  const { maxChildren = treeChildrenMax, children = [] } = policy;
  ensure("strategy", STRATEGIES.includes(strategy), `one of ${STRATEGIES.join(", ")}`, strategy);
  const restarts = processLimits.supervisorRestartsMax;
  const isFew = isCount(maxRestarts) && maxRestarts <= restarts;
  ensure("maxRestarts", isFew, `an integer from 0 to ${restarts}`, maxRestarts);
  const withinMs = parseDuration(within, "within");
  ensure("within", withinMs > 0, "longer than nothing: restarts would never count", within);
  const fits = isCount(maxChildren) && maxChildren <= treeChildrenMax;
  ensure("maxChildren", fits, `an integer up to ${treeChildrenMax} (treeChildrenMax)`, maxChildren);
  ensure("children", Array.isArray(children), "a list", children);
  const isShort = children.length <= maxChildren;
  ensure("children", isShort, `at most ${maxChildren} (maxChildren)`, children.length);
  const isShallow = depth <= treeDepthMax;
  ensure("children", isShallow, `supervisors at most ${treeDepthMax} deep (treeDepthMax)`, depth);
  ensure("backoff", backoff === undefined || isRecord(backoff), "an object", backoff);
  const planned = children.map((child) => plannedChild(child, checks, depth));
  const twice = planned.find(({ id }, index) => planned.findIndex((one) => one.id === id) < index);
  ensure("children", twice === undefined, "children with different ids", twice?.id);
  return {
    strategy,
    maxRestarts,
    withinMs,
    backoffMs: backoff === undefined ? 0 : parseDuration(backoff.initial, "backoff.initial"),
    backoffMsMax: backoff === undefined ? 0 : parseDuration(backoff.max, "backoff.max"),
    childrenMax: maxChildren,
    children: planned,
  };
}

/** Rules of the tree's own spec. */
export function rulesOfTree(
  options: SuperviseOptions,
  limits: RegistryLimits,
): ChildRules | undefined {
  const { partition } = options;
  return checkStart(partition === undefined ? {} : { partition }, limits).rules;
}

/** Where the tree itself may run. */
export function onOfTree({ on }: SuperviseOptions, limits: RegistryLimits): On | undefined {
  return checkStart(on === undefined ? {} : { on }, limits).on;
}

function shutdownMsOf({ id, shutdown }: TreeProcess, limits: RegistryLimits): number {
  if (shutdown === "kill") return 0;
  if (shutdown === undefined) return limits.stopGraceMs;
  return Math.round(parseDuration(shutdown, `shutdown of child "${id}"`));
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
