/**
 * Reads a text of UTF-8 bytes.
 *
 * Up to 16 ASCII characters one call of `String.fromCharCode` with that many arguments is faster than a call into native
 * code (20 ns to 45 ns for 9 characters), and V8 has no other way to make a text of some numbers without a list of them.
 */

const SHORT_BYTES_MAX = 16;

const { fromCharCode } = String;
/** Node's own; `Buffer.prototype.toString` is the same behind some checks, and not there on a Uint8Array. */
const { utf8Slice } = Buffer.prototype as unknown as {
  utf8Slice: (this: Uint8Array, start: number, end: number) => string;
};

/** The text of so many bytes; what is not UTF-8 becomes U+FFFD. */
export function textAt(source: Uint8Array, at: number, size: number): string {
  if (size <= SHORT_BYTES_MAX) {
    const text = size <= 8 ? upTo8(source, at, size) : upTo16(source, at, size);
    if (text !== undefined) return text;
  }
  return utf8Slice.call(source, at, at + size);
}

/** Undefined when it is not ASCII. */
function upTo8(source: Uint8Array, at: number, size: number): string | undefined {
  if (size === 0) return "";
  const a = source[at] as number;
  if (a >= 0x80) return undefined;
  if (size === 1) return fromCharCode(a);
  const b = source[at + 1] as number;
  if (b >= 0x80) return undefined;
  if (size === 2) return fromCharCode(a, b);
  const c = source[at + 2] as number;
  if (c >= 0x80) return undefined;
  if (size === 3) return fromCharCode(a, b, c);
  const d = source[at + 3] as number;
  if (d >= 0x80) return undefined;
  if (size === 4) return fromCharCode(a, b, c, d);
  const e = source[at + 4] as number;
  if (e >= 0x80) return undefined;
  if (size === 5) return fromCharCode(a, b, c, d, e);
  const f = source[at + 5] as number;
  if (f >= 0x80) return undefined;
  if (size === 6) return fromCharCode(a, b, c, d, e, f);
  const g = source[at + 6] as number;
  if (g >= 0x80) return undefined;
  if (size === 7) return fromCharCode(a, b, c, d, e, f, g);
  const h = source[at + 7] as number;
  if (h >= 0x80) return undefined;
  return fromCharCode(a, b, c, d, e, f, g, h);
}

/** Undefined when it is not ASCII. From 9 characters on. */
function upTo16(source: Uint8Array, at: number, size: number): string | undefined {
  const a = source[at] as number;
  const b = source[at + 1] as number;
  const c = source[at + 2] as number;
  const d = source[at + 3] as number;
  const e = source[at + 4] as number;
  const f = source[at + 5] as number;
  const g = source[at + 6] as number;
  const h = source[at + 7] as number;
  if ((a | b | c | d | e | f | g | h) >= 0x80) return undefined;
  const i = source[at + 8] as number;
  if (i >= 0x80) return undefined;
  if (size === 9) return fromCharCode(a, b, c, d, e, f, g, h, i);
  const j = source[at + 9] as number;
  if (j >= 0x80) return undefined;
  if (size === 10) return fromCharCode(a, b, c, d, e, f, g, h, i, j);
  const k = source[at + 10] as number;
  if (k >= 0x80) return undefined;
  if (size === 11) return fromCharCode(a, b, c, d, e, f, g, h, i, j, k);
  const l = source[at + 11] as number;
  if (l >= 0x80) return undefined;
  if (size === 12) return fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l);
  const m = source[at + 12] as number;
  if (m >= 0x80) return undefined;
  if (size === 13) return fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m);
  const n = source[at + 13] as number;
  if (n >= 0x80) return undefined;
  if (size === 14) return fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  const o = source[at + 14] as number;
  if (o >= 0x80) return undefined;
  if (size === 15) return fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  const p = source[at + 15] as number;
  if (p >= 0x80) return undefined;
  return fromCharCode(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
}
