/**
 * MD5 (RFC 1321) of a text's UTF-8 bytes, as four 32-bit words.
 *
 * Why here and not node:crypto: placement is pure and must give the same answer everywhere, on a
 * Node built for FIPS too, where the system's MD5 is refused; and for the short texts that are
 * hashed here it is faster than making a hash object for each. It is a placement function, not a
 * cryptographic one: nothing depends on it being hard to collide.
 *
 * Invariant: equal to node:crypto's for every text (a property test).
 */
import { assert } from "../assert.js";

const BLOCK_BYTES = 64;
/** Per round four shifts, used in turn. */
const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
/** RFC 1321 §3.4: the integer part of 2^32 times |sin(i + 1)|. */
const SINES = Int32Array.from({ length: 64 }, (_, i) =>
  Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32),
);

const encoder = new TextEncoder();
/** Reused: this code is synchronous and runs nothing else in between. */
const words = new Int32Array(BLOCK_BYTES / 4);
let buffer = new Uint8Array(256);

/** Four words, each as an unsigned integer; the bytes of the digest are theirs, low byte first. */
export type Md5 = readonly [number, number, number, number];

export function md5(text: string): Md5 {
  const sizeBytes = pad(text);
  assert(sizeBytes % BLOCK_BYTES === 0, "a padded text is made of whole blocks");
  let [a, b, c, d] = [0x67452301, -0x10325477, -0x67452302, 0x10325476];
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) {
    load(at);
    const [a0, b0, c0, d0] = [a, b, c, d];
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      const mixed = mix(round, b, c, d);
      const word = words[wordOf(round, i)] as number;
      const sum = (a + mixed + (SINES[i] as number) + word) | 0;
      const shift = SHIFTS[round * 4 + (i & 3)] as number;
      a = d;
      d = c;
      c = b;
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
    }
    a = (a + a0) | 0;
    b = (b + b0) | 0;
    c = (c + c0) | 0;
    d = (d + d0) | 0;
  }
  return [a >>> 0, b >>> 0, c >>> 0, d >>> 0];
}

function mix(round: number, b: number, c: number, d: number): number {
  if (round === 0) return (b & c) | (~b & d);
  if (round === 1) return (d & b) | (~d & c);
  if (round === 2) return b ^ c ^ d;
  return c ^ (b | ~d);
}

function wordOf(round: number, i: number): number {
  if (round === 0) return i;
  if (round === 1) return (5 * i + 1) & 15;
  if (round === 2) return (3 * i + 5) & 15;
  return (7 * i) & 15;
}

/** Writes text, a one bit, zeros and the length in bits; gives the bytes written. */
function pad(text: string): number {
  const needed = text.length * 3 + BLOCK_BYTES * 2;
  if (buffer.length < needed) buffer = new Uint8Array(needed);
  const length = encoder.encodeInto(text, buffer).written;
  const sizeBytes = Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES;
  buffer.fill(0, length, sizeBytes);
  buffer[length] = 0x80;
  let bits = length * 8;
  for (let at = sizeBytes - 8; bits > 0; at++) {
    buffer[at] = bits % 256;
    bits = Math.floor(bits / 256);
  }
  return sizeBytes;
}

function load(at: number): void {
  for (let i = 0; i < 16; i++) {
    const from = at + i * 4;
    words[i] =
      (buffer[from] as number) |
      ((buffer[from + 1] as number) << 8) |
      ((buffer[from + 2] as number) << 16) |
      ((buffer[from + 3] as number) << 24);
  }
}
