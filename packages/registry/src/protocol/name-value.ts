/**
 * Name values: a claim as it stands in the store and travels, small because there may be very many.
 *
 * Most names belong to no supervised child and carry nothing beside them, so those are two fields
 * and all others six; the definition's name is one text for all of them. Keys of the store are the names themselves;
 * what else stands there begins with two reserved signs, which no name does.
 *
 * Invariants: `unpackClaim(packClaim(value))` is the value; a value that is no claim is kept as `null`, so that what is
 * read from the store was checked once, when it came.
 */
import { parseClaim, type ClaimValue } from "./name-resolution.js";

/** What the keys of definitions begin with. */
export const DEFINITION_KEY = "$$d:";
/** What the keys of entries under a duplicate name begin with. */
export const DUPLICATE_KEY = "$$k:";
const RESERVED_SIGN = "$".charCodeAt(0);

/** Serial, definition; for all but the simplest also incarnation, generation, what is kept beside. */
export type NameValue =
  | { readonly s: number; readonly d: string | undefined }
  | {
      readonly s: number;
      readonly d: string | undefined;
      readonly i: number;
      readonly g: number;
      readonly m: unknown;
    };

/** True for a key of the store under which a name's claim stands. Sign by sign: `startsWith` costs each look-up 50 ns. */
export function isNameKey(key: string): boolean {
  return key.charCodeAt(0) !== RESERVED_SIGN || key.charCodeAt(1) !== RESERVED_SIGN;
}

/** The key of an entry of a process under a duplicate name. */
export function duplicateKey(name: string, serial: number): string {
  return `${DUPLICATE_KEY}${serial}:${name}`;
}

/** The duplicate name and the process of a key; undefined when it is no such key. */
export function parseDuplicateKey(
  key: string,
): { readonly name: string; readonly serial: number } | undefined {
  if (!key.startsWith(DUPLICATE_KEY)) return undefined;
  const end = key.indexOf(":", DUPLICATE_KEY.length);
  const serial = Number(key.slice(DUPLICATE_KEY.length, end));
  const name = key.slice(end + 1);
  const isKey = end > DUPLICATE_KEY.length && Number.isSafeInteger(serial) && serial >= 0;
  return isKey && name !== "" && duplicateKey(name, serial) === key ? { name, serial } : undefined;
}

export function packClaim(value: ClaimValue): NameValue {
  const { serial, definition, incarnation, generation, meta } = value;
  if (incarnation === 0 && generation === 0 && meta === undefined) {
    return { s: serial, d: definition };
  }
  return { s: serial, d: definition, i: incarnation, g: generation, m: meta };
}

export function unpackClaim(value: NameValue): ClaimValue {
  const { s: serial, d: definition } = value;
  if ("i" in value) {
    return { serial, definition, incarnation: value.i, generation: value.g, meta: value.m };
  }
  return { serial, definition, incarnation: 0, generation: 0, meta: undefined };
}

/** What is kept of a value that came from anywhere; null when it is no claim. */
export function keptClaim(value: unknown, share: (text: string) => string): NameValue | null {
  if (typeof value !== "object" || value === null) return null;
  const { s, d, i, g, m } = value as Readonly<Record<"s" | "d" | "i" | "g" | "m", unknown>>;
  const claim = parseClaim({
    serial: s,
    definition: typeof d === "string" ? share(d) : undefined,
    incarnation: i ?? 0,
    generation: g ?? 0,
    meta: m,
  });
  return claim === undefined ? null : packClaim(claim);
}
