/**
 * ChildRun: one start of one child, from its beginning to its end.
 *
 * It reports `started` or `startFailed` at most once and, if it started or was stopped, `exited`
 * exactly once. `stop` may come at any time: a start that is under way is given up.
 */
import type { Clock, Timer } from "../../ports/clock.js";
import { coreErrors } from "../../errors/errors.js";
import { isFoundationError, type FoundationError } from "../../errors/foundation-error.js";
import type { ExitReason, Kernel, Pid } from "../kernel-port.js";
import { shutdownMsOf, type ProcessChild, type Supervisor } from "./supervisor-options.js";

/** Who wants to know. */
export interface RunReports {
  started(pid: Pid | undefined): void;
  startFailed(error: FoundationError): void;
  exited(reason: ExitReason): void;
}

export interface ChildRun {
  readonly pid: Pid | undefined;
  stop(): void;
}

/** Starts a process. */
export function runProcess(
  kernel: Kernel,
  clock: Clock,
  child: ProcessChild,
  reports: RunReports,
): ChildRun {
  return new ProcessRun(kernel, clock, child, reports);
}

class ProcessRun implements ChildRun {
  readonly #kernel: Kernel;
  readonly #clock: Clock;
  readonly #child: ProcessChild;
  readonly #reports: RunReports;
  readonly #start = new AbortController();
  #grace: Timer | undefined = undefined;
  #stopping = false;
  pid: Pid | undefined = undefined;

  constructor(kernel: Kernel, clock: Clock, child: ProcessChild, reports: RunReports) {
    this.#kernel = kernel;
    this.#clock = clock;
    this.#child = child;
    this.#reports = reports;
    const { process, args, id, label = id } = child;
    kernel.spawn(process, args, { label, signal: this.#start.signal }).then(
      (pid) => this.#started(pid),
      (error: unknown) => this.#failed(error),
    );
  }

  stop(): void {
    this.#stopping = true;
    if (this.pid === undefined) this.#start.abort();
    else this.#end(this.pid);
  }

  #started(pid: Pid): void {
    this.pid = pid;
    this.#kernel.monitor(pid, (reason) => {
      this.#grace?.cancel();
      this.pid = undefined;
      this.#reports.exited(reason);
    });
    if (this.#stopping) this.#end(pid);
    else this.#reports.started(pid);
  }

  #failed(thrown: unknown): void {
    if (this.#stopping) this.#reports.exited({ type: "killed" });
    else this.#reports.startFailed(asError(thrown, this.#child.id));
  }

  #end(pid: Pid): void {
    const graceMs = shutdownMsOf(this.#child);
    if (graceMs === 0) {
      this.#kernel.exit(pid, { type: "killed" });
      return;
    }
    this.#grace = this.#clock.setTimer(graceMs, () => this.#kernel.exit(pid, { type: "killed" }));
    this.#kernel.exit(pid, { type: "shutdown" });
  }
}

/** Starts a supervisor, which `start` makes. */
export function runSupervisor(
  id: string,
  start: (signal: AbortSignal) => Promise<Supervisor>,
  reports: RunReports,
): ChildRun {
  const controller = new AbortController();
  let supervisor: Supervisor | undefined;
  let stopping = false;
  const close = () => {
    supervisor?.close().catch(() => {});
  };
  start(controller.signal).then(
    (started) => {
      supervisor = started;
      started.ended
        .then((end) =>
          reports.exited(end.type === "closed" ? { type: "shutdown" } : { ...end, type: "error" }),
        )
        .catch(() => {});
      if (stopping) close();
      else reports.started(undefined);
    },
    (error: unknown) => {
      if (stopping) reports.exited({ type: "killed" });
      else reports.startFailed(asError(error, id));
    },
  );
  return {
    pid: undefined,
    stop() {
      stopping = true;
      controller.abort();
      close();
    },
  };
}

function asError(thrown: unknown, id: string): FoundationError {
  if (isFoundationError(thrown)) return thrown as FoundationError;
  return coreErrors.ERR_INIT_FAILED(
    `Child "${id}" did not start: ${String(thrown)}`,
    { process: id, thrown: String(thrown) },
    thrown,
  );
}
