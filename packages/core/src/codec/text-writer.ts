/**
 * Writes a text as MessagePack: a head with the number of bytes, then UTF-8.
 *
 * Up to 40 characters a loop in JavaScript is faster than a call into native code (33 ns to 50 ns for 26 characters).
 * The number of bytes is known only afterwards, so the head is guessed for ASCII, and the bytes are moved when it was
 * too small. Lone surrogates become U+FFFD either way.
 *
 * The caller has made room: see `textBytesMax`.
 */

const LOOP_CHARS_MAX = 40;
const UTF8_BYTES_PER_UNIT_MAX = 3;
const HEAD_BYTES_MAX = 5;
const REPLACEMENT_CHARACTER = 0xfffd;

/** Node's own; `Buffer.prototype.write` is the same behind 10 ns of argument checks. */
const { utf8Write } = Buffer.prototype as unknown as {
  utf8Write: (this: Uint8Array, text: string, at: number, bytesMax: number) => number;
};

/** Room that surely suffices for a text of so many characters. */
export function textBytesMax(length: number): number {
  return HEAD_BYTES_MAX + length * UTF8_BYTES_PER_UNIT_MAX;
}

/** The room a text needs, exactly; slow. */
export function textBytes(text: string): number {
  return HEAD_BYTES_MAX + Buffer.byteLength(text);
}

/** Writes the text and answers the offset behind it. */
export function putText(target: Uint8Array, text: string, at: number): number {
  const { length } = text;
  if (length > LOOP_CHARS_MAX) return putLongText(target, text, at);
  const from = length < 32 ? at + 1 : at + 2;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) >= 0x80) return putUnicode(target, text, at, from);
    const to = from + i;
    target[to] = a;
    target[to + 1] = b;
    target[to + 2] = c;
    target[to + 3] = d;
  }
  for (; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80) return putUnicode(target, text, at, from);
    target[from + i] = unit;
  }
  if (length < 32) target[at] = 0xa0 | length;
  else {
    target[at] = 0xd9;
    target[at + 1] = length;
  }
  return from + length;
}

function putUnicode(target: Uint8Array, text: string, at: number, from: number): number {
  let to = from;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) {
      target[to++] = unit;
      continue;
    }
    const point = unit < 0xd800 || unit > 0xdfff ? unit : (text.codePointAt(i) as number);
    if (point > 0xffff) i += 1;
    to = putPoint(target, point > 0xd7ff && point < 0xe000 ? REPLACEMENT_CHARACTER : point, to);
  }
  return putTextHead(target, at, from, to - from);
}

function putPoint(target: Uint8Array, point: number, at: number): number {
  let to = at;
  if (point < 0x800) target[to++] = 0xc0 | (point >> 6);
  else {
    if (point < 0x10000) target[to++] = 0xe0 | (point >> 12);
    else {
      target[to++] = 0xf0 | (point >> 18);
      target[to++] = 0x80 | ((point >> 12) & 0x3f);
    }
    target[to++] = 0x80 | ((point >> 6) & 0x3f);
  }
  target[to++] = 0x80 | (point & 0x3f);
  return to;
}

function putLongText(target: Uint8Array, text: string, at: number): number {
  const from = at + headBytes(text.length);
  return putTextHead(target, at, from, utf8Write.call(target, text, from, target.length - from));
}

function headBytes(size: number): number {
  return size < 32 ? 1 : size < 0x100 ? 2 : size < 0x10000 ? 3 : 5;
}

/** Writes the head for the bytes that stand at `from`, and moves them behind it. */
function putTextHead(target: Uint8Array, start: number, from: number, size: number): number {
  let at = start;
  const head = headBytes(size);
  if (at + head !== from) target.copyWithin(at + head, from, from + size);
  if (head === 1) target[at++] = 0xa0 | size;
  else {
    target[at++] = head === 2 ? 0xd9 : head === 3 ? 0xda : 0xdb;
    for (let shift = 8 * (head - 2); shift >= 0; shift -= 8) target[at++] = size >>> shift;
  }
  return at + size;
}
