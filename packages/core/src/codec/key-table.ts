/**
 * Key table: the keys of objects that were seen lately, with their bytes, for reading and for writing.
 *
 * A key is looked for where the key before it was followed the last time, since most objects look like one before them;
 * else by a hash of its bytes. Either way all its bytes are compared, four at a time, so nothing that was learnt can make
 * a wrong key. The table has a fixed number of places: a stranger who sends many keys makes us slower, not larger. A key
 * names others by their places, so that no chain of forgotten keys is kept alive.
 *
 * Invariant: a key in the table is ASCII, of at most 31 bytes, and cannot reach a prototype: what is found needs no
 * further check.
 */
import { isForbiddenKey } from "./plain-data.js";

/** Keys of one object that are learnt: behind them it is a dictionary, not a record. */
export const LEARNT_KEYS_MAX = 32;
/** Of a key of the table, head byte included. */
export const KEY_BYTES_MAX = 32;

/** About 150 bytes for a place that is taken. */
const PLACES_BITS = 11;
const PLACES = 1 << PLACES_BITS;
/** Only every so many-th stranger gets a place that is taken: keys that come once do not drive out the others. */
const STRANGERS = 8;

/** A key as it stands in a message: head byte and characters, in words of four bytes, big-endian. */
export class Key {
  /** Place of the key that followed this one the last time. */
  next = 0;
  /** Place of the first key of the object that was last the value of this one. */
  child = 0;

  constructor(
    readonly text: string,
    /** Bytes with the head: 1 to 32; 0 for no key. */
    readonly size: number,
    /** The first four bytes; zeros behind the last. */
    readonly head: number,
    /** The last four bytes; 0 when `head` has them all. */
    readonly tail: number,
    /** Words between `head` and `tail`; the last one may overlap with `tail`. */
    readonly middle: Int32Array,
    readonly place: number,
  ) {}
}

const NO_WORDS = new Int32Array(0);
/** Stands in every place that is free. */
export const NO_KEY = keyLike();

export const keys: Key[] = new Array<Key>(PLACES).fill(NO_KEY);
let strangers = 0;

/** A key that equals none: what stands above the objects that are no field of another. */
export function keyLike(): Key {
  return new Key("", 0, 0, 0, NO_WORDS, 0);
}

/** Where a key of these bytes has its place. */
export function placeOf(head: number, tail: number): number {
  return Math.imul(head ^ Math.imul(tail, 0x9e3779b1), 0x85ebca6b) >>> (32 - PLACES_BITS);
}

/** The bits of `head` that a key of so many bytes has. */
export function headMask(size: number): number {
  return size >= 4 ? -1 : -1 << (32 - 8 * size);
}

/** The key of this name, learnt if it may be; `NO_KEY` when it is not in the table. */
export function keyNamed(name: string): Key {
  const { length } = name;
  if (length >= KEY_BYTES_MAX) return NO_KEY;
  let head = 0xa0 | length;
  for (let i = 0; i < 3; i++) head = (head << 8) | (i < length ? name.charCodeAt(i) : 0);
  let tail = 0;
  if (length > 3) for (let i = length - 4; i < length; i++) tail = (tail << 8) | name.charCodeAt(i);
  const place = placeOf(head, tail);
  const key = keys[place] as Key;
  if (key.text === name && key !== NO_KEY) return key;
  return learnKey(name, place);
}

/** Gives the key this place if it is its own, it may have it and the key is one of those that can be learnt. */
export function learnKey(name: string, place: number): Key {
  if (keys[place] !== NO_KEY) {
    strangers = (strangers + 1) % STRANGERS;
    if (strangers !== 0) return NO_KEY;
  }
  const key = keyOf(name);
  if (key?.place !== place) return NO_KEY;
  keys[place] = key;
  return key;
}

function keyOf(name: string): Key | undefined {
  const { length } = name;
  if (length >= KEY_BYTES_MAX || isForbiddenKey(name)) return undefined;
  const bytes = new DataView(new ArrayBuffer(KEY_BYTES_MAX + 4));
  bytes.setUint8(0, 0xa0 | length);
  for (let i = 0; i < length; i++) {
    const unit = name.charCodeAt(i);
    if (unit >= 0x80) return undefined;
    bytes.setUint8(1 + i, unit);
  }
  const size = 1 + length;
  const head = bytes.getInt32(0);
  const tail = size > 4 ? bytes.getInt32(size - 4) : 0;
  const middle = size > 8 ? new Int32Array(Math.ceil((size - 8) / 4)) : NO_WORDS;
  for (let i = 0; i < middle.length; i++) middle[i] = bytes.getInt32(4 + 4 * i);
  return new Key(interned(name), size, head, tail, middle, placeOf(head, tail));
}

/** The text as the engine keeps it for keys: it is compared by its address. */
function interned(text: string): string {
  return Object.keys({ [text]: 0 })[0] as string;
}
