/**
 * createSupervisor: keeps children of one node running, and gives up in the open when it cannot.
 *
 * The shell around `protocol/supervision.ts`: it turns effects into starts, stops and timers, and
 * what happens to children into inputs. Children may be supervisors, which makes a tree.
 *
 * Invariant: at most one run of a child exists at any time.
 */
import { coreErrors } from "../../errors/errors.js";
import type { FoundationError } from "../../errors/foundation-error.js";
import type { Timer } from "../../ports/clock.js";
import type { Pid } from "../kernel-port.js";
import { processLimits } from "../limits.js";
import {
  Supervision,
  type SupervisedChild,
  type SupervisionEffect,
  type SupervisionInput,
  type SupervisionOutcome,
} from "../protocol/supervision.js";
import { runProcess, runSupervisor, type ChildRun, type RunReports } from "./child-run.js";
import {
  checkChild,
  rulesFrom,
  type ChildSpec,
  type ChildSummary,
  type ProcessChild,
  type Supervisor,
  type SupervisorEnd,
  type SupervisorEvent,
  type SupervisorOptions,
} from "./supervisor-options.js";

/**
 * Starts a supervisor and its children; resolves when all have started.
 *
 * @throws {ERR_INIT_FAILED} a child did not start; those before it were stopped again.
 * @throws {ERR_INVALID_ARGUMENT} an option is not well formed.
 * @throws {ERR_SUPERVISOR_GAVE_UP} children kept ending before all had started.
 * @throws {ERR_ABORTED} `signal` fired. @throws {ERR_CLOSED} the kernel is closed.
 *
 * @example
 * ```ts
 * import { createSupervisor, defineProcess, type Kernel } from "@foundation/core"
 * import type { Runtime } from "@foundation/core/ports"
 *
 * const worker = defineProcess({ name: "docs.worker", init: () => ({ jobs: 0 }) })
 * export const supervise = (kernel: Kernel, runtime: Runtime) =>
 *   createSupervisor({
 *     kernel, runtime, name: "pool", strategy: "one-for-one", maxRestarts: 3, within: "5s",
 *     children: [{ id: "a", process: worker }, { id: "b", process: worker, restart: "transient" }],
 *   })
 * ```
 */
export async function createSupervisor(options: SupervisorOptions): Promise<Supervisor> {
  return new TreeSupervisor(options).start();
}

/** A caller that waits for a child's first start, or for its end. */
interface Starter {
  resolve(pid: Pid): void;
  reject(error: FoundationError): void;
}

class TreeSupervisor implements Supervisor {
  readonly name: string;
  readonly ended: Promise<SupervisorEnd>;
  readonly #options: SupervisorOptions;
  readonly #supervision: Supervision;
  readonly #specs = new Map<string, ChildSpec>();
  readonly #runs = new Map<string, ChildRun>();
  readonly #backoffs = new Map<string, Timer>();
  readonly #starters = new Map<string, Starter>();
  readonly #enders = new Map<string, (() => void)[]>();
  readonly #withinMs: number;
  readonly #inputs: SupervisionInput[] = [];
  #onReady: () => void = () => {};
  #onStartFailed: (error: FoundationError) => void = () => {};
  #onEnded: (end: SupervisorEnd) => void = () => {};
  #lastError: FoundationError | undefined = undefined;
  #failure: FoundationError | undefined = undefined;
  #stopping = false;

