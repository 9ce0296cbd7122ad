/**
 * Keeping: snapshots of a process's state, given to whoever keeps them, as the definition's `persist` says.
 *
 * `each-message` is for the case that an answer promises something: it leaves after the state is kept, and a
 * process whose state could not be kept ends, so that it starts again from what is kept. `every` is for the
 * case that a little may be lost: the first message after a snapshot starts the time to the next one, so an
 * idle process costs nothing. `manual` is the handler's own `context.persist()`.
 *
 * Invariants: a snapshot is a copy; one of `every` is taken between two messages, never two at a time.
 */
import { coreErrors } from "../errors/errors.js";
import type { FoundationError } from "../errors/foundation-error.js";
import { isFoundationError } from "../errors/foundation-error.js";
import type { Clock } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { Deadlines, Expiring } from "./deadlines.js";
import type { HandOver } from "./hand-over.js";
import type { ProcessSnapshot } from "./kernel-port.js";
import type { LocalProcess } from "./local-process.js";
import type { StateCopies } from "./state-copies.js";

/** `context.persist()`: keeps the state as it is now. */
export async function persist(process: LocalProcess, copies: StateCopies): Promise<void> {
  const onPersist = process.duties?.onPersist;
  if (onPersist === undefined || process.definition.persist === undefined) {
    throw nobodyKeeps(process);
  }
  if (process.duties?.lease?.isHeld === false) {
    throw coreErrors.ERR_LEASE_LOST(
      `${process.title} has lost its lease, so its state is not kept`,
      { lease: process.title },
    );
  }
  await onPersist(copies.snapshotOf(process));
}

/** Why a process ends whose state could not be kept. */
export function notKept(process: LocalProcess, thrown: unknown): FoundationError {
  if (isFoundationError(thrown)) return thrown;
  const text = String(thrown);
  return coreErrors.ERR_HANDLER_FAILED(
    `The state of ${process.title} could not be kept: ${text}`,
    { thrown: text },
    thrown,
  );
}

/** Snapshots of one process, at most one in `everyMs`. */
export class RegularKeeper implements Expiring {
  deadline = 0;
  settled = true;
  queued = false;
  readonly #process: LocalProcess;
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #deadlines: Deadlines;
  readonly #handOver: HandOver;
  readonly #copies: StateCopies;
  /** True from the first message after a snapshot until the next snapshot is kept. */
  #isDue = false;

  constructor(
    process: LocalProcess,
    everyMs: number,
    kernel: {
      readonly clock: Clock;
      readonly logger: Logger;
      readonly deadlines: Deadlines;
      readonly handOver: HandOver;
      readonly copies: StateCopies;
    },
  ) {
    this.#process = process;
    this.#everyMs = everyMs;
    this.#clock = kernel.clock;
    this.#logger = kernel.logger;
    this.#deadlines = kernel.deadlines;
    this.#handOver = kernel.handOver;
    this.#copies = kernel.copies;
  }

  /** True when messages ran since the last snapshot. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** The process runs messages: its state may change. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.deadline = this.#clock.now() + this.#everyMs;
    this.settled = false;
    this.queued = false;
    this.#deadlines.watch(this);
  }

  /** The process ended. */
  stop(): void {
    this.#isDue = true;
    if (!this.settled) this.#deadlines.settle(this);
  }

  /** The process ends in order: what it did since the last snapshot is not lost. Never rejects. */
  async keepLast(): Promise<void> {
    try {
      await this.#give(this.#copies.snapshotOf(this.#process));
    } catch (error) {
      this.#logger.error(`${this.#process.title}: its last state was not kept`, { cause: error });
    }
  }

  expire(): void {
    void this.#keep();
  }

  async #keep(): Promise<void> {
    const process = this.#process;
    try {
      const snapshot = await this.#handOver.snapshot(process);
      this.#isDue = false;
      await this.#give(snapshot);
    } catch (error) {
      if (process.phase === "ended") return;
      this.#logger.warn(`${process.title}: a snapshot was not kept; the next will be tried`, {
        cause: error,
      });
      this.#isDue = false;
      this.changed();
    }
  }

  async #give(snapshot: ProcessSnapshot): Promise<void> {
    const { lease, onPersist } = this.#process.duties ?? {};
    if (lease?.isHeld !== false) await onPersist?.(snapshot);
  }
}

function nobodyKeeps(process: LocalProcess): FoundationError {
  const option = process.definition.persist === undefined;
  const fix = option
    ? "add persist to its definition"
    : "start it where snapshots are kept: by name in the cluster, or with onPersist";
  return coreErrors.ERR_INVALID_ARGUMENT(
    `${process.title} called persist(), and nothing keeps its state: ${fix}`,
    { argument: "persist", expected: "a process whose state is kept", found: process.title },
  );
}
