/** What `register` and `unregister` take, and how it is checked. */
import { checkOptions, invalidArgument } from "@foundation/core";
import type { Pid } from "@foundation/core";
import { checkProcess } from "../given.js";
import type { RegistryLimits } from "../../limits.js";
import type { ClusterRef } from "../calls/process-reference.js";
import { timeoutOf, type OperationOptions } from "../supervision/start-options.js";

/** Whether a name leads to one process, or to any number of them. */
export type NameKeys = "unique" | "duplicate";

/** Options of `register`. */
export interface RegisterOptions extends OperationOptions {
  /** Kept beside the name: plain data. */
  readonly meta?: unknown;
  /**
   * `duplicate`: beside any other process of that name; found by `lookupAll`, never by `lookup`.
   * @default "unique"
   */
  readonly keys?: NameKeys | undefined;
  /**
   * What the promise waits for: that the name stands on the node of its process (and is found on this one), or that
   * every member finds it. A timeout while waiting for the others leaves the name registered. @default "registered"
   */
  readonly wait?: "registered" | "visible" | undefined;
}

/** Options of `unregister`. */
export interface UnregisterOptions extends OperationOptions {
  /** @default "unique" */
  readonly keys?: NameKeys | undefined;
  /** Of a duplicate name: whose it is. @default all processes of this node that have it */
  readonly process?: ClusterRef | Pid | undefined;
}

/** Options of `send`. */
export interface SendByNameOptions {
  /** Whoever has the name, or every process that has it: that one, and those that have it as a duplicate. @default "one" */
  readonly to?: "one" | "all" | undefined;
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkSend(options: SendByNameOptions): void {
  checkOptions("send", options, ["to"]);
  oneOf("send", "to", options.to, ["one", "all"]);
}

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkRegister(
  options: RegisterOptions,
  limits: RegistryLimits,
): RegisterOptions & { readonly timeoutMs: number } {
  checkOptions("register", options, ["meta", "keys", "wait", "timeout", "signal"]);
  const { keys, wait } = options;
  oneOf("register", "keys", keys, ["unique", "duplicate"]);
  oneOf("register", "wait", wait, ["registered", "visible"]);
  return { ...options, timeoutMs: timeoutOf(options, limits) };
}

/** What `unregister` takes, with the process it names. @throws {ERR_INVALID_ARGUMENT} */
export function checkUnregister(
  options: UnregisterOptions,
  limits: RegistryLimits,
): UnregisterOptions & { readonly timeoutMs: number } {
  checkOptions("unregister", options, ["keys", "process", "timeout", "signal"]);
  const { keys, process } = options;
  oneOf("unregister", "keys", keys, ["unique", "duplicate"]);
  if (process !== undefined) checkProcess("unregister", process);
  return { ...options, timeoutMs: timeoutOf(options, limits) };
}

function oneOf(
  operation: string,
  argument: string,
  found: string | undefined,
  allowed: readonly string[],
): void {
  if (found === undefined || allowed.includes(found)) return;
  const expected = allowed.map((each) => `"${each}"`).join(" or ");
  throw invalidArgument(operation, argument, `${expected} (the first by default)`, found);
}
