/**
 * defineProcess: gives a kind of process its one name on every node.
 *
 * Why by name: closures cannot cross a wire. A node that shall run the process imports the module
 * that defines it, and what arrives over the network names the definition and a handler of it.
 *
 * Invariants: a definition is frozen; its handlers are own, callable properties of an object
 * without a prototype, so no name a peer sends ("__proto__", "toString") finds anything else.
 */
import { parseDuration, type Duration } from "../duration.js";
import { invalidArgument } from "../errors/given.js";
import { catalogue } from "./catalogue.js";
import type {
  AnyHandler,
  HandlerMap,
  InitContext,
  MailboxOptions,
  MailboxRules,
  PersistRule,
  ProcessContext,
  ProcessDefinition,
} from "./definition.js";
import type { ExitReason } from "./kernel-port.js";
import { processLimits } from "./limits.js";
import type { DefinedProcess, HandlersOf } from "./typed-definition.js";

/** What `defineProcess` takes. */
export interface ProcessSpec<Args, State, Calls, Casts> {
  /** 1 to 255 bytes, the same on every node. */
  readonly name: string;
  /** Of the shape of state and messages: count up when it changes. @default 1 */
  readonly version?: number;
  /** Makes the state from plain-data arguments. */
  readonly init: (args: Args, context: InitContext) => State | Promise<State>;
  /** Handlers that answer. A FoundationError thrown here is an answer; anything else a crash. */
  readonly call?: Calls & HandlersOf<Calls, State>;
  /** Handlers nobody waits for. */
  readonly cast?: Casts & HandlersOf<Casts, State>;
  /** Gets what was sent to the process by name, untyped; without it such messages are dropped. */
  info?(context: ProcessContext<State>, payload: unknown): unknown;
  /** Runs before an orderly end (normal, shutdown, name-conflict), within `terminateMsMax`. */
  terminate?(context: ProcessContext<State>, reason: ExitReason): unknown;
  /** Brings the state of another version to this one: after a deploy, a restart or a move. */
  upgrade?(oldState: unknown, fromVersion: number): NoInfer<State> | Promise<NoInfer<State>>;
  /**
   * Two processes had one name, and this one stays: runs as a message in it, with the state of the other, and may
   * change its own. Without it the other's state is lost.
   */
  resolveConflict?(context: ProcessContext<State>, otherState: State): unknown;
  /**
   * When the state is kept, so that a restart goes on from it instead of from `init`: when a handler calls
   * `context.persist()`, after each message (its answer waits for it), or so long after a change. @default never
   */
  readonly persist?: "manual" | "each-message" | { readonly every: Duration };
  /**
   * After so long without a message the state is kept as bytes until the next, which takes less memory. The state must
   * be plain data, and what holds on to the state object itself loses it. @default never
   */
  readonly hibernateAfter?: Duration;
  readonly mailbox?: MailboxOptions;
}

const KNOWN = [
  ...["name", "version", "init", "call", "cast", "info", "terminate", "upgrade"],
  ...["resolveConflict", "persist", "hibernateAfter", "mailbox"],
];
const OVERFLOWS = ["refuse", "drop-oldest"];

/**
 * Defines a process and enters it into the catalogue of this operating-system process.
 *
 * @throws {ERR_INVALID_ARGUMENT} the definition is not well formed; the message names the option.
 * @throws {ERR_PROCESS_DEFINED_TWICE} the name is taken by a definition with other code.
 *
 * @example
 * ```ts
 * import { defineProcess } from "@foundation/core"
 *
 * export const counter = defineProcess({
 *   name: "docs.counter",
 *   init: (args: { from: number }) => ({ total: args.from }),
 *   call: {
 *     add: ({ state }, by: number) => (state.total += by),
 *     total: ({ state }) => state.total,
 *   },
 *   cast: { reset: ({ state }) => { state.total = 0 } },
 * })
 * ```
 */
export function defineProcess<
  Args,
  State,
  Calls = Record<never, never>,
  Casts = Record<never, never>,
>(spec: ProcessSpec<Args, State, Calls, Casts>): DefinedProcess<Args, State, Calls, Casts> {
  const definition = definitionFrom(spec as unknown);
  catalogue().add(definition);
  return definition;
}

