/**
 * Name filters: which names `select` and `count` mean.
 *
 * A scan over all names, no index: an ordered one would cost every registration on every node, and 100,000 names are
 * looked through in a few milliseconds.
 */
import {
  checkOptionalFunction,
  checkOptionalText,
  checkOptions,
  invalidArgument,
  isNodeId,
  type NodeId,
  type ProcessDefinition,
} from "@foundation/core";
import { checkDefinition } from "../given.js";
import type { Located, NameEntry } from "./name-store.js";
import { entryOf } from "./name-watchers.js";

/** Which names are meant; all that is given must fit. */
export interface NameFilter {
  /** What the name begins with. */
  readonly prefix?: string | undefined;
  /** The definition its process has, or the name of that. */
  readonly definition?: ProcessDefinition | string | undefined;
  /** The node its process runs on. */
  readonly node?: NodeId | undefined;
  /** Asked last, once for each name that fits otherwise. Must not change the registry. */
  readonly where?: ((entry: NameEntry) => boolean) | undefined;
}

const KNOWN: readonly string[] = ["prefix", "definition", "node", "where"];

/** @throws {ERR_INVALID_ARGUMENT} */
export function checkFilter(operation: string, filter: NameFilter): void {
  checkOptions(operation, filter, KNOWN);
  const { prefix, definition, node, where } = filter;
  checkOptionalText(operation, "prefix", prefix);
  checkOptionalFunction(operation, "where", where);
  if (node !== undefined && !isNodeId(node)) {
    throw invalidArgument(operation, "node", "the id of a node", node);
  }
  if (definition !== undefined && typeof definition !== "string") {
    checkDefinition(operation, "definition", definition);
  }
}

/** Those of the entries that fit. */
export function* fitting(all: Iterable<Located>, filter: NameFilter): Generator<NameEntry> {
  const { definition, node, where } = filter;
  const wanted = typeof definition === "object" ? definition.name : definition;
  for (const located of all) {
    if (wanted !== undefined && located.definition !== wanted) continue;
    if (node !== undefined && located.pid.node !== node) continue;
    const entry = entryOf(located);
    if (where === undefined || where(entry)) yield entry;
  }
}

/** Ordered by name. */
export function byName(entries: Iterable<NameEntry>): readonly NameEntry[] {
  return [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
}
