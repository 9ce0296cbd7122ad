/**
 * What may be sent, and the pass over a value that the writer could not write as it is: whether it can be boxed (see
 * `boxing.ts`) or must be refused. Only a refused value is walked once more, slowly, to name the path.
 */
import type { CodecLimits } from "./limits.js";

/** `plain`: as it is. `boxed`: it has a map, a set or the like (see `boxing.ts`). `refused`: not plain data. */
export type Verdict = "plain" | "boxed" | "refused";

const PLAIN = 0;
const BOXED = 1;
const REFUSED = 2;

const BYTE_ORDER_MARK = 0xfeff;
const BIGINT_MIN = -(2n ** 63n);
const BIGINT_MAX = 2n ** 64n - 1n;

/** Every kind of typed array but bytes: what travels boxed, by the name its internal slot gives. */
const boxedArrays: ReadonlySet<string> = new Set([
  "Int8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
  "BigInt64Array",
  "BigUint64Array",
]);

/** Says how a value can be encoded. */
export function inspectValue(value: unknown, limits: CodecLimits): Verdict {
  valuesLeft = limits.valuesMax;
  const verdict = inspect(value, limits.depthMax);
  if (verdict >= REFUSED || valuesLeft < 0) return "refused";
  return verdict === PLAIN ? "plain" : "boxed";
}

/** True for a key that could reach an object's prototype on the other side. */
export function isForbiddenKey(key: string): boolean {
  return key === "__proto__" || key === "constructor" || key === "prototype";
}

/** True for a text whose first character a text decoder would swallow. */
export function hasByteOrderMark(text: string): boolean {
  return text.charCodeAt(0) === BYTE_ORDER_MARK;
}

/** True for a bigint of 64 bits, signed or unsigned. */
export function isEncodableBigInt(value: bigint): boolean {
  return value >= BIGINT_MIN && value <= BIGINT_MAX;
}

/** True for `{}` of any realm and for objects without a prototype. */
export function isPlainObject(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === Object.prototype ||
    prototype === null ||
    Object.getPrototypeOf(prototype) === null
  );
}

/** True for a Uint8Array or a Buffer. */
export function isBytes(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Uint8Array.prototype || prototype === Buffer.prototype;
}

/** The name of a typed array that is not bytes, of any realm; undefined for everything else and for subclasses. */
export function boxedArrayName(value: object): string | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  const name = Object.prototype.toString.call(value).slice("[object ".length, -1);
  return boxedArrays.has(name) && value.constructor.name === name ? name : undefined;
}

/** Values that this pass may still see; a field of the module, since passing it on would cost as much as the pass. */
let valuesLeft = 0;

function inspect(value: unknown, depthLeft: number): number {
  valuesLeft -= 1;
  if (typeof value === "string") return value.charCodeAt(0) === BYTE_ORDER_MARK ? BOXED : PLAIN;
  if (typeof value === "number") return value === 0 && 1 / value < 0 ? BOXED : PLAIN;
  if (typeof value === "object") {
    if (value === null) return PLAIN;
    // One more for the container itself: boxing adds one value to some.
    valuesLeft -= 1;
    if (depthLeft === 0 || valuesLeft < 0) return REFUSED;
    if (Array.isArray(value)) return inspectArray(value, depthLeft - 1);
    if (Object.getPrototypeOf(value) === Object.prototype) {
      return inspectFields(value as Record<string, unknown>, depthLeft - 1);
    }
    return inspectOther(value, depthLeft - 1);
  }
  if (typeof value === "bigint") return isEncodableBigInt(value) ? PLAIN : REFUSED;
  return typeof value === "function" || typeof value === "symbol" ? REFUSED : PLAIN;
}

function inspectArray(items: readonly unknown[], depthLeft: number): number {
  let worst = PLAIN;
  for (let i = 0; i < items.length; i++) {
    worst |= inspect(items[i], depthLeft);
    if (worst >= REFUSED) break;
  }
  return worst;
}

function inspectFields(fields: Readonly<Record<string, unknown>>, depthLeft: number): number {
  let worst = PLAIN;
  for (const key in fields) {
    const first = key.charCodeAt(0);
    if (first === BYTE_ORDER_MARK) worst |= BOXED;
    // The first letters of `__proto__`, `constructor` and `prototype`.
    else if ((first === 95 || first === 99 || first === 112) && isForbiddenKey(key)) return REFUSED;
    worst |= inspect(fields[key], depthLeft);
    if (worst >= REFUSED) break;
  }
  return worst;
}

function inspectOther(value: object, depthLeft: number): number {
  if (isBytes(value)) return PLAIN;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) return PLAIN;
  if (prototype === Map.prototype) {
    for (const [key, item] of value as ReadonlyMap<unknown, unknown>) {
      if ((inspect(key, depthLeft) | inspect(item, depthLeft)) >= REFUSED) return REFUSED;
    }
    return BOXED;
  }
  if (prototype === Set.prototype) {
    for (const item of value as ReadonlySet<unknown>) {
      if (inspect(item, depthLeft) >= REFUSED) return REFUSED;
    }
    return BOXED;
  }
  if (boxedArrayName(value) !== undefined) return BOXED;
  if (!isPlainObject(value)) return REFUSED;
  return inspectFields(value as Record<string, unknown>, depthLeft);
}
