/**
 * Boxing: how values travel that MessagePack cannot tell apart, or that its readers would change.
 *
 * A map would arrive as an object, a set and a typed array need extensions, -0 arrives as 0, and a text decoder swallows
 * a leading byte order mark. A message with one of them begins with 0xC1, a byte that begins no value in MessagePack,
 * and in the value behind it every array begins with a tag: `a` array, `m` map, `s` set, `b` typed array, `z` minus
 * zero, `t` text, `o` object. All other messages are plain MessagePack and pay nothing.
 */
import {
  boxedArrayName,
  hasByteOrderMark,
  isBytes,
  isForbiddenKey,
  isPlainObject,
} from "./plain-data.js";

/** Begins a message whose value is boxed. */
export const BOXED_MARK = 0xc1;

/** Stands before a text that begins with a byte order mark, so that it no longer begins with it. */
const GUARD = ".";

/** The value with tags, made of what MessagePack keeps. The value must have been inspected. */
export function box(value: unknown): unknown {
  if (typeof value === "string") return hasByteOrderMark(value) ? ["t", GUARD + value] : value;
  if (typeof value === "number") return Object.is(value, -0) ? ["z"] : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return ["a", ...boxAll(value)];
  if (value instanceof Map) return ["m", ...boxAll([...value].flat(1))];
  if (value instanceof Set) return ["s", ...boxAll([...value])];
  if (ArrayBuffer.isView(value)) return isBytes(value) ? value : boxTypedArray(value);
  if (!isPlainObject(value)) return value;
  const entries = Object.entries(value);
  if (entries.some(([key]) => hasByteOrderMark(key))) {
    return ["o", ...entries.flatMap(([key, item]) => [GUARD + key, box(item)])];
  }
  return Object.fromEntries(entries.map(([key, item]) => [key, box(item)]));
}

/** Undoes `box`. @throws {Error} when the tags are not those of `box`. */
export function unbox(value: unknown): unknown {
  if (Array.isArray(value)) return unboxArray(value);
  if (typeof value !== "object" || value === null || !isPlainObject(value)) return value;
  for (const [key, item] of Object.entries(value)) {
    (value as Record<string, unknown>)[key] = unbox(item);
  }
  return value;
}

function unboxArray([tag, ...items]: readonly unknown[]): unknown {
  switch (tag) {
    case "a":
      return items.map(unbox);
    case "s":
      return new Set(items.map(unbox));
    case "m":
      return new Map(pairs(items).map(([key, item]) => [unbox(key), unbox(item)]));
    case "o":
      return Object.fromEntries(pairs(items).map(([key, item]) => [keyOf(key), unbox(item)]));
    case "b":
      return typedArrayOf(items[0], items[1]);
    case "t":
      return unguarded(items[0]);
    case "z":
      return -0;
    default:
      throw new Error("an array without a tag in a boxed value");
  }
}

function boxTypedArray(view: ArrayBufferView): unknown[] {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  return ["b", boxedArrayName(view), bytes];
}

const typedArrayConstructors: Readonly<Record<string, new (buffer: ArrayBuffer) => object>> = {
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

function typedArrayOf(name: unknown, bytes: unknown): unknown {
  const known = typeof name === "string" && Object.hasOwn(typedArrayConstructors, name);
  const constructor = known ? typedArrayConstructors[name] : undefined;
  if (!constructor || !(bytes instanceof Uint8Array)) {
    throw new Error("a typed array of an unknown kind in a boxed value");
  }
  // A copy of its own: elements of more than one byte must be aligned.
  return new constructor(Uint8Array.from(bytes).buffer);
}

function pairs(items: readonly unknown[]): (readonly [unknown, unknown])[] {
  if (items.length % 2 !== 0) throw new Error("a key without a value in a boxed value");
  return Array.from({ length: items.length / 2 }, (_, i) => [items[2 * i], items[2 * i + 1]]);
}

function keyOf(guarded: unknown): string {
  const key = unguarded(guarded);
  if (isForbiddenKey(key)) throw new Error(`the key "${key}" is not allowed`);
  return key;
}

function unguarded(guarded: unknown): string {
  if (typeof guarded === "string" && guarded.startsWith(GUARD)) return guarded.slice(GUARD.length);
  throw new Error("a text without its guard in a boxed value");
}

function boxAll(items: readonly unknown[]): unknown[] {
  // By index: holes of sparse arrays become undefined, as on the plain way.
  return Array.from(items, box);
}
