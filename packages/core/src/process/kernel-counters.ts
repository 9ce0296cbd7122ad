/**
 * The kernel's instruments. Messages are counted in a plain number and reach the meter once a
 * turn, because a meter's instrument may cost more than handling a small message does.
 */
import type { Meter } from "../ports/meter.js";
import type { ExitReason } from "./kernel-port.js";

/** Why a message was not run. */
export type DropReason =
  | "aborted"
  | "ended"
  | "expired"
  | "mailbox-full"
  | "overflow"
  | "unknown-handler";

export class KernelCounters {
  /** Handled since the last `flush`. */
  messages = 0;
  readonly #meter: Meter;
  readonly #running: { set(value: number): void };
  readonly #started: { add(count?: number): void };
  readonly #handled: { add(count?: number): void };
  readonly #dropped = new Map<DropReason, { add(count?: number): void }>();
  #blocked: { add(count?: number): void } | undefined = undefined;
  #hibernated: { add(count?: number): void } | undefined = undefined;
  #runningCount = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#running = meter.gauge("processes_running", "Processes that run on this node.");
    this.#started = meter.counter("processes_started_total", "Processes whose init succeeded.");
    this.#handled = meter.counter("process_messages_total", "Messages given to handlers.");
  }

  flush(): void {
    if (this.messages === 0) return;
    this.#handled.add(this.messages);
    this.messages = 0;
  }

  started(): void {
    this.#started.add();
    this.#running.set(++this.#runningCount);
  }

  ended(reason: ExitReason): void {
    const help = "Processes that ended, by the kind of reason.";
    this.#meter.counter("processes_ended_total", help, { reason: reason.type }).add();
    this.#running.set(--this.#runningCount);
  }

  /** A handler kept the event loop. */
  blocked(): void {
    const help = "Handlers that kept the event loop longer than blockedMsMax.";
    this.#blocked ??= this.#meter.counter("process_loop_blocked_total", help);
    this.#blocked.add();
  }

  /** A state was put away. */
  hibernated(): void {
    const help = "States of idle processes that were put away as bytes.";
    this.#hibernated ??= this.#meter.counter("process_hibernations_total", help);
    this.#hibernated.add();
  }

  dropped(reason: DropReason, count = 1): void {
    let counter = this.#dropped.get(reason);
    if (counter === undefined) {
      const help = "Messages that were not run, by the reason.";
      counter = this.#meter.counter("process_messages_dropped_total", help, { reason });
      this.#dropped.set(reason, counter);
    }
    counter.add(count);
  }
}
