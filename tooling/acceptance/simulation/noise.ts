/** Noise: bytes that no two places of are alike, so that what was lost, doubled or mixed up on the way shows. */

const SIZE_BYTES = 4 * 1024 * 1024;
const bytes = noiseOf(SIZE_BYTES);

/** Where a message's or stream's bytes begin, and how many there are. */
export interface Excerpt {
  readonly at: number;
  readonly sizeBytes: number;
}

/** An excerpt of a size; `choice` from 0 to 1 says which. */
export function excerptOf(sizeBytes: number, choice: number): Excerpt {
  return { at: Math.floor(choice * (SIZE_BYTES - sizeBytes)), sizeBytes };
}

/** A view, not to be written to. */
export function noiseAt({ at, sizeBytes }: Excerpt): Uint8Array {
  return bytes.subarray(at, at + sizeBytes);
}

/** Whether `part` is what stands in the excerpt, beginning with its byte `from`. */
export function isPartOf(excerpt: Excerpt, part: Uint8Array, from = 0): boolean {
  if (from + part.length > excerpt.sizeBytes) return false;
  const expected = noiseAt({ at: excerpt.at + from, sizeBytes: part.length });
  return Buffer.from(expected.buffer, expected.byteOffset, expected.length).equals(part);
}

/** Xorshift (Marsaglia 2003), 32 bits. */
function noiseOf(sizeBytes: number): Uint8Array {
  const words = new Uint32Array(sizeBytes / 4);
  let word = 0x9e3779b9;
  for (let index = 0; index < words.length; index++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[index] = word;
  }
  return new Uint8Array(words.buffer);
}
