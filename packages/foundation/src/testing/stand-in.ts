/** StandIn: a function that is a node's own in code of a simulated node, and the real one everywhere else. */
import { ambientRuntime, type Runtime } from "@foundation/core";

export type Any = (...args: unknown[]) => unknown;

/** An object whose members are looked at one by one: a global's or a module's. */
export type Holder = Record<string, unknown>;

/** Asks at each call whose code runs. */
export function standIn(real: Any, virtual: (node: Runtime, ...args: unknown[]) => unknown): Any {
  return function (this: unknown, ...args: unknown[]): unknown {
    const node = ambientRuntime();
    return node === undefined ? Reflect.apply(real, this, args) : virtual(node, ...args);
  };
}
