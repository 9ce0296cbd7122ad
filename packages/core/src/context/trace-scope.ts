/**
 * The ambient trace: what user code runs in, so that its own sends and logs join the trace of the
 * message that caused them.
 *
 * Why lazily: the first `run` of an AsyncLocalStorage turns async hooks on for the whole process and
 * makes every await about four times as dear. Nothing here touches one before the first traced
 * handler runs, so an application without traces never pays; reading the ambient trace does not
 * count as use. The storage sits on a `Symbol.for` global: two copies of this package share it.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { TraceContext } from "./trace-context.js";

const KEY = Symbol.for("foundation.trace-scope");
const slot = globalThis as { [KEY]?: AsyncLocalStorage<TraceContext> };

/**
 * Runs `fn` with `trace` as the ambient trace, also across its awaits; answers what `fn` answers.
 * Without a trace it only calls `fn`, so callers need no branch and nothing is switched on.
 *
 * @example
 * ```ts
 * import { currentTrace, newTrace, nodeRandom, runWithTrace } from "@foundation/core"
 *
 * runWithTrace(newTrace(nodeRandom()), () => console.log(currentTrace()?.traceId))
 * ```
 */
export function runWithTrace<T>(trace: TraceContext | undefined, fn: () => T): T {
  if (trace === undefined) return fn();
  slot[KEY] ??= new AsyncLocalStorage<TraceContext>();
  return slot[KEY].run(trace, fn);
}

/** The ambient trace, or undefined outside any. */
export function currentTrace(): TraceContext | undefined {
  return slot[KEY]?.getStore();
}