  constructor(options: SupervisorOptions) {
    const { name = "supervisor", children = [] } = options;
    this.name = name;
    this.#options = options;
    const rules = rulesFrom(options);
    this.#withinMs = rules.withinMs;
    for (const child of children) {
      checkChild(child);
      this.#requireFree(child.id);
      this.#specs.set(child.id, child);
    }
    this.#supervision = new Supervision(
      rules,
      children.map((child) => supervised(child, false)),
    );
    this.ended = new Promise((resolve) => {
      this.#onEnded = resolve;
    });
  }

  start(): Promise<Supervisor> {
    const { signal } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#failure ??= coreErrors.ERR_ABORTED(
          `The start of supervisor "${this.name}" was given up`,
          { target: this.name },
          signal?.reason,
        );
        this.#stop();
      };
      const settle = () => signal?.removeEventListener("abort", onAbort);
      this.#onReady = () => {
        settle();
        this.#onStartFailed = () => {};
        resolve(this);
      };
      this.#onStartFailed = (error) => {
        settle();
        reject(error);
      };
      this.#handle({ type: "start" });
      if (signal?.aborted) onAbort();
      else signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  children(): readonly ChildSummary[] {
    return this.#supervision.children.map(({ id, status }) => ({
      id,
      status,
      pid: this.#runs.get(id)?.pid,
    }));
  }

  async startChild(child: ProcessChild): Promise<Pid> {
    checkChild(child);
    this.#requireFree(child.id);
    if (this.#stopping) throw this.#closed(child.id);
    const limit = processLimits.supervisorChildrenMax;
    if (this.#specs.size >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `Supervisor "${this.name}" has ${limit} children (supervisorChildrenMax) and takes no more`,
        { queue: "children", limit, unit: "messages" },
      );
    }
    return new Promise((resolve, reject) => {
      this.#specs.set(child.id, child);
      this.#starters.set(child.id, { resolve, reject });
      this.#handle({ type: "add", child: supervised(child, true) });
    });
  }

  async endChild(id: string): Promise<boolean> {
    if (!this.#specs.has(id)) return false;
    await new Promise<void>((resolve) => {
      const waiting = this.#enders.get(id) ?? [];
      this.#enders.set(id, [...waiting, resolve]);
      this.#handle({ type: "remove", id });
    });
    return true;
  }

  async close(): Promise<void> {
    this.#stop();
    await this.ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#handle({ type: "stop" });
  }

  /** One input at a time: effects may call user code, which may call this supervisor. */
  #handle(input: SupervisionInput): void {
    this.#inputs.push(input);
    if (this.#inputs.length > 1) return;
    while (this.#inputs[0] !== undefined) {
      const now = this.#options.runtime.clock.now();
      for (const effect of this.#supervision.handle(this.#inputs[0], now)) this.#run(effect);
      this.#inputs.shift();
    }
  }

  #run(effect: SupervisionEffect): void {
    switch (effect.type) {
      case "start-child":
        this.#startRun(effect.id);
        return;
      case "stop-child":
        this.#runs.get(effect.id)?.stop();
        return;
      case "set-backoff":
        this.#setBackoff(effect.id, effect.delayMs);
        return;
      case "restarting":
        this.#tell({ type: "child-restarting", id: effect.id, restarts: effect.restarts });
        return;
      case "removed":
        this.#forget(effect.id);
        return;
      case "ready":
        this.#onReady();
        return;
      case "gave-up":
        this.#giveUp(effect.restarts);
        return;
      case "stopped":
        this.#finish(effect.outcome);
        return;
      default:
        effect satisfies never;
    }
  }

  #startRun(id: string): void {
    const child = this.#specs.get(id) as ChildSpec;
    const { kernel, runtime } = this.#options;
    const reports = this.#reportsOf(id);
    if ("process" in child) {
      this.#runs.set(id, runProcess(kernel, runtime.clock, child, reports));
      return;
    }
    const name = `${this.name}/${id}`;
    const start = (signal: AbortSignal) =>
      createSupervisor({ ...child.supervisor, kernel, runtime, name, signal });
    this.#runs.set(id, runSupervisor(id, start, reports));
  }

  #reportsOf(id: string): RunReports {
    return {
      started: (pid) => {
        this.#tell({ type: "child-started", id, pid });
        if (pid !== undefined) this.#starters.get(id)?.resolve(pid);
        this.#starters.delete(id);
        this.#handle({ type: "started", id });
      },
      startFailed: (error) => {
        this.#runs.delete(id);
        this.#lastError = error;
        this.#starters.get(id)?.reject(error);
        this.#starters.delete(id);
        if (error.code === "ERR_CLOSED") {
          // A closed kernel starts nothing any more: trying again would look like a failure.
          this.#failure ??= error;
          this.#stop();
        }
        this.#handle({ type: "start-failed", id });
      },
      exited: (reason) => {
        this.#runs.delete(id);
        if (reason.type === "error") this.#lastError = reason.error;
        this.#tell({ type: "child-ended", id, reason });
        this.#handle({ type: "exited", id, reason });
      },
    };
  }

  #setBackoff(id: string, delayMs: number): void {
    this.#backoffs.get(id)?.cancel();
    const timer = this.#options.runtime.clock.setTimer(delayMs, () => {
      this.#backoffs.delete(id);
      this.#handle({ type: "backoff-over", id });
    });
    this.#backoffs.set(id, timer);
  }

  #forget(id: string): void {
    this.#specs.delete(id);
    this.#backoffs.get(id)?.cancel();
    this.#backoffs.delete(id);
    this.#starters.get(id)?.reject(this.#endedWhileStarting(id));
    this.#starters.delete(id);
    this.#tell({ type: "child-removed", id });
    this.#settleEnders(id);
  }

  #settleEnders(id: string): void {
    for (const resolve of this.#enders.get(id) ?? []) resolve();
    this.#enders.delete(id);
  }

  #giveUp(restarts: number): void {
    this.#stopping = true;
    const withinMs = this.#withinMs;
    const error = coreErrors.ERR_SUPERVISOR_GAVE_UP(
      `Supervisor "${this.name}" gave up: ${restarts} restarts within ${withinMs} ms are more than ` +
        "maxRestarts allows; its children are stopped",
      { supervisor: this.name, restarts, withinMs },
      this.#lastError,
    );
    this.#failure = error;
    this.#options.runtime.logger.error(error.message, {
      error: error.toJSON(),
      cause: this.#lastError,
    });
    this.#tell({ type: "gave-up", error });
  }

  /** Nothing runs: everybody who still waits is told. */
  #finish(outcome: SupervisionOutcome): void {
    this.#stopping = true;
    for (const timer of this.#backoffs.values()) timer.cancel();
    this.#backoffs.clear();
    for (const [id, starter] of this.#starters) starter.reject(this.#closed(id));
    this.#starters.clear();
    for (const id of [...this.#enders.keys()]) this.#settleEnders(id);
    const gaveUp = outcome === "gave-up" ? this.#failure : undefined;
    this.#onEnded(gaveUp === undefined ? { type: "closed" } : { type: "gave-up", error: gaveUp });
    this.#onStartFailed(this.#failure ?? this.#lastError ?? this.#closed(this.name));
  }

  #tell(event: SupervisorEvent): void {
    const { logger } = this.#options.runtime;
    if (event.type === "child-restarting") {
      logger.warn(`Supervisor "${this.name}" restarts "${event.id}"`, {
        restarts: event.restarts,
        withinMs: this.#withinMs,
        cause: this.#lastError,
      });
    }
    try {
      this.#options.onEvent?.(event);
    } catch (thrown) {
      logger.error(`The listener of supervisor "${this.name}" threw`, { cause: thrown });
    }
  }

  #requireFree(id: string): void {
    if (!this.#specs.has(id)) return;
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `Supervisor "${this.name}" has a child "${id}" already: end it first, or choose another id`,
      { argument: "id", expected: "an id no other child has", found: id },
    );
  }

  #closed(id: string): FoundationError {
    return coreErrors.ERR_CLOSED(
      `Supervisor "${this.name}" has stopped, so "${id}" does not run`,
      { what: `supervisor ${this.name}` },
      this.#failure,
    );
  }

  #endedWhileStarting(id: string): FoundationError {
    return coreErrors.ERR_ABORTED(
      `Child "${id}" of supervisor "${this.name}" was ended before it had started`,
      { target: id },
    );
  }
}

function supervised(child: ChildSpec, dynamic: boolean): SupervisedChild {
  return { id: child.id, restart: child.restart ?? "permanent", dynamic };
}
