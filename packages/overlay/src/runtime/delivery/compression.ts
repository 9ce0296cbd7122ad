/**
 * Compression of single payloads: raw length (u32, little-endian), then DEFLATE without a wrapper
 * (RFC 1951).
 *
 * Why for each payload and not for the connection (permessage-deflate): no window is kept between
 * messages, so a link costs no memory for it, what one sender sends cannot be guessed from the size
 * of another's, and what does not get smaller goes as it is. Why synchronously: order needs no
 * queue, and a simulation stays reproducible; a payload is one piece at most (32 KiB), so the event
 * loop is held up for two milliseconds at most.
 *
 * Invariants: nothing is inflated before its declared length was found to be within the bound, and
 * never beyond that length: a bomb costs a piece. A payload that is not exactly what it declares is malformed.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { COMPRESSION } from "../../protocol/delivery/limits.js";
import { readU32, writeU32 } from "../../protocol/frame.js";

const HEAD_BYTES = 4;
/** The fastest level: it is 3 to 5 times as fast as the default and gives up a tenth of the size. */
const LEVEL = 1;

/** A payload, compressed; undefined when it is below the threshold or hardly gets smaller. */
export function compress(raw: Uint8Array, thresholdBytes: number): Uint8Array | undefined {
  if (raw.length < thresholdBytes) return undefined;
  const body = deflateRawSync(raw, { level: LEVEL });
  if (HEAD_BYTES + body.length > raw.length * COMPRESSION.keepRatio) return undefined;
  const payload = new Uint8Array(HEAD_BYTES + body.length);
  writeU32(payload, 0, raw.length);
  payload.set(body, HEAD_BYTES);
  return payload;
}

/** The payload as it was; undefined when it is malformed or declares more than `rawBytesMax`. */
export function expand(payload: Uint8Array, rawBytesMax: number): Uint8Array | undefined {
  if (payload.length <= HEAD_BYTES) return undefined;
  const rawBytes = readU32(payload, 0);
  if (rawBytes === 0 || rawBytes > rawBytesMax) return undefined;
  try {
    const raw = inflateRawSync(payload.subarray(HEAD_BYTES), { maxOutputLength: rawBytes });
    return raw.length === rawBytes ? raw : undefined;
  } catch {
    return undefined;
  }
}
