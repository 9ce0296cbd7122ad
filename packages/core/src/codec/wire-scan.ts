/**
 * The pass over received bytes before they are decoded: structure only, nothing is made.
 *
 * MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md) lets a few bytes claim millions of values, and
 * msgpackr's extensions let a sender define record shapes, which it compiles with `new Function`, regular expressions,
 * errors and cyclic references. This pass walks the headers and refuses: anything that is not in the list of what our
 * encoder writes, nesting and counts beyond the limits, lengths beyond the end, keys that are not strings or could reach
 * a prototype, bytes left over. Afterwards msgpackr only sees what it can read without surprise. It costs about
 * 0.1 µs for an object of 100 bytes.
 */
import type { CodecLimits } from "./limits.js";
import { isForbiddenKey } from "./plain-data.js";

const EXT_UNDEFINED = 0x00;
const EXT_TYPED_ARRAY = 0x74;
const EXT_DATE = 0xff;
/** The number msgpackr gives Uint8Array; the other kinds travel boxed. */
const UINT8_ARRAY = 1;

/** Says what is wrong with the bytes from `start` on, or undefined when they are one well-formed value. */
export function scanValue(
  source: Uint8Array,
  start: number,
  limits: CodecLimits,
): string | undefined {
  bytes = source;
  position = start;
  valuesLeft = limits.valuesMax;
  problem = undefined;
  scan(limits.depthMax);
  bytes = NOTHING;
  if (problem === undefined && position < source.length) {
    return `${source.length - position} bytes follow the value`;
  }
  return problem;
}

const NOTHING = new Uint8Array(0);
const CUT_OFF = "the value is cut off";

// Fields of the module, not of an object made for each message: this is on the hot path and not re-entrant.
let bytes: Uint8Array = NOTHING;
let position = 0;
let valuesLeft = 0;
let problem: string | undefined;

/** Scans one value; false when there is a problem. */
function scan(depthLeft: number): boolean {
  if (position >= bytes.length) return fail(CUT_OFF);
  valuesLeft -= 1;
  if (valuesLeft < 0) return fail("more values than the limit valuesMax");
  const token = bytes[position++] as number;
  if (token < 0x80 || token >= 0xe0) return true;
  if (token < 0x90) return fields(token & 0x0f, depthLeft);
  if (token < 0xa0) return items(token & 0x0f, depthLeft);
  if (token < 0xc0) return skip(token & 0x1f);
  return scanLong(token, depthLeft);
}

function scanLong(token: number, depthLeft: number): boolean {
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return true;
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return skip(1);
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return skip(2);
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return skip(4);
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return skip(8);
    case 0xc4: // bin 8
    case 0xd9: // str 8
      return skip(length(1));
    case 0xc5: // bin 16
    case 0xda: // str 16
      return skip(length(2));
    case 0xc6: // bin 32
    case 0xdb: // str 32
      return skip(length(4));
    case 0xdc: // array 16
      return items(length(2), depthLeft);
    case 0xdd: // array 32
      return items(length(4), depthLeft);
    case 0xde: // map 16
      return fields(length(2), depthLeft);
    case 0xdf: // map 32
      return fields(length(4), depthLeft);
    default:
      return scanExtension(token);
  }
}

function scanExtension(token: number): boolean {
  switch (token) {
    case 0xc7: // ext 8
      return extension(length(1));
    case 0xc8: // ext 16
      return extension(length(2));
    case 0xc9: // ext 32
      return extension(length(4));
    case 0xd4: // fixext 1, 2, 4, 8
    case 0xd5:
    case 0xd6:
    case 0xd7:
      return extension(1 << (token - 0xd4));
    default:
      return fail(`the byte 0x${token.toString(16)} begins no value`);
  }
}

/** An extension's type and data: only those our encoder writes. */
function extension(size: number): boolean {
  const at = position;
  if (!skip(size + 1)) return false;
  const type = bytes[at];
  if (type === EXT_UNDEFINED) return size === 1 || fail("an undefined of the wrong size");
  if (type === EXT_DATE) {
    return [1, 4, 8, 12].includes(size) || fail("a date of the wrong size");
  }
  if (type !== EXT_TYPED_ARRAY) return fail(`an extension of type ${type} is not accepted`);
  return (size > 0 && bytes[at + 1] === UINT8_ARRAY) || fail("a typed array of an unknown kind");
}

function items(count: number, depthLeft: number): boolean {
  if (!mayHold(count, depthLeft)) return false;
  for (let i = 0; i < count; i++) if (!scan(depthLeft - 1)) return false;
  return true;
}

function fields(count: number, depthLeft: number): boolean {
  if (!mayHold(count, depthLeft)) return false;
  for (let i = 0; i < count; i++) if (!key() || !scan(depthLeft - 1)) return false;
  return true;
}

/** A container of this many values: refused at once when they cannot be there or are too many. */
function mayHold(count: number, depthLeft: number): boolean {
  if (count < 0) return false;
  if (depthLeft === 0) return fail("nested deeper than the limit depthMax");
  return count <= bytes.length - position || fail(CUT_OFF);
}

function key(): boolean {
  const token = bytes[position++];
  if (token === undefined) return fail(CUT_OFF);
  let size: number;
  if (token >= 0xa0 && token < 0xc0) size = token & 0x1f;
  else if (token === 0xd9) size = length(1);
  else if (token === 0xda) size = length(2);
  else if (token === 0xdb) size = length(4);
  else return fail("a key that is not a string");
  const at = position;
  if (!skip(size)) return false;
  // A text is made only of keys as long as `__proto__`, `prototype` or `constructor` that begin as they do: `createdAt`
  // and `timestamp` are in every second message.
  const first = bytes[at];
  const isNear = size === 9 ? first === 0x5f || first === 0x70 : size === 11 && first === 0x63;
  if (!isNear) return true;
  const text = String.fromCharCode(...bytes.subarray(at, position));
  return !isForbiddenKey(text) || fail(`the key "${text}" is not allowed`);
}

/** A length of so many bytes, big-endian; -1 when it is cut off. */
function length(size: 1 | 2 | 4): number {
  if (position + size > bytes.length) {
    fail(CUT_OFF);
    return -1;
  }
  let value = 0;
  for (let i = 0; i < size; i++) value = value * 256 + (bytes[position++] as number);
  return value;
}

function skip(size: number): boolean {
  if (size < 0 || size > bytes.length - position) return fail(CUT_OFF);
  position += size;
  return true;
}

function fail(what: string): false {
  problem ??= what;
  return false;
}
