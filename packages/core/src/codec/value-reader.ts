/**
 * Reads MessagePack and checks it, in one pass (https://github.com/msgpack/msgpack/blob/master/spec.md).
 *
 * MessagePack lets a few bytes claim millions of values; the extensions of others carry record shapes that are compiled
 * with `new Function`, regular expressions, errors, cyclic references. This reader knows only what our writer writes,
 * and it stops at limits of depth and count, at lengths beyond the end, at keys that are not strings or could reach a
 * prototype. What it gives equals what msgpackr gives for the same bytes, which a property test compares.
 *
 * Invariants: no byte outside `start` to `end` has an influence on what is read; what it gives shares no memory with the
 * source; nothing is made for a container before its count is known to be within the limits and the bytes that are left.
 */
import {
  headMask,
  type Key,
  keyLike,
  keys,
  LEARNT_KEYS_MAX,
  learnKey,
  NO_KEY,
  placeOf,
} from "./key-table.js";
import type { CodecLimits } from "./limits.js";
import { isForbiddenKey } from "./plain-data.js";
import { textAt } from "./text-reader.js";

const EXT_UNDEFINED = 0x00;
const EXT_TYPED_ARRAY = 0x74;
const EXT_DATE = 0xff;
/** The number msgpackr gives Uint8Array; the other kinds travel boxed. */
const UINT8_ARRAY = 1;

/** The memory of the last source is kept in view, unless it is larger. */
const KEPT_BYTES_MAX = 256 * 1024;
const CUT_OFF = "the value is cut off";

const NOTHING = new Uint8Array(0);
const ROOT = keyLike();

// Fields of the module: this is the hot path, and nothing of the caller's runs within it. Offsets are those of the
// whole memory that the source is a part of: the parts of a frame, and what Node cuts from a pool, share it, and making
// a view costs as much as reading a small object.
let source: Uint8Array = NOTHING;
let memory: ArrayBufferLike = NOTHING.buffer;
let bytes: Uint8Array = NOTHING;
let view: DataView = new DataView(memory);
let isLarge = false;
let position = 0;
let end = 0;
let valuesLeft = 0;
let problem = "";
/** Byte values of this size and above are views of the source: it was given away. */
let sharedFromBytes = Number.POSITIVE_INFINITY;

/** Thrown for bytes that are no value, always the same, since it is no error yet and needs no stack: see `refusal`. */
export const REFUSED = new Error("the bytes are not a well-formed value");

/** What was wrong with the bytes when `REFUSED` was thrown. */
export function refusal(): string {
  return problem;
}

/** Reads the one value from `start` to `stop`. @throws {Error} `REFUSED` */
export function readValue(
  from: Uint8Array,
  start: number,
  stop: number,
  limits: CodecLimits,
  isGiven = false,
): unknown {
  if (from !== source) aim(from);
  // A small part would keep all of it in memory.
  sharedFromBytes = isGiven ? (stop - start) / 2 : Number.POSITIVE_INFINITY;
  const offset = from.byteOffset;
  position = offset + start;
  end = offset + stop;
  valuesLeft = limits.valuesMax - 1;
  try {
    const value = read(limits.depthMax, ROOT);
    if (position < end) refuse(`${end - position} bytes follow the value`);
    return value;
  } finally {
    if (isLarge) aim(NOTHING);
  }
}

function aim(from: Uint8Array): void {
  source = from;
  if (from.buffer === memory) return;
  memory = from.buffer;
  isLarge = memory.byteLength > KEPT_BYTES_MAX;
  bytes = new Uint8Array(memory);
  view = new DataView(memory);
}

/** Reads one value; `parent` is the key it stands behind, or the key of the array it is in. */
function read(depthLeft: number, parent: Key): unknown {
  if (position >= end) refuse(CUT_OFF);
  const token = bytes[position++] as number;
  if (token < 0x80) return token;
  if (token >= 0xe0) return token - 0x100;
  if (token < 0x90) return readFields(token & 0x0f, depthLeft, parent);
  if (token < 0xa0) return readItems(token & 0x0f, depthLeft, parent);
  if (token < 0xc0) return readText(token & 0x1f);
  switch (token) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xca:
      return view.getFloat32(take(4));
    case 0xcb:
      return view.getFloat64(take(8));
    case 0xcc:
      return bytes[take(1)];
    case 0xcd:
      return view.getUint16(take(2));
    case 0xce:
      return view.getUint32(take(4));
    case 0xd0:
      return view.getInt8(take(1));
    case 0xd1:
      return view.getInt16(take(2));
    case 0xd2:
      return view.getInt32(take(4));
    case 0xd9:
      return readText(bytes[take(1)] as number);
    default:
      return readLong(token, depthLeft, parent);
  }
}

function readLong(token: number, depthLeft: number, parent: Key): unknown {
  switch (token) {
    case 0xcf:
      return view.getBigUint64(take(8));
    case 0xd3:
      return view.getBigInt64(take(8));
    case 0xc4:
      return readBuffer(bytes[take(1)] as number);
    case 0xc5:
      return readBuffer(view.getUint16(take(2)));
    case 0xc6:
      return readBuffer(view.getUint32(take(4)));
    case 0xda:
      return readText(view.getUint16(take(2)));
    case 0xdb:
      return readText(view.getUint32(take(4)));
    case 0xdc:
      return readItems(view.getUint16(take(2)), depthLeft, parent);
    case 0xdd:
      return readItems(view.getUint32(take(4)), depthLeft, parent);
    case 0xde:
      return readFields(view.getUint16(take(2)), depthLeft, parent);
    case 0xdf:
      return readFields(view.getUint32(take(4)), depthLeft, parent);
    case 0xc7:
      return readExtension(bytes[take(1)] as number);
    case 0xc8:
      return readExtension(view.getUint16(take(2)));
    case 0xc9:
      return readExtension(view.getUint32(take(4)));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
      return readExtension(1 << (token - 0xd4));
    default:
      refuse(`the byte 0x${token.toString(16)} begins no value`);
  }
}

