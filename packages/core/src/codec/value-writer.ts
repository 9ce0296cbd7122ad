/**
 * Checks a value and writes it as MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), in one pass.
 *
 * Byte for byte what msgpackr writes with `useRecords: false, moreTypes: true, variableMapSize: true`, which a property
 * test compares. It exists because msgpackr needs a pass before it that refuses what would not arrive as it was sent,
 * cannot write behind the head of a frame, and takes twice the time. Each value is read once, so a getter cannot show
 * one thing to the check and another to the writer.
 *
 * Invariants: a function answers the offset behind what it wrote, or a negative verdict that its callers pass on; no
 * byte before the start is touched; there is room before anything is written.
 */
import {
  type Key,
  KEY_BYTES_MAX,
  keyLike,
  keyNamed,
  keys,
  LEARNT_KEYS_MAX,
  NO_KEY,
} from "./key-table.js";
import type { CodecLimits } from "./limits.js";
import {
  hasByteOrderMark,
  isBytes,
  isEncodableBigInt,
  isForbiddenKey,
  isPlainObject,
} from "./plain-data.js";
import { putText, textBytes, textBytesMax } from "./text-writer.js";

/** The target is too small. */
export const NO_ROOM = -1;
/** The value has something that must be boxed (see `boxing.ts`) or refused, or is beyond the limits. */
export const NOT_PLAIN = -2;

/** Gives a larger target with the same bytes up to `at`. */
export type Grow = (target: Uint8Array, at: number, roomBytes: number) => Uint8Array;

/** Room before every value: a head, a number of 64 bits and a date fit. */
const VALUE_ROOM = 16;

const objectPrototype: unknown = Object.prototype;
const { getPrototypeOf } = Object;
const NOTHING = new Uint8Array(0);
const ROOT = keyLike();
/** Shows what someone may have added to the prototype of all objects. */
const EMPTY = {};

// Fields of the module, not of an object made for each value: this is the hot path.
let bytes: Uint8Array = NOTHING;
let written: Uint8Array = NOTHING;
let view: DataView = new DataView(NOTHING.buffer);
let limit = 0;
let valuesLeft = 0;
/** What a container counts beside what is in it: boxing adds one value to some. */
let containerValues = 1;
let grow: Grow | undefined;
let busy = false;

/** How `writeValue` writes. */
export interface WriteOptions extends CodecLimits {
  /** The value was boxed: what boxing adds need not be counted in advance. */
  readonly boxed: boolean;
}

/**
 * Writes a value into `target` from `at` on. With `more` there is always room; `lastTarget` tells where.
 *
 * @returns the offset behind the value, `NO_ROOM` or `NOT_PLAIN`
 * @throws what a getter or a proxy in the value throws
 */
export function writeValue(
  value: unknown,
  target: Uint8Array,
  at: number,
  options: WriteOptions,
  more?: Grow,
): number {
  if (busy) return writeWithin(value, target, at, options, more);
  busy = true;
  try {
    if (target !== bytes) aim(target);
    valuesLeft = options.valuesMax;
    containerValues = options.boxed ? 0 : 1;
    grow = more;
    const end = write(value, at, options.depthMax, ROOT);
    written = bytes;
    return valuesLeft < 0 ? NOT_PLAIN : end;
  } finally {
    busy = false;
  }
}

/** Where the last value was written: not the target that was given if that had to grow. */
export function lastTarget(): Uint8Array {
  return written;
}

/** A getter in a value that is being written encodes something itself. */
function writeWithin(...args: Parameters<typeof writeValue>): number {
  const outer = { bytes, valuesLeft, containerValues, grow };
  busy = false;
  try {
    return writeValue(...args);
  } finally {
    aim(outer.bytes);
    ({ valuesLeft, containerValues, grow } = outer);
    busy = true;
  }
}

function aim(target: Uint8Array): void {
  bytes = target;
  view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  limit = target.length;
}

function makeRoom(at: number, roomBytes: number): boolean {
  if (at + roomBytes <= limit) return true;
  if (grow === undefined) return false;
  aim(grow(bytes, at, roomBytes));
  return true;
}

