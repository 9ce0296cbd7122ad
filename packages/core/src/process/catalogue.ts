/**
 * The catalogue: every process definition of this operating-system process, by name.
 *
 * Why global: what runs remotely is found by name alone, so there is one table for all copies of
 * this package that got loaded (a duplicate in node_modules, a hot reload, simulated nodes that
 * share one module). It hangs on a registered symbol and holds nothing but plain data and
 * functions, so that two copies of the code agree on it.
 *
 * Invariants: a name, once taken, keeps its first definition. Another definition with the same
 * source texts is the same module loaded again and is accepted; one with other texts is refused.
 * Limit: `definitionsMax` names. Source texts cannot tell two closures over different variables
 * apart: a definition made inside a function needs a name of its own for each variant.
 */
import { coreErrors } from "../errors/errors.js";
import type { ProcessDefinition } from "./definition.js";
import { processLimits } from "./limits.js";

/** The table behind `defineProcess`. */
export interface Catalogue {
  /** @throws {ERR_PROCESS_DEFINED_TWICE} @throws {ERR_QUEUE_FULL} */
  add(definition: ProcessDefinition): void;
}

interface Entry {
  readonly definition: ProcessDefinition;
  readonly fingerprint: string;
}

/** What hangs on the symbol. The number changes with its shape. */
interface Store {
  readonly entries: Map<string, Entry>;
  readonly listeners: Set<(name: string) => void>;
}

const KEY = Symbol.for("@foundation/core/process-catalogue/1");

/** The catalogue that all copies of this package share. */
export function catalogue(): Catalogue {
  return { add };
}

/**
 * The definition of that name, or undefined when no module that defines it has been imported.
 *
 * @example
 * ```ts
 * import { definitionOf } from "@foundation/core"
 *
 * console.log(definitionOf("docs.nobody-defines-this")) // undefined
 * ```
 */
export function definitionOf(name: string): ProcessDefinition | undefined {
  return store().entries.get(name)?.definition;
}

/** The names of all definitions, in the order they were defined. */
export function definedNames(): readonly string[] {
  return [...store().entries.keys()];
}

/** Calls `listener` with each name that gets defined from now on; returns the way to stop. */
export function onDefined(listener: (name: string) => void): () => void {
  const { listeners } = store();
  const own = (name: string) => listener(name);
  listeners.add(own);
  return () => {
    listeners.delete(own);
  };
}

function add(definition: ProcessDefinition): void {
  const { entries, listeners } = store();
  const fingerprint = fingerprintOf(definition);
  const existing = entries.get(definition.name);
  if (existing !== undefined) {
    if (existing.fingerprint === fingerprint) return;
    throw coreErrors.ERR_PROCESS_DEFINED_TWICE(
      `Two different definitions claim the process name "${definition.name}": rename one of ` +
        "them, because what runs on another node is found by its name alone",
      { definition: definition.name },
    );
  }
  if (entries.size >= processLimits.definitionsMax) {
    throw coreErrors.ERR_QUEUE_FULL(
      `The catalogue holds ${processLimits.definitionsMax} process definitions and takes no more; ` +
        "define processes once, at the top of a module, not once for each request",
      { queue: "process definitions", limit: processLimits.definitionsMax, unit: "messages" },
    );
  }
  entries.set(definition.name, { definition, fingerprint });
  for (const listener of listeners) listener(definition.name);
}

/** Everything two loads of one module have in common, and two different definitions have not. */
function fingerprintOf(definition: ProcessDefinition): string {
  const handlers = (map: ProcessDefinition["call"]) =>
    Object.keys(map)
      .sort()
      .map((name) => [name, String(map[name])]);
  return JSON.stringify([
    definition.version,
    String(definition.init),
    handlers(definition.call),
    handlers(definition.cast),
    String(definition.info),
    String(definition.terminate),
    String(definition.upgrade),
    String(definition.resolveConflict),
    [definition.persist, definition.hibernateAfterMs],
    definition.mailbox,
  ]);
}

function store(): Store {
  const host = globalThis as { [KEY]?: Store };
  host[KEY] ??= { entries: new Map(), listeners: new Set() };
  return host[KEY];
}
