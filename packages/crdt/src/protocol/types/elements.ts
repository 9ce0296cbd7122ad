/**
 * Elements: the keys of a set's members in a causal state.
 *
 * A member is plain data and is known by its content: two objects with the same fields are one
 * member, whatever the order of the fields. Texts are their own key, behind a mark.
 */
import { canonicalText } from "../fingerprint.js";

/** Plain data that a set can hold. */
export interface Element<V> {
  readonly key: string;
  /** What is stored; null where the key says it all. */
  readonly stored: V | null;
}

export function elementOf<V>(value: V): Element<V> {
  if (typeof value === "string") return { key: `s${value}`, stored: null };
  return { key: `d${canonicalText(value)}`, stored: value };
}

/** The member behind a key. */
export function memberOf<V>(key: string, stored: V | null): V {
  return key.startsWith("s") ? (key.slice(1) as V) : (stored as V);
}