/** Writes one value; `parent` is the key it stands behind, or the key of the array it is in. */
function write(value: unknown, at: number, depthLeft: number, parent: Key): number {
  if (at + VALUE_ROOM > limit && !makeRoom(at, VALUE_ROOM)) return NO_ROOM;
  valuesLeft -= 1;
  if (typeof value === "string") return writeText(value, at);
  if (typeof value === "number") return writeNumber(value, at);
  if (typeof value === "object") {
    if (value === null) {
      bytes[at] = 0xc0;
      return at + 1;
    }
    valuesLeft -= containerValues;
    if (depthLeft === 0 || valuesLeft < 0) return NOT_PLAIN;
    if (Array.isArray(value)) return writeItems(value, at, depthLeft - 1, parent);
    if (getPrototypeOf(value) === objectPrototype) {
      return writeFields(value as Fields, at, depthLeft - 1, parent);
    }
    return writeOther(value, at, depthLeft - 1, parent);
  }
  if (typeof value === "boolean") {
    bytes[at] = value ? 0xc3 : 0xc2;
    return at + 1;
  }
  if (value === undefined) {
    bytes[at] = 0xd4;
    bytes[at + 1] = 0;
    bytes[at + 2] = 0;
    return at + 3;
  }
  return typeof value === "bigint" ? writeBigInt(value, at) : NOT_PLAIN;
}

type Fields = Readonly<Record<string, unknown>>;

function writeNumber(value: number, at: number): number {
  if ((value | 0) === value) {
    if (value < 0) return writeNegative(value, at);
    if (value < 0x80) {
      if (value === 0 && 1 / value < 0) return NOT_PLAIN;
      bytes[at] = value;
      return at + 1;
    }
    if (value < 0x100) {
      bytes[at] = 0xcc;
      bytes[at + 1] = value;
      return at + 2;
    }
    if (value < 0x10000) {
      bytes[at] = 0xcd;
      bytes[at + 1] = value >> 8;
      bytes[at + 2] = value;
      return at + 3;
    }
    bytes[at] = 0xce;
    view.setInt32(at + 1, value);
    return at + 5;
  }
  if (value >>> 0 === value) {
    bytes[at] = 0xce;
    view.setUint32(at + 1, value);
    return at + 5;
  }
  bytes[at] = 0xcb;
  view.setFloat64(at + 1, value);
  return at + 9;
}

function writeNegative(value: number, at: number): number {
  if (value >= -0x20) {
    bytes[at] = value;
    return at + 1;
  }
  if (value >= -0x80) {
    bytes[at] = 0xd0;
    bytes[at + 1] = value;
    return at + 2;
  }
  if (value >= -0x8000) {
    bytes[at] = 0xd1;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value;
    return at + 3;
  }
  bytes[at] = 0xd2;
  view.setInt32(at + 1, value);
  return at + 5;
}

function writeText(text: string, at: number): number {
  if (hasByteOrderMark(text)) return NOT_PLAIN;
  if (at + textBytesMax(text.length) > limit && !makeRoom(at, textBytes(text))) return NO_ROOM;
  return putText(bytes, text, at);
}

function writeItems(
  items: readonly unknown[],
  start: number,
  depthLeft: number,
  parent: Key,
): number {
  const { length } = items;
  let at = start;
  if (length < 16) bytes[at++] = 0x90 | length;
  else if (length < 0x10000) {
    bytes[at] = 0xdc;
    view.setUint16(at + 1, length);
    at += 3;
  } else {
    bytes[at] = 0xdd;
    view.setUint32(at + 1, length);
    at += 5;
  }
  // By index: holes of sparse arrays become undefined.
  for (let i = 0; i < length; i++) {
    at = write(items[i], at, depthLeft, parent);
    if (at < 0) return at;
  }
  return at;
}

function writeFields(fields: Fields, start: number, depthLeft: number, parent: Key): number {
  for (const _ in EMPTY) return writeOwnFields(fields, start, depthLeft);
  let at = start + 1;
  let count = 0;
  let before = parent;
  let place = parent.child;
  for (const name in fields) {
    if (at + KEY_BYTES_MAX > limit && !makeRoom(at, KEY_BYTES_MAX)) return NO_ROOM;
    let key = keys[place] as Key;
    if (key.text !== name || key === NO_KEY) {
      key = count < LEARNT_KEYS_MAX ? keyNamed(name) : NO_KEY;
      if (before === parent) before.child = key.place;
      else before.next = key.place;
    }
    at = key === NO_KEY ? writeKey(name, at) : putKey(key, at);
    if (at < 0) return at;
    at = write(fields[name], at, depthLeft, key);
    if (at < 0) return at;
    count += 1;
    before = key;
    place = key.next;
  }
  return putMapHead(start, at, count);
}

