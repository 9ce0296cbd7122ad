/**
 * Ending: how processes end, and who is told in which order.
 *
 * The state changes at once: from then on the process takes no message and runs nothing. What
 * others must be told goes into one queue that a microtask empties in order: first the answers to
 * the calls of the process, then what its end means for linked processes, then its monitors. So
 * nobody's callback runs inside `exit`, and DOWN comes after the last answer.
 *
 * Invariant: a chain of links ends without recursion, however long it is.
 */
import type { Logger } from "../ports/logger.js";
import { RenewedMap } from "../renewed-map.js";
import { callLost, neverRan, told } from "./kernel-errors.js";
import type { KernelCounters } from "./kernel-counters.js";
import type { CallOutcome, Delivery, ExitReason, Pid } from "./kernel-port.js";
import type { KernelLimits } from "./limits.js";
import type { LocalProcess, Monitor } from "./local-process.js";
import { Links } from "./protocol/links.js";

type Call = Extract<Delivery, { type: "call" }>;

export class Ending {
  /** Processes that have not ended, in the order of their start. */
  readonly processes = new RenewedMap<number, LocalProcess>();
  readonly links = new Links();
  /** Why the last ones ended: `endedReasonsMax` of them. */
  readonly reasons = new RenewedMap<number, ExitReason>();
  readonly #logger: Logger;
  readonly #counters: KernelCounters;
  readonly #limits: KernelLimits;
  /** Asks a process to end in order; what that takes is not this class's business. */
  readonly #ask: (process: LocalProcess, reason: ExitReason) => void;
  #notices: (() => void)[] = [];
  #due: { process: LocalProcess; reason: ExitReason }[] | undefined = undefined;

  constructor(
    logger: Logger,
    counters: KernelCounters,
    limits: KernelLimits,
    ask: (process: LocalProcess, reason: ExitReason) => void,
  ) {
    this.#logger = logger;
    this.#counters = counters;
    this.#limits = limits;
    this.#ask = ask;
  }

  /** Ends a process now, and with it those that are linked to it. */
  end(process: LocalProcess, reason: ExitReason): void {
    if (this.#due !== undefined) {
      this.#due.push({ process, reason });
      return;
    }
    this.#due = [{ process, reason }];
    try {
      for (let next = this.#due.shift(); next !== undefined; next = this.#due.shift()) {
        this.#endOne(next.process, next.reason);
      }
    } finally {
      this.#due = undefined;
    }
  }

  /** Ends `process` because `peer`, which it is or was to be linked to, ended for `reason`. */
  endLinked(process: LocalProcess, peer: Pid, reason: ExitReason): void {
    this.end(process, reason.type === "linked" ? reason : { type: "linked", pid: peer, reason });
  }

  /** Answers the calls that wait and will never run. */
  refuseQueued(process: LocalProcess): void {
    if (process.mailbox.length === 0) return;
    const waiting = process.mailbox.drain();
    this.#counters.dropped("ended", waiting.length);
    this.later(() => {
      for (const message of waiting) {
        if (message.type === "call") this.answer(message, { ok: false, error: neverRan(process) });
      }
    });
  }

  /** Tells the caller that its call begins. */
  announce(call: Call): void {
    try {
      call.started?.();
    } catch (thrown) {
      this.#logger.error(`The caller of "${call.handler}" threw when its call began`, {
        cause: thrown,
      });
    }
  }

  answer(call: Call, outcome: CallOutcome): void {
    try {
      call.reply(outcome);
    } catch (thrown) {
      this.#logger.error(`The receiver of the answer to "${call.handler}" threw`, {
        cause: thrown,
      });
    }
  }

  /** What takes the messages of a process that moved away failed. */
  reportForward(process: LocalProcess, thrown: unknown): void {
    this.#logger.error(`A message for ${process.title}, which moved away, could not be given on`, {
      cause: thrown,
    });
  }

  tell(monitor: Monitor, reason: ExitReason): void {
    if (!monitor.active) return;
    monitor.active = false;
    try {
      monitor.down(reason);
    } catch (thrown) {
      this.#logger.error("The function that monitors a process threw", { cause: thrown });
    }
  }

  /** Runs `notice` in a microtask, after those that were given before. */
  later(notice: () => void): void {
    this.#notices.push(notice);
    if (this.#notices.length > 1) return;
    queueMicrotask(() => {
      const notices = this.#notices;
      this.#notices = [];
      for (const one of notices) one();
    });
  }

  #endOne(process: LocalProcess, reason: ExitReason): void {
    if (process.phase === "ended") return;
    const { current, failStart } = process;
    const wasStarting = process.phase === "starting";
    process.phase = "ended";
    process.exitReason ??= reason;
    process.current = undefined;
    this.processes.delete(process.pid.serial);
    this.#remember(process.pid.serial, reason);
    if (!wasStarting) this.#counters.ended(reason);
    const running = current?.message;
    if (running?.type === "call") {
      const error = callLost(process, running.handler, reason);
      this.later(() => this.answer(running, { ok: false, error }));
    }
    this.refuseQueued(process);
    this.later(() => failStart?.(reason));
    this.#tellWaiting(process, reason);
    this.later(() => {
      for (const monitor of process.monitors) this.tell(monitor, reason);
      process.monitors.clear();
      process.state = undefined;
      process.asleep = undefined;
    });
    this.#endOthers(process, reason);
    current?.abort(told(process, reason));
  }

  /** Those that wait for the process to come to rest, and what watches the time for it. */
  #tellWaiting(process: LocalProcess, reason: ExitReason): void {
    const { atRest } = process;
    process.atRest = undefined;
    if (atRest !== undefined) this.later(() => atRest.forEach((tell) => tell(reason)));
    process.duties?.sleeper?.stop();
    process.duties?.keeper?.stop();
  }

  #endOthers(process: LocalProcess, reason: ExitReason): void {
    for (const effect of this.links.end(process.pid.serial, reason)) {
      const other = this.processes.get(effect.serial);
      if (other === undefined) continue;
      if (effect.type === "end") this.endLinked(other, process.pid, reason);
      else this.later(() => this.#ask(other, { type: "shutdown" }));
    }
  }

  #remember(serial: number, reason: ExitReason): void {
    this.reasons.set(serial, reason);
    if (this.reasons.size <= this.#limits.endedReasonsMax) return;
    for (const [oldest] of this.reasons) {
      this.reasons.delete(oldest);
      break;
    }
  }
}
