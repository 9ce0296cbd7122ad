/**
 * MessageContext: what a handler, init or terminate sees of its process and its message.
 *
 * Everything that costs something is made when first asked for: most handlers look at `state` and
 * nothing else, so an AbortSignal, its listeners and its timer exist only where they are used.
 *
 * Invariant: after `finish` it holds no timer and no listener.
 */
import { coreErrors } from "../errors/errors.js";
import type { NodeId } from "../ids/node-id.js";
import type { TraceContext } from "../context/trace-context.js";
import type { Clock, Timer } from "../ports/clock.js";
import type { Logger } from "../ports/logger.js";
import type { InitContext, ProcessContext } from "./definition.js";
import type { Delivery, Pid } from "./kernel-port.js";
import type { LocalProcess } from "./local-process.js";

/** What every context needs of the kernel. */
export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keeps the state of a process as it is now. */
  persist(process: LocalProcess): Promise<void>;
}

/** Something in progress in a process. */
export interface Activity {
  /** The message that is being handled; none during init and terminate. */
  readonly message: Delivery | undefined;
  /** Fires the signal. */
  abort(why: unknown): void;
  /** Lets go of timers and listeners. */
  finish(): void;
}

export class MessageContext implements ProcessContext<unknown>, InitContext, Activity {
  readonly message: Delivery | undefined;
  readonly #process: LocalProcess;
  readonly #surroundings: Surroundings;
  #controller: AbortController | undefined = undefined;
  #aborted: { readonly why: unknown } | undefined = undefined;
  #timer: Timer | undefined = undefined;
  #unlisten: (() => void) | undefined = undefined;

  constructor(process: LocalProcess, message: Delivery | undefined, surroundings: Surroundings) {
    this.#process = process;
    this.message = message;
    this.#surroundings = surroundings;
  }

  get state(): unknown {
    return this.#process.state;
  }

  /** Bound, because handlers take it out of the context by destructuring. */
  get setState(): (next: unknown) => void {
    return (next) => {
      this.#process.state = next;
    };
  }

  get self(): Pid {
    return this.#process.pid;
  }

  get token(): number | undefined {
    return this.#process.duties?.lease?.token;
  }

  /** Bound, as `setState` is. */
  get persist(): () => Promise<void> {
    return () => this.#surroundings.persist(this.#process);
  }

  get sender(): Pid | NodeId | undefined {
    return this.message?.sender;
  }

  get trace(): TraceContext | undefined {
    return this.message?.trace;
  }

  get logger(): Logger {
    const process = this.#process;
    process.logger ??= this.#surroundings.logger.child({
      process: process.label ?? process.definition.name,
      definition: process.definition.name,
      serial: process.pid.serial,
    });
    return process.logger;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.why);
      else if (this.message?.type === "call") this.#follow(this.message);
    }
    return this.#controller.signal;
  }

  abort(why: unknown): void {
    this.#aborted ??= { why };
    this.#controller?.abort(why);
    this.finish();
  }

  finish(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  /** The signal fires when the caller gives up or when its time is over. */
  #follow(call: Extract<Delivery, { type: "call" }>): void {
    const { signal, deadline } = call;
    if (signal?.aborted) {
      this.abort(signal.reason);
      return;
    }
    if (signal !== undefined) {
      const listener = () => this.abort(signal.reason);
      signal.addEventListener("abort", listener, { once: true });
      this.#unlisten = () => signal.removeEventListener("abort", listener);
    }
    if (deadline === undefined) return;
    const { clock } = this.#surroundings;
    const leftMs = Math.max(0, deadline - clock.now());
    this.#timer = clock.setTimer(leftMs, () => this.abort(late(this.#process, call.handler)));
  }
}

function late(process: LocalProcess, handler: string): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `The caller's deadline passed while ${process.title} ran "${handler}"`,
    { reason: "deadline-exceeded", target: process.title },
  );
}
