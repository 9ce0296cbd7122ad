/** Patches: functions of this process that are replaced for a while, and put back in the end. */
import { syncBuiltinESMExports } from "node:module";
import { promisify } from "node:util";
import type { Refuse } from "./escape.js";

type Any = (...args: unknown[]) => unknown;

export class Patches {
  readonly refuse: Refuse;
  readonly #undo: (() => void)[] = [];
  /** What stands in the places of the real ones: some objects are reached by two names. */
  readonly #stands = new WeakSet<object>();

  constructor(refuse: Refuse) {
    this.refuse = refuse;
  }

  /**
   * Refuses functions of an object in code of nodes; a name that is none here is passed over.
   * @param passes calls that are let through
   */
  guard(
    owner: object | undefined,
    prefix: string,
    names: readonly string[],
    passes: (...args: unknown[]) => boolean = () => false,
  ): void {
    if (owner === undefined) return;
    for (const name of names) {
      const real: unknown = Reflect.get(owner, name);
      if (typeof real !== "function" || this.#stands.has(real)) continue;
      const stand = guarded(real as Any, `${prefix}${name}`, this.refuse, passes);
      this.#stands.add(stand);
      this.replace(owner, name, stand);
    }
  }

  /** Puts a stand-in that refuses by itself. */
  stand(owner: object, name: string, value: object): void {
    this.#stands.add(value);
    this.replace(owner, name, value);
  }

  replace(owner: object, name: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    if (before?.configurable === false) return;
    const enumerable = before?.enumerable ?? false;
    Object.defineProperty(owner, name, { value, configurable: true, writable: true, enumerable });
    this.#undo.push(() => {
      if (before) Object.defineProperty(owner, name, before);
      else Reflect.deleteProperty(owner, name);
    });
  }

  /** Named imports of Node's modules follow what their objects hold now. */
  publish(): void {
    syncBuiltinESMExports();
  }

  undo(): void {
    for (const step of this.#undo.splice(0).reverse()) step();
    this.publish();
  }
}

/** The function or class, refused before it is called. */
function guarded(
  real: Any,
  what: string,
  refuse: Refuse,
  passes: (...args: unknown[]) => boolean,
): Any {
  const apply = (target: Any, self: unknown, args: unknown[]): unknown => {
    if (!passes(...args)) refuse(what, apply);
    return Reflect.apply(target, self, args);
  };
  const construct = (target: Any, args: unknown[], newTarget: Any): object => {
    refuse(what, construct);
    return Reflect.construct(target, args, newTarget) as object;
  };
  const get = (target: Any, key: string | symbol): unknown => {
    const value: unknown = Reflect.get(target, key);
    // The promisified form of a timer is a property of it.
    if (key !== promisify.custom || typeof value !== "function") return value;
    // One that cannot be changed (that of `exec`) must be given as it is.
    const { configurable, writable } = Object.getOwnPropertyDescriptor(target, key) ?? {};
    const isFixed = configurable === false && writable === false;
    return isFixed ? value : guarded(value as Any, what, refuse, passes);
  };
  return new Proxy(real, { apply, construct, get });
}
