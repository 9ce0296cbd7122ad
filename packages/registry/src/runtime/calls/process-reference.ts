/**
 * References: what a user holds of a process. A reference to a name follows it through crashes,
 * takeovers and restarts; a reference to a pid is that one process and never another.
 */
import {
  checkFunction,
  checkText,
  coreErrors,
  type CallOptions,
  type CallParameters,
  type CallName,
  type CallsOf,
  type CastName,
  type CastsOf,
  type ExitReason,
  type PayloadOf,
  type PayloadParameters,
  type Pid,
  type ProcessDefinition,
  type ProcessRef,
  type ReplyOf,
} from "@foundation/core";
import type { Calls, Target } from "./calls.js";
import { noProcess } from "./local-calls.js";
import type { Monitors } from "./monitors.js";
import { timeoutOf, type OperationOptions } from "../supervision/start-options.js";
import type { Wiring } from "../wiring.js";

/** A typed reference to a process of the cluster. */
export interface ClusterRef<D extends ProcessDefinition = ProcessDefinition> extends ProcessRef<D> {
  /** The name it follows, generated ones begin with `$`; undefined for one process only. */
  readonly name: string | undefined;
  /** Where the process is now, as far as this node knows. */
  whereis(): Pid | undefined;
  /** Sends a message to its `info` handler: at most once, and nobody tells whether it ran. */
  send(payload: unknown): void;
  /**
   * Calls `down` once when the process that runs now ends; `node-down` when its node is gone, which
   * is all that is known then. Returns the way to stop. @throws {ERR_NO_PROCESS}
   */
  monitor(down: (reason: ExitReason) => void): () => void;
  /**
   * Ends it for good: it is not started again, here or elsewhere. Resolves when it is gone.
   * @throws {ERR_NO_PROCESS} nothing runs there
   */
  stop(options?: OperationOptions): Promise<void>;
}

/** What references need. */
export interface ReferenceParts {
  readonly wiring: Wiring;
  readonly calls: Calls;
  readonly monitors: Monitors;
  stop(name: string | undefined, pid: Pid | undefined, options?: OperationOptions): Promise<void>;
}

/** Makes a reference. */
export function reference<D extends ProcessDefinition>(
  parts: ReferenceParts,
  definition: D,
  name: string | undefined,
  target: Target,
): ClusterRef<D> {
  return new Reference(parts, definition, name, target);
}

class Reference<D extends ProcessDefinition> implements ClusterRef<D> {
  readonly definition: D;
  readonly name: string | undefined;
  readonly #parts: ReferenceParts;
  readonly #target: Target;

  constructor(parts: ReferenceParts, definition: D, name: string | undefined, target: Target) {
    this.#parts = parts;
    this.definition = definition;
    this.name = name;
    this.#target = target;
  }

  call<Name extends CallName<D>>(
    name: Name,
    ...parameters: CallParameters<PayloadOf<CallsOf<D>[Name]>>
  ): Promise<ReplyOf<CallsOf<D>[Name]>> {
    const [payload, options] = parameters as [unknown, CallOptions | undefined];
    return this.#call(name, payload, options) as Promise<ReplyOf<CallsOf<D>[Name]>>;
  }

  cast<Name extends CastName<D>>(
    name: Name,
    ...parameters: PayloadParameters<PayloadOf<CastsOf<D>[Name]>>
  ): void {
    checkText("cast", "the handler", name);
    if (!Object.hasOwn(this.definition.cast, name)) throw this.#unknownCast(name);
    this.#parts.calls.send(this.#target, "cast", name, parameters[0]);
  }

  send(payload: unknown): void {
    this.#parts.calls.send(this.#target, "info", "", payload);
  }

  whereis(): Pid | undefined {
    return this.#target.locate();
  }

  monitor(down: (reason: ExitReason) => void): () => void {
    checkFunction("monitor", "what is called", down);
    const pid = this.#target.locate();
    if (pid === undefined) throw noProcess(this.#target.title);
    return this.#parts.monitors.watch(pid, down);
  }

  stop(options?: OperationOptions): Promise<void> {
    return this.#parts.stop(this.name, this.#target.locate(), options);
  }

  #call(name: string, payload: unknown, options: CallOptions | undefined): Promise<unknown> {
    const { calls, wiring } = this.#parts;
    let timeoutMs = wiring.limits.timeoutMs;
    try {
      checkText("call", "the handler", name);
      if (options !== undefined) timeoutMs = timeoutOf(options, wiring.limits);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return calls.call(this.#target, this.definition, name, payload, timeoutMs, options?.signal);
  }

  #unknownCast(handler: string): Error {
    const { name: definition, cast } = this.definition;
    const known = Object.keys(cast);
    return coreErrors.ERR_UNKNOWN_HANDLER(
      `"${definition}" has no cast handler "${handler}"; it has ${known.join(", ") || "none"}`,
      { definition, handler, known },
    );
  }
}
