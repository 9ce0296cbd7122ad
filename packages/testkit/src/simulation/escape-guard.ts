/**
 * EscapeGuard: while code of a simulated node runs, real time, chance, threads and input and output are refused by name.
 *
 * A timer of Node's own or a `Date.now()` makes a run depend on the machine, silently: the seed then replays something
 * else. So they throw ERR_SIMULATION_ESCAPED naming the caller, and the escape is reported even when the code that tried
 * swallows the error. Code outside of nodes (the test, its runner) is let through, and so are `require` and a test
 * runner's own work. An `import()` that must read a file is reported: virtual time does not wait for it.
 *
 * Seen: the globals; what a module has imported from Node's modules, before or after (their exports are live, so also
 * `import { readFile } from "node:fs/promises"`); methods of sockets, servers and child processes. With the
 * guard "thorough", also whatever starts a real timer, thread or request by a way not named here, and imports by way of
 * module hooks (tsx): reported, not refused.
 *
 * Not seen: files read synchronously (they are taken as part of the program, as its modules are); what describes the
 * machine (`process.env`, `process.pid`, `memoryUsage`, `os`); chance inside deterministic-looking calls (an ECDH
 * key, a salt OpenSSL draws); WebAssembly and native addons. Where a test runner copies the exports of Node's modules, as
 * jest does for ES modules, a named import of a synchronous function made before the simulation is not seen, nor is a late
 * `import()`, which the runner itself performs.
 */
import type { FoundationError } from "@foundation/core";
import { culprit, escaped } from "./escape.js";
import { guardBuiltins } from "./guarded-builtins.js";
import { guardGlobals } from "./guarded-globals.js";
import { letOutputThrough } from "./program-output.js";
import { Patches } from "./patches.js";
import { watchResources } from "./resource-watch.js";

/** How Node's loader goes about a module that it does not have yet. */
const LOADS_LATER = /^(?:fs\.promises\.|A real (?:FSREQPROMISE|MESSAGEPORT)$)/;
const LATE_IMPORT = "import() of a module that was not loaded before the simulation";
const LATE_ADVICE = "Import the module at the top of the test too, and it is loaded already.";

export interface EscapeGuardOptions {
  /** The name of the node whose code runs. */
  readonly inside: () => string | undefined;
  readonly report: (escape: FoundationError) => void;
  readonly thorough: boolean;
}

/** Guards the whole process; gives the function that ends it. */
export function guardEscapes({ inside, report, thorough }: EscapeGuardOptions): () => void {
  let isLooking = false;
  let lastImport = "";
  const look = (what: string, below: object): FoundationError | undefined => {
    // Reading a stack may itself read files, for source maps.
    const node = isLooking ? undefined : inside();
    if (node === undefined) return undefined;
    isLooking = true;
    try {
      const { who, caller } = culprit(below);
      if (who === "runner") return undefined;
      if (who === "module loader") {
        // Not refused: the loader would keep the failure for the whole process. One import takes several steps.
        if (LOADS_LATER.test(what) && caller !== lastImport)
          report(escaped(LATE_IMPORT, caller, node, LATE_ADVICE));
        lastImport = caller;
        return undefined;
      }
      // `structuredClone` makes ports and uses them at once.
      if (what === "A real MESSAGEPORT") return undefined;
      const escape = escaped(what, caller, node);
      report(escape);
      return escape;
    } finally {
      isLooking = false;
    }
  };
  const patches = new Patches((what, below) => {
    const escape = look(what, below);
    if (escape) throw escape;
  });
  guardGlobals(patches);
  letOutputThrough(patches, () => inside() !== undefined);
  guardBuiltins(patches);
  const unwatch = thorough
    ? watchResources(
        () => inside() !== undefined,
        (what, below) => look(what, below),
      )
    : undefined;
  return () => {
    unwatch?.();
    patches.undo();
  };
}