/** Moves behind so many bytes and answers where they begin. */
function take(size: number): number {
  const at = position;
  if (size > end - at) refuse(CUT_OFF);
  position = at + size;
  return at;
}

function refuse(what: string): never {
  problem = what;
  throw REFUSED;
}

/** A container of this many values: refused at once when they cannot be there or are too many. */
function enter(count: number, depthLeft: number): void {
  if (depthLeft === 0) refuse("nested deeper than the limit depthMax");
  if (count > end - position) refuse(CUT_OFF);
  valuesLeft -= count;
  if (valuesLeft < 0) refuse("more values than the limit valuesMax");
}

function readItems(count: number, depthLeft: number, parent: Key): unknown[] {
  enter(count, depthLeft);
  const items = new Array<unknown>(count);
  for (let i = 0; i < count; i++) items[i] = read(depthLeft - 1, parent);
  return items;
}

function readFields(count: number, depthLeft: number, parent: Key): unknown {
  enter(count, depthLeft);
  const fields: Record<string, unknown> = {};
  let before = parent;
  let place = parent.child;
  for (let i = 0; i < count; i++) {
    let key = keys[place] as Key;
    if (!isNext(key)) {
      place = nextPlace();
      key = keys[place] as Key;
      if (!isNext(key)) {
        const name = readKey();
        key = i < LEARNT_KEYS_MAX ? learnKey(name, place) : NO_KEY;
        fields[name] = read(depthLeft - 1, key);
        before = key;
        place = key.next;
        continue;
      }
      if (before === parent) before.child = place;
      else before.next = place;
    }
    position += key.size;
    fields[key.text] = read(depthLeft - 1, key);
    before = key;
    place = key.next;
  }
  return fields;
}

/** Four bytes, or as many as there are, with zeros behind them. */
function headAt(at: number): number {
  if (at + 4 <= end) return view.getInt32(at);
  let word = 0;
  for (let i = 0; i < 4; i++) word = (word << 8) | (at + i < end ? (bytes[at + i] as number) : 0);
  return word;
}

/** True when this key stands at the position. */
function isNext(key: Key): boolean {
  const { size, head } = key;
  const at = position;
  if (size > end - at) return false;
  if (size <= 4) return size !== 0 && (headAt(at) & headMask(size)) === head;
  if (view.getInt32(at) !== head) return false;
  if (view.getInt32(at + size - 4) !== key.tail) return false;
  if (size <= 8) return true;
  const { middle } = key;
  for (let i = 0; i < middle.length; i++) {
    if (view.getInt32(at + 4 + 4 * i) !== middle[i]) return false;
  }
  return true;
}

/** The place of the key at the position; any place for one that cannot be in the table. */
function nextPlace(): number {
  if (position >= end) refuse(CUT_OFF);
  const token = bytes[position] as number;
  const size = (token & 0x1f) + 1;
  if ((token & 0xe0) !== 0xa0 || size > end - position) return 0;
  const head = headAt(position) & headMask(size);
  return placeOf(head, size > 4 ? view.getInt32(position + size - 4) : 0);
}

/** A key that is not in the table. */
function readKey(): string {
  const token = bytes[position++] as number;
  let text: string;
  if (token >= 0xa0 && token < 0xc0) text = readText(token & 0x1f);
  else if (token === 0xd9) text = readText(bytes[take(1)] as number);
  else if (token === 0xda) text = readText(view.getUint16(take(2)));
  else if (token === 0xdb) text = readText(view.getUint32(take(4)));
  else refuse("a key that is not a string");
  if (isForbiddenKey(text)) refuse(`the key "${text}" is not allowed`);
  return text;
}

function readText(size: number): string {
  return textAt(bytes, take(size), size);
}

function readBuffer(size: number): Buffer {
  const at = take(size);
  if (size >= sharedFromBytes) return Buffer.from(memory as ArrayBuffer, at, size);
  const copy = Buffer.allocUnsafeSlow(size);
  copy.set(bytes.subarray(at, at + size));
  return copy;
}

/** An extension's type and data: only those our writer writes. */
function readExtension(size: number): unknown {
  const at = take(size + 1);
  const type = bytes[at];
  if (type === EXT_UNDEFINED) {
    if (size !== 1) refuse("an undefined of the wrong size");
    return undefined;
  }
  if (type === EXT_DATE) return readDate(at + 1, size);
  if (type !== EXT_TYPED_ARRAY) refuse(`an extension of type ${type} is not accepted`);
  if (size === 0 || bytes[at + 1] !== UINT8_ARRAY) {
    refuse("a typed array of an unknown kind");
  }
  if (size >= sharedFromBytes) return new Uint8Array(memory, at + 2, size - 1);
  return new Uint8Array(bytes.subarray(at + 2, at + 1 + size));
}

/** The timestamp extension, as msgpackr reads it. */
function readDate(at: number, size: number): Date {
  switch (size) {
    case 1:
      return new Date(Number.NaN);
    case 4:
      return new Date(view.getUint32(at) * 1000);
    case 8: {
      const word = view.getUint32(at);
      const seconds = (word & 3) * 0x100000000 + view.getUint32(at + 4);
      return new Date((word >>> 2) / 1_000_000 + seconds * 1000);
    }
    case 12:
      return new Date(view.getInt32(at) / 1_000_000 + Number(view.getBigInt64(at + 4)) * 1000);
    default:
      refuse("a date of the wrong size");
  }
}
