/**
 * Multi-value register: every write that no other write had seen, side by side.
 *
 * The values are in the order of `compareWrites`, the latest first, so that all nodes list them
 * alike. A later write of one writer had seen its earlier ones: where a removal is still on its way,
 * those are left out already.
 */
import type { Entry } from "../causal/strand.js";
import { compareWrites } from "./lww.js";

export function valuesOf<V>(list: readonly Entry<V>[]): readonly V[] {
  if (list.length < 2) return list.map(({ value }) => value);
  return list
    .filter((entry) => !list.some((other) => isLater(other, entry)))
    .sort((a, b) => compareWrites(b, a))
    .map(({ value }) => value);
}

function isLater<V>(a: Entry<V>, b: Entry<V>): boolean {
  return a.strand === b.strand && a.sequence > b.sequence;
}
