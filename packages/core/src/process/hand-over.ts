/**
 * HandOver: stopping a process between two messages, to look at its state or to let it go on elsewhere.
 *
 * A process at rest is one in which nothing runs: no handler, also none that waits for something. Whoever
 * holds it keeps it at rest; its mailbox goes on taking messages, so nothing is lost and nothing is refused
 * while it moves. Moved away, its waiting messages and those that still come for it are given on.
 *
 * Invariants: at most one holder; a message is run here or given on, never both, and in the order it came;
 * when the holder gives up, the process goes on as if nothing had been.
 * Limit: `handOffsMax` processes whose later messages are given on.
 */
import { coreErrors } from "../errors/errors.js";
import type { FoundationError } from "../errors/foundation-error.js";
import type { Ending } from "./ending.js";
import { alreadyFrozen, neverRan, startedAnew } from "./kernel-errors.js";
import type {
  Delivery,
  DeliveryOutcome,
  ExitReason,
  FrozenProcess,
  ProcessSnapshot,
} from "./kernel-port.js";
import type { KernelLimits } from "./limits.js";
import type { LocalProcess } from "./local-process.js";
import type { StateCopies } from "./state-copies.js";

type Forward = (message: Delivery) => void;

export class HandOver {
  readonly #ending: Ending;
  readonly #copies: StateCopies;
  readonly #limits: KernelLimits;
  /** Lets a process run again that was kept from it. */
  readonly #release: (process: LocalProcess) => void;
  /** Where messages go for processes that moved away, by serial number. */
  readonly #forwards = new Map<number, Forward>();

  constructor(
    ending: Ending,
    copies: StateCopies,
    limits: KernelLimits,
    release: (process: LocalProcess) => void,
  ) {
    this.#ending = ending;
    this.#copies = copies;
    this.#limits = limits;
    this.#release = release;
  }

  freeze(process: LocalProcess, signal: AbortSignal | undefined): Promise<FrozenProcess> {
    if (process.hold !== undefined) throw alreadyFrozen(process);
    if (signal?.aborted) throw notFrozen(process, signal);
    const hold = {};
    process.hold = hold;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        if (process.hold === hold) this.thaw(process);
        reject(notFrozen(process, signal));
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      whenAtRest(process, (reason) => {
        signal?.removeEventListener("abort", onAbort);
        if (reason !== undefined) return reject(ended(process, reason));
        if (process.hold !== hold) return reject(startedAnew(process));
        try {
          resolve({ ...this.#copies.snapshotOf(process), waiting: process.mailbox.length });
        } catch (error) {
          this.thaw(process);
          reject(error);
        }
      });
    });
  }

  thaw(process: LocalProcess): void {
    if (process.hold === undefined) return;
    process.hold = undefined;
    this.#release(process);
  }

  snapshot(process: LocalProcess): Promise<ProcessSnapshot> {
    return new Promise((resolve, reject) => {
      whenAtRest(process, (reason) => {
        if (reason !== undefined) return reject(ended(process, reason));
        try {
          resolve(this.#copies.snapshotOf(process));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  handOff(process: LocalProcess, forward: Forward): void {
    if (process.hold === undefined || !isAtRest(process)) throw notHeld(process);
    const waiting = process.mailbox.drain();
    // What comes while these are given on stands behind them.
    this.#remember(process.pid.serial, (message) => waiting.push(message));
    this.#ending.end(process, { type: "migrated" });
    for (const message of waiting) this.#give(process, message, forward);
    this.#remember(process.pid.serial, (message) => this.#give(process, message, forward));
  }

  /** A message for a process that does not run here: given on where it moved away. */
  forward(serial: number, message: Delivery): DeliveryOutcome {
    const forward = this.#forwards.get(serial);
    if (forward === undefined) return "no-process";
    forward(message);
    return "accepted";
  }

  close(): void {
    this.#forwards.clear();
  }

  #give(process: LocalProcess, message: Delivery, forward: Forward): void {
    try {
      forward(message);
    } catch (thrown) {
      this.#ending.reportForward(process, thrown);
      if (message.type === "call") {
        this.#ending.answer(message, { ok: false, error: neverRan(process) });
      }
    }
  }

  #remember(serial: number, forward: Forward): void {
    this.#forwards.set(serial, forward);
    if (this.#forwards.size <= this.#limits.handOffsMax) return;
    for (const oldest of this.#forwards.keys()) {
      this.#forwards.delete(oldest);
      break;
    }
  }
}

/** True when nothing of the process runs: it waits for a message, or for its turn. */
function isAtRest({ phase }: LocalProcess): boolean {
  return phase === "idle" || phase === "queued";
}

/** Calls `then` when nothing of the process runs any more: at once, or after the message in progress. */
function whenAtRest(process: LocalProcess, then: (ended: ExitReason | undefined) => void): void {
  if (process.exitReason !== undefined) then(process.exitReason);
  else if (isAtRest(process)) then(undefined);
  else (process.atRest ??= []).push(then);
}

function ended(process: LocalProcess, reason: ExitReason): FoundationError {
  return coreErrors.ERR_NO_PROCESS(
    `${process.title} ended (${reason.type}) before its state could be taken`,
    { process: process.title },
  );
}

function notFrozen(process: LocalProcess, signal: AbortSignal | undefined): FoundationError {
  return coreErrors.ERR_ABORTED(
    `Freezing ${process.title} was given up: it goes on as before`,
    { target: process.title },
    signal?.reason,
  );
}

function notHeld(process: LocalProcess): FoundationError {
  return coreErrors.ERR_INVALID_ARGUMENT(
    `handOff takes a frozen process: freeze ${process.title} first, and wait until it is`,
    { argument: "pid", expected: "a frozen process", found: process.title },
  );
}
