/**
 * EscapeGuard: while code of a simulated node runs, real time, real chance and the global fetch are refused by name.
 *
 * A timer of Node's own or a `Date.now()` makes a run depend on the machine, silently: the seed then replays something
 * else. So the globals throw ERR_SIMULATION_ESCAPED naming the caller, and the escape is reported even when the code
 * that tried swallows the error. Code outside of nodes (the test, its runner) is let through.
 *
 * Only globals are guarded: what a module imported from `node:timers`, `node:fs` or `node:net` is not seen here; a tidy
 * rule of this repository keeps those out of the packages.
 */
import type { FoundationError } from "@foundation/core";
import { testkitErrors } from "../errors.js";

type Any = (...args: unknown[]) => unknown;
type Holder = Record<string, unknown>;

/** Replaces the guarded globals; gives the function that puts them back. */
export function guardGlobals(
  isInside: () => boolean,
  report: (escape: FoundationError) => void,
): () => void {
  const undo: (() => void)[] = [];
  const replace = (owner: object, name: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    undo.push(() => {
      if (before) Object.defineProperty(owner, name, before);
      else delete (owner as Holder)[name];
    });
  };
  const refuse = (what: string): void => {
    if (!isInside()) return;
    const escape = escaped(what, callerOf(new Error().stack));
    report(escape);
    throw escape;
  };
  const world = globalThis as unknown as Holder;
  for (const name of ["setTimeout", "setInterval", "setImmediate", "fetch"]) {
    const real = world[name];
    if (typeof real === "function") replace(world, name, guarded(real as Any, name, refuse));
  }
  const { random } = Math;
  replace(Math, "random", guarded(random as Any, "Math.random", refuse));
  replace(world, "Date", guardedDate(world["Date"] as object, refuse));
  for (const [name, methods] of [
    ["performance", ["now"]],
    ["crypto", ["randomUUID", "getRandomValues"]],
    ["AbortSignal", ["timeout"]],
  ] as const) {
    const real = world[name];
    if (real !== null && (typeof real === "object" || typeof real === "function")) {
      replace(world, name, withMethods(real, name, methods, refuse));
    }
  }
  return () => {
    for (const step of undo.splice(0).reverse()) step();
  };
}

function guarded(real: Any, name: string, refuse: (what: string) => void): Any {
  const stand = function (this: unknown, ...args: unknown[]): unknown {
    refuse(name);
    return Reflect.apply(real, this, args);
  };
  // setTimeout carries its promisified form as a property.
  return Object.defineProperties(stand, Object.getOwnPropertyDescriptors(real)) as Any;
}

/** Dates as data pass; asking for the present does not. */
function guardedDate(real: object, refuse: (what: string) => void): object {
  return new Proxy(real, {
    construct: (target, args: unknown[], newTarget) => {
      if (args.length === 0) refuse("new Date()");
      return Reflect.construct(target as Any, args, newTarget) as object;
    },
    apply: (target, self, args: unknown[]) => {
      refuse("Date()");
      return Reflect.apply(target as Any, self, args);
    },
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      return key === "now" ? guarded(value as Any, "Date.now", refuse) : value;
    },
  });
}

/** The object with some methods refused; the others keep their own `this`, which brands demand. */
function withMethods(
  real: object,
  name: string,
  methods: readonly string[],
  refuse: (what: string) => void,
): object {
  return new Proxy(real, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== "function") return value;
      const isGuarded = typeof key === "string" && methods.includes(key);
      if (isGuarded) return guarded((value as Any).bind(target) as Any, `${name}.${key}`, refuse);
      return typeof target === "function" ? value : ((value as Any).bind(target) as unknown);
    },
  });
}

function escaped(what: string, caller: string): FoundationError {
  return testkitErrors.ERR_SIMULATION_ESCAPED(
    `${what} was used by code of a simulated node at ${caller}: it would make the run depend on this machine. ` +
      "Take it from the node's Runtime.",
    { what, caller },
  );
}

/** The first line of the stack that is not this file's. */
function callerOf(stack: string | undefined): string {
  const lines = (stack ?? "").split("\n").slice(1);
  const outside = lines.find((line) => !line.includes("escape-guard"));
  return outside?.trim().replace(/^at /, "") ?? "an unknown place";
}
