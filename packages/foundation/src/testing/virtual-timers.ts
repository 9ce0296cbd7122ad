/** VirtualTimers: the functions of `node:timers` and `node:timers/promises` by a node's clock. */
import { promisify } from "node:util";
import { isFoundationError, type Clock, type Runtime } from "@foundation/core";
import { standIn, type Any, type Holder } from "./stand-in.js";
import { VirtualTimeout } from "./virtual-timeout.js";

/** Stand-ins for the timers that `owner` has, which are the real ones. */
export function timers(owner: Holder): Readonly<Record<string, Any>> {
  const real = (name: string) => owner[name] as Any;
  const setTimeout = standIn(real("setTimeout"), ({ clock }, fn, delayMs, ...args) =>
    timeout(clock, fn, args, { delayMs: Number(delayMs), repeats: false }),
  );
  const setImmediate = standIn(real("setImmediate"), ({ clock }, fn, ...args) =>
    timeout(clock, fn, args, { delayMs: 0, repeats: false }),
  );
  return {
    setTimeout: promised(setTimeout, real("setTimeout"), sleep),
    setInterval: standIn(real("setInterval"), ({ clock }, fn, delayMs, ...args) =>
      timeout(clock, fn, args, { delayMs: Number(delayMs), repeats: true }),
    ),
    setImmediate: promised(setImmediate, real("setImmediate"), (node, value, options) =>
      sleep(node, 0, value, options),
    ),
    clearTimeout: clearing(real("clearTimeout")),
    clearInterval: clearing(real("clearInterval")),
    clearImmediate: clearing(real("clearImmediate")),
  };
}

/** Stand-ins for the functions of `node:timers/promises`. */
export function promisedTimers(owner: Holder): Readonly<Record<string, unknown>> {
  const real = (name: string) => owner[name] as Any;
  const scheduler = owner["scheduler"] as Holder;
  const wait = standIn(
    (scheduler["wait"] as Any).bind(scheduler) as Any,
    (node, delayMs, options) => sleep(node, delayMs, undefined, options),
  );
  return {
    setTimeout: standIn(real("setTimeout"), sleep),
    setImmediate: standIn(real("setImmediate"), (node, value, options) =>
      sleep(node, 0, value, options),
    ),
    setInterval: standIn(real("setInterval"), every),
    scheduler: new Proxy(scheduler, {
      get: (target, key) => (key === "wait" ? wait : (Reflect.get(target, key, target) as unknown)),
    }),
  };
}

function timeout(
  clock: Clock,
  fn: unknown,
  args: readonly unknown[],
  { delayMs, repeats }: { readonly delayMs: number; readonly repeats: boolean },
): VirtualTimeout {
  if (typeof fn !== "function") throw new TypeError("A timer's callback must be a function");
  return new VirtualTimeout(clock, () => (fn as Any)(...args), delayMs, repeats);
}

/** Not asked whose code runs: a virtual timer is known by what it is. */
function clearing(real: Any): Any {
  return function (this: unknown, timer: unknown): unknown {
    return VirtualTimeout.clear(timer) ? undefined : Reflect.apply(real, this, [timer]);
  };
}

/** What `promisify` makes of a timer. */
function promised(
  stand: Any,
  real: Any,
  virtual: (node: Runtime, ...args: unknown[]) => unknown,
): Any {
  const custom = (real as unknown as Record<symbol, unknown>)[promisify.custom];
  if (typeof custom !== "function") return stand;
  return Object.defineProperty(stand, promisify.custom, {
    value: standIn(custom as Any, virtual),
    enumerable: true,
  });
}

async function sleep(
  { clock }: Runtime,
  delayMs: unknown,
  value?: unknown,
  options?: unknown,
): Promise<unknown> {
  const { signal } = (options ?? {}) as { readonly signal?: AbortSignal };
  try {
    await clock.sleep(Math.max(1, Number(delayMs ?? 1)), { signal });
    return value;
  } catch (error) {
    if (!isFoundationError(error, "ERR_ABORTED")) throw error;
    // As Node's own says it.
    const aborted = new Error("The operation was aborted", { cause: signal?.reason });
    throw Object.assign(aborted, { name: "AbortError", code: "ABORT_ERR" });
  }
}

async function* every(
  node: Runtime,
  delayMs: unknown,
  value?: unknown,
  options?: unknown,
): AsyncGenerator<unknown, void> {
  for (;;) {
    await sleep(node, delayMs, undefined, options);
    yield value;
  }
}
