/**
 * Beginning: how a process comes to its first state, and who is told when it does not.
 *
 * Made by `init`, or installed: the state of a process that ended, crashed or moves here, brought to this
 * version of the definition.
 *
 * Invariants: a start settles once; a process that did not start has ended, and tells its monitors so.
 */
import type { Clock } from "../ports/clock.js";
import type { FoundationError } from "../errors/foundation-error.js";
import { Deadlines } from "./deadlines.js";
import { dutiesOf, hasLostLease, LEASE_LOST, type DutyMakers } from "./duties.js";
import type { Ending } from "./ending.js";
import type { HandOver } from "./hand-over.js";
import { Sleeper } from "./hibernation.js";
import { RegularKeeper } from "./keeping.js";
import type { KernelCounters } from "./kernel-counters.js";
import { initFailed, noUpgrade, notStarted, startAborted } from "./kernel-errors.js";
import type { SpawnOptions } from "./kernel-port.js";
import type { LocalProcess } from "./local-process.js";
import { MessageContext, type Surroundings } from "./message-context.js";
import type { StateCopies } from "./state-copies.js";
import { isThenable } from "./thenable.js";

/** What a start needs of the kernel. */
export interface BeginningParts {
  readonly clock: Clock;
  readonly surroundings: Surroundings;
  readonly counters: KernelCounters;
  readonly ending: Ending;
  readonly handOver: HandOver;
  readonly copies: StateCopies;
  /** Lets a process that has its first state run messages. */
  readonly begin: (process: LocalProcess, context: MessageContext) => void;
}

export class Beginning {
  readonly #surroundings: Surroundings;
  readonly #counters: KernelCounters;
  readonly #ending: Ending;
  readonly #copies: StateCopies;
  readonly #makers: DutyMakers;
  readonly #begin: (process: LocalProcess, context: MessageContext) => void;

  constructor(parts: BeginningParts) {
    this.#surroundings = parts.surroundings;
    this.#counters = parts.counters;
    this.#ending = parts.ending;
    this.#copies = parts.copies;
    this.#begin = parts.begin;
    const timed = { ...parts, ...parts.surroundings, deadlines: new Deadlines(parts.clock) };
    this.#makers = {
      keeper: (process, everyMs) => new RegularKeeper(process, everyMs, timed),
      sleeper: (process, afterMs) => new Sleeper(process, afterMs, timed),
    };
  }

  /** Runs `init`, or takes the installed state; settles when the process is ready or did not start. */
  start(process: LocalProcess, args: unknown, options: SpawnOptions): Promise<void> {
    const { signal } = options;
    process.duties = dutiesOf(process, options, this.#makers);
    if (options.passive === true) process.hold = {};
    this.#ending.processes.set(process.pid.serial, process);
    const context = new MessageContext(process, undefined, this.#surroundings);
    process.current = context;
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#ending.end(process, { type: "killed" });
      let listens = false;
      /** The signal fired while nobody listened, since most inits are over before anybody could abort them. */
      const heed = () => {
        if (signal?.aborted === true && process.current === context) onAbort();
      };
      const settle = () => {
        if (listens) signal?.removeEventListener("abort", onAbort);
        process.failStart = undefined;
      };
      process.failStart = (reason) => {
        settle();
        const aborted = signal?.aborted === true && reason.type === "killed";
        reject(
          aborted ? startAborted(process.definition.name, signal) : notStarted(process, reason),
        );
      };
      const ready = (state: unknown) => {
        if (process.current !== context) return;
        process.state = state;
        const refused = options.movable === true ? this.#refusedState(process) : undefined;
        if (refused !== undefined) return failed(refused.error, refused.error);
        if (hasLostLease(process)) return this.#ending.end(process, LEASE_LOST);
        settle();
        this.#counters.started();
        this.#begin(process, context);
        resolve();
      };
      const failed = (thrown: unknown, error = initFailed(process, thrown)) => {
        if (process.current !== context) return;
        settle();
        this.#surroundings.logger.error(error.message, { error: error.toJSON(), cause: thrown });
        this.#ending.links.end(process.pid.serial, { type: "normal" });
        this.#ending.end(process, { type: "error", error });
        reject(error);
      };
      try {
        const state = firstState(process, args, context, options);
        heed();
        if (!isThenable(state)) return ready(state);
        listens = process.current === context;
        if (listens) signal?.addEventListener("abort", onAbort, { once: true });
        state.then(ready, (thrown: unknown) => failed(thrown));
      } catch (thrown) {
        heed();
        failed(thrown);
      }
    });
  }

  /** Why a state that shall be movable is not. */
  #refusedState(process: LocalProcess): { readonly error: FoundationError } | undefined {
    try {
      this.#copies.check(process);
      return undefined;
    } catch (error) {
      return { error: error as FoundationError };
    }
  }
}

/** What a process begins with: made by `init`, or installed, in the shape of this version. */
function firstState(
  { definition }: LocalProcess,
  args: unknown,
  context: MessageContext,
  { install }: SpawnOptions,
): unknown {
  if (install === undefined) return definition.init(args as never, context);
  if (install.version === definition.version) return install.state;
  if (definition.upgrade === undefined) throw noUpgrade(definition, install.version);
  return definition.upgrade(install.state, install.version);
}
