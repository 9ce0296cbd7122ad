/**
 * BlockedLoop: reports handlers that keep the event loop, so that nothing else of the node gets on.
 *
 * Only the part up to a handler's first await is seen: that is what the time between two messages shows
 * anyway, so looking costs no clock reading of its own. A heartbeat that is late because of such a handler
 * looks like a dead node to the others, which is why it is worth a line that names it.
 *
 * The clock cannot tell a handler that computes from a machine that gave it no time; the line says so.
 *
 * Limits: longer than `blockedMsMax` is reported; one line in `blockedReportMs`, and the others are counted.
 */
import type { Logger } from "../ports/logger.js";
import type { KernelCounters } from "./kernel-counters.js";
import { nameOf } from "./kernel-errors.js";
import type { Delivery } from "./kernel-port.js";
import type { KernelLimits } from "./limits.js";
import type { LocalProcess } from "./local-process.js";

export class BlockedLoop {
  readonly #logger: Logger;
  readonly #counters: KernelCounters;
  readonly #limits: KernelLimits;
  #silentUntilMs = Number.NEGATIVE_INFINITY;
  #unsaid = 0;

  constructor(logger: Logger, counters: KernelCounters, limits: KernelLimits) {
    this.#logger = logger;
    this.#counters = counters;
    this.#limits = limits;
  }

  /** A handler took `blockedMs` without letting anything else run. */
  report(process: LocalProcess, message: Delivery, blockedMs: number, nowMs: number): void {
    this.#counters.blocked();
    if (nowMs < this.#silentUntilMs) {
      this.#unsaid++;
      return;
    }
    this.#silentUntilMs = nowMs + this.#limits.blockedReportMs;
    const handler = nameOf(message);
    const text = `${process.title} kept the event loop for ${Math.round(blockedMs)} ms in ${handler}`;
    this.#logger.warn(`${text}: split the work up, unless the machine itself stood still`, {
      process: process.label ?? process.definition.name,
      definition: process.definition.name,
      handler,
      durationMs: blockedMs,
      unreportedSince: this.#unsaid,
    });
    this.#unsaid = 0;
  }
}
