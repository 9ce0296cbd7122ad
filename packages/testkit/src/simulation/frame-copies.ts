/**
 * copyOfFrame: what a simulated network hands over, since nodes share no memory.
 *
 * Why: a memory of its own for each small frame costs more than all the rest of sending it. Copies lie one behind the
 * other in a chunk that is never written twice and goes when the last of them does. They are Buffers, as the frames of
 * the real transport are.
 */
const CHUNK_BYTES = 64 * 1024;
/** Larger ones have a memory of their own, so that no chunk is left half empty. */
const SHARED_BYTES_MAX = CHUNK_BYTES / 8;

let chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
let usedBytes = 0;

/** The same bytes in memory that nobody else writes. */
export function copyOfFrame(frame: Uint8Array): Uint8Array {
  const { length } = frame;
  if (length > SHARED_BYTES_MAX) return filled(Buffer.allocUnsafeSlow(length), frame);
  if (usedBytes + length > CHUNK_BYTES) {
    chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
    usedBytes = 0;
  }
  const copy = chunk.subarray(usedBytes, usedBytes + length);
  usedBytes += length;
  return filled(copy, frame);
}

function filled(copy: Uint8Array, frame: Uint8Array): Uint8Array {
  copy.set(frame);
  return copy;
}
