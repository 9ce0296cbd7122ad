/**
 * SeededRandom: the twin of Random that a seed determines wholly.
 *
 * The generator is sfc32 (Chris Doty-Humphrey's "small fast counting", 128 bits of state, passes PractRand), seeded by a
 * 128-bit hash of the seed's text. A fork hashes the seed and the labels on the way to it and nothing else, so neither
 * the order of forks nor draws from the parent change it. Not for secrets outside of tests.
 */
import type { Random } from "../ports/random.js";

/** A source that gives the same numbers for the same seed and the same calls. */
export function seededRandom(seed: number | string): Random {
  return new Sfc32(String(seed));
}

class Sfc32 implements Random {
  readonly #path: string;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(path: string) {
    this.#path = path;
    [this.#a, this.#b, this.#c, this.#counter] = hash128(path);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  next(): number {
    // 53 bits: every float of that spacing can come.
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 67_108_864 + low) / 9_007_199_254_740_992;
  }

  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  fork(label: string): Random {
    // The length keeps ("a", "b/c") and ("a/b", "c") apart.
    return new Sfc32(`${this.#path}/${label.length}:${label}`);
  }

  secret(sizeBytes: number): Uint8Array {
    const bytes = new Uint8Array(sizeBytes);
    for (let i = 0; i < sizeBytes; i++) bytes[i] = this.uint32() >>> 24;
    return bytes;
  }
}

/** Four independent 32-bit hashes of a text (FNV-1a with a murmur finish, four bases). */
function hash128(text: string): [number, number, number, number] {
  return [
    hash32(text, 0x811c9dc5),
    hash32(text, 0x9e3779b9),
    hash32(text, 0x85ebca6b),
    hash32(text, 0xc2b2ae35),
  ];
}

function hash32(text: string, basis: number): number {
  let hash = basis;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
