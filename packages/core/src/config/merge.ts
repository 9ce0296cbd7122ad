/**
 * mergeLayers: one tree of options from several layers, and which layer each option came from.
 *
 * Invariants: groups of options (objects in the schema) are merged name by name; everything else —
 * arrays, instances, and objects that the schema takes as one value — is replaced as a whole.
 * `undefined` never hides a value of a lower layer. Every leaf has exactly one layer.
 */
import { configLimits } from "./limits.js";
import type { ConfigLayer } from "./layer.js";
import { isPlainObject, type Shape } from "./schema-shape.js";

/** The merged options. */
export interface Merged {
  readonly values: unknown;
  /** The layer of each leaf, by its path. */
  readonly layers: ReadonlyMap<string, ConfigLayer>;
}

interface Offer {
  readonly value: unknown;
  readonly layer: ConfigLayer;
}

/** Merges the layers, the last one winning. */
export function mergeLayers(shape: Shape, layers: readonly ConfigLayer[]): Merged {
  const owners = new Map<string, ConfigLayer>();
  const offers = layers.map((layer) => ({ value: layer.values, layer }));
  return { values: merge(shape, offers, [], owners) ?? {}, layers: owners };
}

function merge(
  shape: Shape | undefined,
  offers: readonly Offer[],
  path: readonly string[],
  owners: Map<string, ConfigLayer>,
): unknown {
  const top = offers.at(-1);
  if (top === undefined) return undefined;
  const isGroup = shape?.isGroup === true && path.length < configLimits.depthMax;
  if (!isGroup || !isPlainObject(top.value)) {
    owners.set(pathText(path), top.layer);
    return top.value;
  }
  const groups = offers.slice(offers.findLastIndex(({ value }) => !isPlainObject(value)) + 1);
  const merged: Record<string, unknown> = {};
  for (const key of keysOf(groups)) {
    const below = groups.map(({ value, layer }) => ({ value: own(value, key), layer }));
    const set = below.filter(({ value }) => value !== undefined);
    // A definition, since assigning to `__proto__` would set the prototype.
    Object.defineProperty(merged, key, {
      value: merge(shape.child(key), set, [...path, key], owners),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  if (Object.keys(merged).length === 0) owners.set(pathText(path), top.layer);
  return merged;
}

/** Names that some layer sets, in the order in which they first appear. */
function keysOf(groups: readonly Offer[]): readonly string[] {
  const keys = new Set<string>();
  for (const { value } of groups) {
    for (const [key, each] of Object.entries(value as object)) {
      if (each !== undefined) keys.add(key);
    }
  }
  return [...keys];
}

function own(value: unknown, key: string): unknown {
  return Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** How a path is written: `processes.supervisor`. */
export function pathText(path: readonly string[]): string {
  return path.join(".");
}
