/**
 * The types of a defined process: what `defineProcess` infers and what a `ProcessRef` reads back.
 *
 * Arguments, state, payloads and replies are inferred once, at the definition. From there they
 * travel as the type of the definition object itself (`typeof counter`), so that a reference made
 * on another node, from the same import, is checked by the compiler like a local one.
 *
 * Invariant: nothing here exists at run time.
 */
import type { Duration } from "../duration.js";
import type { ProcessContext, ProcessDefinition } from "./definition.js";

declare const typesOf: unique symbol;

/** A process definition with its types: what `defineProcess` returns. */
export interface DefinedProcess<Args, State, Calls, Casts> extends ProcessDefinition {
  /** Carries the types; absent at run time. */
  readonly [typesOf]?: {
    readonly args: Args;
    readonly state: State;
    readonly calls: Calls;
    readonly casts: Casts;
  };
}

/** Handlers as `defineProcess` takes them: every one gets the context and at most one payload. */
export type HandlersOf<Handlers, State> = {
  readonly [Name in keyof Handlers]: (context: ProcessContext<State>, payload: never) => unknown;
};

/** The argument of `init`, from a definition. `unknown` when init takes none. */
export type ArgsOf<D> =
  D extends DefinedProcess<infer Args, infer _S, infer _C, infer _K> ? Args : unknown;

/** The state of a definition. */
export type StateOf<D> =
  D extends DefinedProcess<infer _A, infer State, infer _C, infer _K> ? State : unknown;

/** The call handlers of a definition, by name. */
export type CallsOf<D> =
  D extends DefinedProcess<infer _A, infer _S, infer Calls, infer _K> ? Calls : never;

/** The cast handlers of a definition, by name. */
export type CastsOf<D> =
  D extends DefinedProcess<infer _A, infer _S, infer _C, infer Casts> ? Casts : never;

/** The names one may `call`. */
export type CallName<D> = keyof CallsOf<D> & string;

/** The names one may `cast`. */
export type CastName<D> = keyof CastsOf<D> & string;

/** The payload of one handler: `undefined` when it takes none. */
export type PayloadOf<Handler> = Handler extends (...parameters: infer Parameters) => unknown
  ? 2 extends Parameters["length"]
    ? Parameters[1]
    : undefined
  : never;

/** What one handler answers, unwrapped when it is async. */
export type ReplyOf<Handler> = Handler extends (...args: never) => infer Reply
  ? Awaited<Reply>
  : never;

/** The parameters after a handler's name: the payload may be left out when there is none. */
export type PayloadParameters<Payload> = undefined extends Payload
  ? [payload?: Payload]
  : [payload: Payload];

/** The parameters of `call` after the handler's name. */
export type CallParameters<Payload> = undefined extends Payload
  ? [payload?: Payload, options?: CallOptions]
  : [payload: Payload, options?: CallOptions];

/**
 * The parameters of a start after the definition. Args may be left out when init takes none; then what stands alone in their
 * place may not look like options, which come third.
 */
export type StartParameters<D, Options> =
  unknown extends ArgsOf<D>
    ? [args?: NoOptions<Options>] | [args: unknown, options: Options | undefined]
    : undefined extends ArgsOf<D>
      ? [args?: ArgsOf<D>, options?: Options]
      : [args: ArgsOf<D>, options?: Options];

/** Plain data of any kind, but no object with one of the options. */
type NoOptions<Options> =
  | (undefined | null | string | number | boolean | bigint | readonly unknown[])
  | ({ readonly [Option in keyof Options]?: never } & (object | Readonly<Record<string, unknown>>));

/** How long a caller waits, and what makes it stop waiting. */
export interface CallOptions {
  /** Time for the whole call. @default "5s" */
  readonly timeout?: Duration;
  /** Gives the call up when it fires. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A typed reference to a process: a local one here, one anywhere in the cluster in the registry.
 *
 * @example
 * ```ts
 * import { defineProcess, type ProcessRef } from "@foundation/core"
 *
 * const counter = defineProcess({
 *   name: "docs.ref-counter",
 *   init: (args: { from: number }) => ({ total: args.from }),
 *   call: { add: ({ state }, by: number) => (state.total += by) },
 * })
 * const addTwo = (ref: ProcessRef<typeof counter>): Promise<number> => ref.call("add", 2)
 * ```
 */
export interface ProcessRef<D extends ProcessDefinition = ProcessDefinition> {
  readonly definition: D;
  /**
   * Asks and waits for the answer. Resolves only when the handler ran.
   * @throws {ERR_NO_PROCESS} it did not run: nobody is there; a retry is safe.
   * @throws {ERR_MAILBOX_FULL} it did not run: a retry is safe.
   * @throws {ERR_UNKNOWN_HANDLER} it did not run: the process has no such handler.
   * @throws {ERR_TIMEOUT} it did not run and never will. @throws {ERR_ABORTED} likewise.
   * @throws {ERR_OUTCOME_UNKNOWN} it began to run and no answer came.
   * @throws {ERR_HANDLER_FAILED} the handler crashed, and the process with it.
   */
  call<Name extends CallName<D>>(
    name: Name,
    ...parameters: CallParameters<PayloadOf<CallsOf<D>[Name]>>
  ): Promise<ReplyOf<CallsOf<D>[Name]>>;
  /** Sends without waiting: at most once, and nobody tells whether it ran. */
  cast<Name extends CastName<D>>(
    name: Name,
    ...parameters: PayloadParameters<PayloadOf<CastsOf<D>[Name]>>
  ): void;
}