/** As `writeFields`, without what the fields inherit. */
function writeOwnFields(fields: Fields, start: number, depthLeft: number): number {
  let at = start + 1;
  const names = Object.keys(fields);
  for (const name of names) {
    at = writeKey(name, at);
    if (at < 0) return at;
    at = write(fields[name], at, depthLeft, NO_KEY);
    if (at < 0) return at;
  }
  return putMapHead(start, at, names.length);
}

/** In whole words: what they write behind the key its value writes over. */
function putKey(key: Key, at: number): number {
  const { size, middle } = key;
  view.setInt32(at, key.head);
  if (size > 4) {
    for (let i = 0; i < middle.length; i++) view.setInt32(at + 4 + 4 * i, middle[i] as number);
    view.setInt32(at + size - 4, key.tail);
  }
  return at + size;
}

function writeKey(name: string, at: number): number {
  return isForbiddenKey(name) ? NOT_PLAIN : writeText(name, at);
}

/** The number of fields is known behind them: a head of more than one byte moves them. */
function putMapHead(start: number, end: number, count: number): number {
  if (count < 16) {
    bytes[start] = 0x80 | count;
    return end;
  }
  const more = count < 0x10000 ? 2 : 4;
  if (!makeRoom(end, more)) return NO_ROOM;
  bytes.copyWithin(start + 1 + more, start + 1, end);
  bytes[start] = more === 2 ? 0xde : 0xdf;
  if (more === 2) view.setUint16(start + 1, count);
  else view.setUint32(start + 1, count);
  return end + more;
}

function writeBigInt(value: bigint, at: number): number {
  if (!isEncodableBigInt(value)) return NOT_PLAIN;
  const isSigned = value < 0x8000000000000000n;
  bytes[at] = isSigned ? 0xd3 : 0xcf;
  if (isSigned) view.setBigInt64(at + 1, value);
  else view.setBigUint64(at + 1, value);
  return at + 9;
}

function writeOther(value: object, at: number, depthLeft: number, parent: Key): number {
  if (isBytes(value)) return writeBytes(value as Uint8Array, at);
  if (getPrototypeOf(value) === Date.prototype) return writeDate(value as Date, at);
  if (!isPlainObject(value)) return NOT_PLAIN;
  return getPrototypeOf(value) === null
    ? writeFields(value as Fields, at, depthLeft, parent)
    : writeOwnFields(value as Fields, at, depthLeft);
}

function writeBytes(data: Uint8Array, at: number): number {
  const isBuffer = getPrototypeOf(data) === Buffer.prototype;
  // A Uint8Array travels as an extension: its type, then as its first byte of data the kind of array.
  const size = isBuffer ? data.length : data.length + 1;
  if (!makeRoom(at, VALUE_ROOM + size)) return NO_ROOM;
  const width = size < 0x100 ? 0 : size < 0x10000 ? 1 : 2;
  bytes[at] = (isBuffer ? 0xc4 : 0xc7) + width;
  if (width === 0) bytes[at + 1] = size;
  else if (width === 1) view.setUint16(at + 1, size);
  else view.setUint32(at + 1, size);
  let to = at + 1 + (1 << width);
  if (!isBuffer) {
    bytes[to++] = 0x74;
    bytes[to++] = 1;
  }
  bytes.set(data, to);
  return to + data.length;
}

/** The timestamp extension, in the shortest of its forms; a date that is none in a form of one byte. */
function writeDate(date: Date, at: number): number {
  const seconds = date.getTime() / 1000;
  const milliseconds = date.getUTCMilliseconds();
  const isShort = seconds >= 0 && seconds < 0x100000000;
  if (isShort && milliseconds === 0) {
    view.setUint16(at, 0xd6ff);
    view.setUint32(at + 2, seconds);
    return at + 6;
  }
  if (isShort) {
    view.setUint16(at, 0xd7ff);
    view.setUint32(at + 2, milliseconds * 4_000_000);
    view.setUint32(at + 6, seconds);
    return at + 10;
  }
  if (Number.isNaN(seconds)) {
    view.setUint16(at, 0xd4ff);
    bytes[at + 2] = 0xff;
    return at + 3;
  }
  view.setUint16(at, 0xc70c);
  bytes[at + 2] = 0xff;
  view.setUint32(at + 3, milliseconds * 1_000_000);
  view.setBigInt64(at + 7, BigInt(Math.floor(seconds)));
  return at + 15;
}
