/** What a supervisor takes, gives and tells; and the check of what plain JavaScript passes. */
import { parseDuration, type Duration } from "../../duration.js";
import { invalidArgument } from "../../errors/given.js";
import type { FoundationError } from "../../errors/foundation-error.js";
import type { Runtime } from "../../ports/runtime.js";
import type { ProcessDefinition } from "../definition.js";
import type { ExitReason, Kernel, Pid } from "../kernel-port.js";
import { processLimits } from "../limits.js";
import type {
  ChildStatus,
  RestartPolicy,
  SupervisionRules,
  SupervisionStrategy,
} from "../protocol/supervision.js";

/** How a supervisor restarts. */
export interface SupervisorPolicy {
  /** @default "one-for-one" */
  readonly strategy?: SupervisionStrategy;
  /** Restarts within `within` that are still accepted; one more and it gives up. @default 3 */
  readonly maxRestarts?: number;
  /** @default "5s" */
  readonly within?: Duration;
  /** Wait before a restart, doubled with each restart within `within`. @default none */
  readonly backoff?: { readonly initial: Duration; readonly max: Duration };
}

/** A process under supervision. */
export interface ProcessChild {
  /** Unique in its supervisor. */
  readonly id: string;
  readonly process: ProcessDefinition;
  /** Given to `init` at every start. */
  readonly args?: unknown;
  /** @default "permanent" */
  readonly restart?: RestartPolicy;
  /** How long it may take to end when it is stopped; then it is killed. @default "5s" */
  readonly shutdown?: Duration | "kill";
  /** For logs and `Kernel.list`. @default the id */
  readonly label?: string;
}

/** A supervisor under supervision: it fails when it gives up, and is stopped without hurry. */
export interface SupervisorChild {
  readonly id: string;
  readonly supervisor: SupervisorPolicy & { readonly children?: readonly ChildSpec[] };
  /** @default "permanent" */
  readonly restart?: RestartPolicy;
}

export type ChildSpec = ProcessChild | SupervisorChild;

export interface SupervisorOptions extends SupervisorPolicy {
  readonly kernel: Kernel;
  readonly runtime: Pick<Runtime, "clock" | "logger">;
  /** For logs and errors. @default "supervisor" */
  readonly name?: string;
  /** Started in order; when one does not start, none is. @default [] */
  readonly children?: readonly ChildSpec[];
  /** Told what happens, synchronously and in order. */
  readonly onEvent?: (event: SupervisorEvent) => void;
  /** Gives the start up. */
  readonly signal?: AbortSignal | undefined;
}

export type SupervisorEvent =
  | { readonly type: "child-started"; readonly id: string; readonly pid: Pid | undefined }
  | { readonly type: "child-ended"; readonly id: string; readonly reason: ExitReason }
  | { readonly type: "child-restarting"; readonly id: string; readonly restarts: number }
  | { readonly type: "child-removed"; readonly id: string }
  | { readonly type: "gave-up"; readonly error: FoundationError };

/** How a supervisor ended. */
export type SupervisorEnd =
  | { readonly type: "closed" }
  /** ERR_SUPERVISOR_GAVE_UP, with the last child's error as its cause. */
  | { readonly type: "gave-up"; readonly error: FoundationError };

export interface ChildSummary {
  readonly id: string;
  readonly status: ChildStatus;
  /** Absent while it does not run, and for a supervisor. */
  readonly pid: Pid | undefined;
}

/** A running supervisor. */
export interface Supervisor extends AsyncDisposable {
  readonly name: string;
  /** Settles when nothing of it runs any more; never rejects. */
  readonly ended: Promise<SupervisorEnd>;
  /** In the order of their start. */
  children(): readonly ChildSummary[];
  /**
   * Adds a child at the end and resolves when it has started. It is forgotten when it ends for good.
   * @throws {ERR_INIT_FAILED} it did not start and is forgotten. @throws {ERR_CLOSED}
   * @throws {ERR_INVALID_ARGUMENT} the id is taken. @throws {ERR_ABORTED} it was ended meanwhile.
   * @throws {ERR_QUEUE_FULL} beyond `supervisorChildrenMax`.
   */
  startChild(child: ProcessChild): Promise<Pid>;
  /** Stops and forgets a child; false when there is none of that id. */
  endChild(id: string): Promise<boolean>;
  /** Stops all children in reverse order. Idempotent. */
  close(): Promise<void>;
}

const STRATEGIES = ["one-for-one", "one-for-all", "rest-for-one"];
const RESTARTS = ["permanent", "transient", "temporary"];

/** @throws {ERR_INVALID_ARGUMENT} */
export function rulesFrom(policy: SupervisorPolicy): SupervisionRules {
  const { strategy = "one-for-one", maxRestarts = 3, within = "5s", backoff } = policy;
  ensure("strategy", STRATEGIES.includes(strategy), `one of ${STRATEGIES.join(", ")}`, strategy);
  const isCount = Number.isSafeInteger(maxRestarts) && maxRestarts >= 0;
  const fits = isCount && maxRestarts <= processLimits.supervisorRestartsMax;
  const expected = `an integer from 0 to ${processLimits.supervisorRestartsMax}`;
  ensure("maxRestarts", fits, expected, maxRestarts);
  const withinMs = parseDuration(within, "within");
  ensure("within", withinMs > 0, "longer than nothing: restarts would never count", within);
  return {
    strategy,
    maxRestarts,
    withinMs,
    backoffMs: backoff === undefined ? 0 : parseDuration(backoff.initial, "backoff.initial"),
    backoffMsMax: backoff === undefined ? 0 : parseDuration(backoff.max, "backoff.max"),
  };
}

/** Checks one child. @throws {ERR_INVALID_ARGUMENT} */
export function checkChild(child: ChildSpec): void {
  const { id, restart = "permanent" } = child;
  ensure("id of a child", typeof id === "string" && id.length > 0, "a text", id);
  const policies = RESTARTS.join(", ");
  ensure(`restart of child "${id}"`, RESTARTS.includes(restart), `one of ${policies}`, restart);
  const isProcess = "process" in child;
  const isEither = isProcess !== "supervisor" in child;
  ensure(`child "${id}"`, isEither, "a process or a supervisor", id);
  if (isProcess) shutdownMsOf(child);
}

/** How long a child may take to end; 0 kills it at once. */
export function shutdownMsOf({ id, shutdown }: ProcessChild): number {
  if (shutdown === "kill") return 0;
  if (shutdown === undefined) return processLimits.shutdownMs;
  return parseDuration(shutdown, `shutdown of child "${id}"`);
}

function ensure(argument: string, holds: boolean, expected: string, value: unknown): void {
  if (holds) return;
  throw invalidArgument("createSupervisor", argument, expected, value);
}
