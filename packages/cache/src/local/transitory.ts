/**
 * transitory: the `transitory` package, loaded when the first cache that evicts by frequency is made.
 *
 * Few nodes have one, and importing its 28 files takes 30 ms of the processor in every process that starts. A shelf is made
 * at once, so it is loaded by `require`. It is imported as `#transitory` (package.json): bundlers, which know the condition
 * "module", get `transitory` itself there and put it into the bundle; Node and whoever keeps it outside get this file.
 */
import { createRequire } from "node:module";
import type * as Transitory from "transitory";

let loaded: typeof Transitory | undefined;

/** Only this name: what else `transitory` exports is not in both. */
export const newCache: typeof Transitory.newCache = () => {
  loaded ??= createRequire(import.meta.url)("transitory") as typeof Transitory;
  return loaded.newCache();
};