/** Checks what a caller passed, which in plain JavaScript may be anything. */
function definitionFrom(spec: unknown): ProcessDefinition {
  if (!isRecord(spec)) throw invalid("definition", "an object of options", spec);
  const name = nameFrom(spec.name);
  const at = (option: string) => `${option} of process "${name}"`;
  for (const option of Object.keys(spec)) {
    if (!KNOWN.includes(option)) {
      throw invalid(`option ${at(option)}`, `one of ${KNOWN.join(", ")}`, option);
    }
  }
  const version = spec.version ?? 1;
  if (typeof version !== "number" || !Number.isSafeInteger(version) || version < 1) {
    throw invalid(at("version"), "an integer of at least 1", version);
  }
  if (typeof spec.init !== "function") throw invalid(at("init"), "a function", spec.init);
  return Object.freeze({
    name,
    version,
    init: spec.init as ProcessDefinition["init"],
    call: handlersFrom(spec.call, at("call")),
    cast: handlersFrom(spec.cast, at("cast")),
    info: optionalFunction(spec.info, at("info")) as AnyHandler | undefined,
    terminate: optionalFunction(spec.terminate, at("terminate")) as ProcessDefinition["terminate"],
    upgrade: optionalFunction(spec.upgrade, at("upgrade")) as ProcessDefinition["upgrade"],
    resolveConflict: optionalFunction(spec.resolveConflict, at("resolveConflict")) as
      | AnyHandler
      | undefined,
    persist: persistFrom(spec.persist, at("persist")),
    hibernateAfterMs: intervalFrom(spec.hibernateAfter, at("hibernateAfter")),
    mailbox: mailboxFrom(spec.mailbox, at("mailbox")),
  });
}

function nameFrom(name: unknown): string {
  const max = processLimits.nameBytesMax;
  const fits = typeof name === "string" && name.length > 0 && Buffer.byteLength(name) <= max;
  if (!fits) throw invalid("name of a process definition", `a text of 1 to ${max} bytes`, name);
  return name;
}

function handlersFrom(handlers: unknown, argument: string): HandlerMap {
  const safe = Object.create(null) as Record<string, AnyHandler>;
  if (handlers === undefined) return Object.freeze(safe);
  if (!isRecord(handlers)) throw invalid(argument, "an object of functions", handlers);
  for (const [name, handler] of Object.entries(handlers)) {
    if (name.length === 0) throw invalid(argument, "handlers with a name that is not empty", name);
    if (typeof handler !== "function") throw invalid(`${argument}.${name}`, "a function", handler);
    safe[name] = handler as AnyHandler;
  }
  return Object.freeze(safe);
}

function persistFrom(persist: unknown, argument: string): PersistRule | undefined {
  if (persist === undefined || persist === "manual" || persist === "each-message") return persist;
  const everyMs = isRecord(persist)
    ? intervalFrom(persist.every, `every in ${argument}`)
    : undefined;
  if (everyMs !== undefined) return Object.freeze({ everyMs });
  throw invalid(argument, '"manual", "each-message" or { every: Duration }', persist);
}

/** A duration that is not 0: what is done again and again must leave time in between. */
function intervalFrom(interval: unknown, argument: string): number | undefined {
  if (interval === undefined) return undefined;
  const intervalMs = parseDuration(interval as Duration, argument);
  const min = processLimits.intervalMsMin;
  if (intervalMs < min) throw invalid(argument, `at least ${min} ms`, intervalMs);
  return intervalMs;
}

function mailboxFrom(mailbox: unknown, argument: string): MailboxRules {
  if (mailbox !== undefined && !isRecord(mailbox)) throw invalid(argument, "an object", mailbox);
  for (const option of Object.keys(mailbox ?? {})) {
    if (option !== "limit" && option !== "overflow" && option !== "handlers") {
      throw invalid(argument, "only the options limit, overflow and handlers", option);
    }
  }
  const { limit = processLimits.mailboxMessages, overflow = "refuse" } = mailbox ?? {};
  if (typeof limit !== "number" || !Number.isSafeInteger(limit) || limit < 1) {
    throw invalid(`limit in ${argument}`, "an integer of at least 1", limit);
  }
  if (limit > processLimits.mailboxMessagesMax) {
    throw invalid(`limit in ${argument}`, `at most ${processLimits.mailboxMessagesMax}`, limit);
  }
  if (!OVERFLOWS.includes(overflow as string)) {
    throw invalid(`overflow in ${argument}`, `one of ${OVERFLOWS.join(", ")}`, overflow);
  }
  const handlers = sharesFrom(mailbox?.handlers, limit, `handlers in ${argument}`);
  return Object.freeze({ limit, overflow: overflow as MailboxRules["overflow"], handlers });
}

/** How many messages may wait for a handler, by its name. */
function sharesFrom(shares: unknown, limit: number, argument: string): MailboxRules["handlers"] {
  if (shares === undefined) return undefined;
  if (!isRecord(shares)) throw invalid(argument, "an object of numbers by handler", shares);
  const safe = Object.create(null) as Record<string, number>;
  for (const [name, share] of Object.entries(shares)) {
    const isShare = typeof share === "number" && Number.isSafeInteger(share) && share >= 1;
    if (!isShare || share > limit) {
      throw invalid(`${name} of ${argument}`, `an integer from 1 to the limit, ${limit}`, share);
    }
    safe[name] = share;
  }
  return Object.freeze(safe);
}

function optionalFunction(value: unknown, argument: string): unknown {
  if (value === undefined || typeof value === "function") return value;
  throw invalid(argument, "a function", value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(argument: string, expected: string, value: unknown): Error {
  return invalidArgument("defineProcess", argument, expected, value);
}
