/**
 * cockatiel: the package of that name, loaded when the first service is offered or routed to.
 *
 * Most nodes do neither while they start, and loading it takes 16 to 22 ms of the processor. A registration answers at
 * once, so it is loaded by `require`. It is imported as `#cockatiel` (package.json): bundlers, which know the condition
 * "module", get `cockatiel` itself there and put it into the bundle; Node and whoever keeps it outside get this file.
 *
 * Only what counts and waits is used of it: the bulkhead, and the window of outcomes that says when failures are too
 * many. Its policies with times read the machine's clock, which would make a simulated run depend on the machine.
 */
import { createRequire } from "node:module";
import type * as Package from "cockatiel";

let loaded: typeof Package | undefined;

function load(): typeof Package {
  loaded ??= createRequire(import.meta.url)("cockatiel") as typeof Package;
  return loaded;
}

/** As `cockatiel` exports it: a class, made when it is first used. */
export const BulkheadPolicy = later("BulkheadPolicy");
export const CountBreaker = later("CountBreaker");

/** A function that, called by `new`, gives what the class of that name gives. */
function later<Name extends "BulkheadPolicy" | "CountBreaker">(name: Name): (typeof Package)[Name] {
  return function make(...parameters: unknown[]): object {
    const Class = load()[name] as new (...parameters: unknown[]) => object;
    return new Class(...parameters);
  } as unknown as (typeof Package)[Name];
}
