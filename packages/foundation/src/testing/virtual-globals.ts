/**
 * VirtualGlobals: in code of a simulated node the timers, Date, performance.now, AbortSignal.timeout, Math.random, what crypto
 * draws, and the process's signals, exit and clocks are the node's, so that an application that uses them simulates as it is.
 *
 * They stand before the simulator's guard, which still refuses what cannot be virtual (fetch and other input and output).
 * Whose code runs is asked at each call; code outside of nodes gets the real ones. `node:timers`, `node:timers/promises`
 * and `node:crypto` are patched too, since named imports of Node's own modules are live. A test runner that
 * gives tests copies of those (jest) is not reached by that: there a node's `import … from "node:timers"` stays real.
 */
import { createRequire, syncBuiltinESMExports } from "node:module";
import { ambientRuntime, type Runtime } from "@foundation/core";
import { standIn, type Any, type Holder } from "./stand-in.js";
import { chanceOfNodes, drawing, webDrawing } from "./virtual-chance.js";
import { virtualProcess } from "./virtual-process.js";
import { forgetNumbers } from "./virtual-timeout.js";
import { promisedTimers, timers } from "./virtual-timers.js";

/** Puts them in place; gives the function that takes them away. @param exit a node has called `process.exit` */
export function virtualGlobals(exit: (node: Runtime, code: number) => void): () => void {
  const undo: (() => void)[] = [];
  const put = (owner: object, stands: Readonly<Record<string, unknown>>): void => {
    for (const [name, value] of Object.entries(stands)) undo.push(replaced(owner, name, value));
  };
  const world = globalThis as unknown as Holder;
  const load = createRequire(import.meta.url);
  const [timersModule, promised, crypto] = [
    load("node:timers") as Holder,
    load("node:timers/promises") as Holder,
    load("node:crypto") as Holder,
  ];
  put(world, timers(world));
  put(timersModule, timers(timersModule));
  put(promised, promisedTimers(promised));
  const chance = chanceOfNodes();
  const math = Math as unknown as Holder;
  put(math, { random: standIn(math["random"] as Any, (node) => chance(node).next()) });
  put(crypto, drawing(crypto, chance));
  // One object by two names, or (under jest) two.
  for (const web of new Set([world["crypto"], crypto["webcrypto"]] as Holder[])) {
    put(web, webDrawing(web, chance));
  }
  put(process, virtualProcess(exit));
  // Whole milliseconds, as Date has them.
  const wallNow = (node: Runtime) => Math.floor(node.clock.wallNow());
  put(world, {
    Date: virtualDate(world["Date"] as object, wallNow),
    performance: withMethods(world["performance"], {
      now: standIn(bound(world["performance"], "now"), ({ clock }) => clock.now()),
    }),
    AbortSignal: withMethods(world["AbortSignal"], {
      timeout: standIn(bound(world["AbortSignal"], "timeout"), abortAfter),
    }),
  });
  syncBuiltinESMExports();
  return () => {
    for (const step of undo.splice(0).reverse()) step();
    forgetNumbers();
    syncBuiltinESMExports();
  };
}

function replaced(owner: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  const enumerable = before?.enumerable ?? true;
  Object.defineProperty(owner, name, { value, enumerable, configurable: true, writable: true });
  return () => {
    if (before) Object.defineProperty(owner, name, before);
    else delete (owner as Holder)[name];
  };
}

/** Dates as data are what they are; the present is the node's. */
function virtualDate(real: object, wallNow: (node: Runtime) => number): object {
  const present = (fn: (nowMs: number) => unknown, otherwise: () => unknown): unknown => {
    const node = ambientRuntime();
    return node === undefined ? otherwise() : fn(wallNow(node));
  };
  return new Proxy(real, {
    construct: (target, args: unknown[], newTarget) => {
      const made = (given: unknown[]) =>
        Reflect.construct(target as Any, given, newTarget) as object;
      const now = () =>
        present(
          (nowMs) => made([nowMs]),
          () => made([]),
        );
      return args.length === 0 ? (now() as object) : made(args);
    },
    apply: (target, self, args: unknown[]) =>
      present(
        (nowMs) => String(Reflect.construct(target as Any, [nowMs])),
        () => Reflect.apply(target as Any, self, args),
      ),
    get: (target, key, receiver) => {
      const value: unknown = Reflect.get(target, key, receiver);
      return key === "now" ? standIn((value as Any).bind(target) as Any, wallNow) : value;
    },
  });
}

/** The object with some methods virtual; the others keep their own `this`, which brands demand. */
function withMethods(real: unknown, virtual: Holder): unknown {
  const isFunction = typeof real === "function";
  return new Proxy(real as object, {
    get: (target, key) => {
      if (typeof key === "string" && Object.hasOwn(virtual, key)) return virtual[key];
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      return isFunction ? value : ((value as Any).bind(target) as unknown);
    },
  });
}

function bound(owner: unknown, method: string): Any {
  return ((owner as Holder)[method] as Any).bind(owner) as Any;
}

function abortAfter({ clock }: Runtime, delayMs: unknown): AbortSignal {
  const controller = new AbortController();
  const message = "The operation was aborted due to timeout";
  clock.setTimer(Number(delayMs), () =>
    controller.abort(new DOMException(message, "TimeoutError")),
  );
  return controller.signal;
}
