/** The globals that a node's code may not use: they are looked up at each call, so replacing them is enough. */
import type { Refuse } from "./escape.js";
import type { Patches } from "./patches.js";

type Any = (...args: unknown[]) => unknown;

export function guardGlobals(patches: Patches): void {
  const world = globalThis as unknown as Readonly<Record<string, object | undefined>>;
  patches.guard(world, "", [
    "setTimeout",
    "setInterval",
    "setImmediate",
    "fetch",
    "MessageChannel",
    "BroadcastChannel",
    "WebSocket",
    "EventSource",
  ]);
  patches.guard(Math, "Math.", ["random"]);
  patches.guard(world["performance"], "performance.", ["now"]);
  patches.guard(world["AbortSignal"], "AbortSignal.", ["timeout"]);
  patches.guard(world["crypto"], "crypto.", ["randomUUID", "getRandomValues"]);
  patches.guard(process, "process.", ["hrtime", "uptime", "kill", "abort"]);
  patches.guard(process.hrtime, "process.hrtime.", ["bigint"]);
  const date = world["Date"];
  if (date) patches.replace(globalThis, "Date", guardedDate(date, patches.refuse));
}

/** Dates as data pass; asking for the present does not. */
function guardedDate(real: object, refuse: Refuse): object {
  const now = (): number => {
    refuse("Date.now", now);
    return (real as DateConstructor).now();
  };
  const construct = (target: object, args: unknown[], newTarget: Any): object => {
    if (args.length === 0) refuse("new Date()", construct);
    return Reflect.construct(target as Any, args, newTarget) as object;
  };
  const apply = (target: object, self: unknown, args: unknown[]): unknown => {
    refuse("Date()", apply);
    return Reflect.apply(target as Any, self, args);
  };
  const get = (target: object, key: string | symbol): unknown =>
    key === "now" ? now : (Reflect.get(target, key) as unknown);
  return new Proxy(real, { construct, apply, get });
}
