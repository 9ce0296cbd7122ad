/**
 * plainSize: about how many bytes a plain value takes on the wire.
 *
 * Why an estimate: the protocol is pure and does not know the codec, and the limits it guards
 * (64 KiB of a value, the aim of a message) are about orders of magnitude. The estimate is never
 * far below MessagePack's true size, so a message built by it stays near its aim.
 */
import { PLAIN_DEPTH_MAX } from "../limits.js";

const NUMBER_BYTES = 9;
const HEADER_BYTES = 5;

/** Estimated encoded bytes of a plain value; Infinity for one nested too deeply to be sent. */
export function plainSize(value: unknown, depth = 0): number {
  switch (typeof value) {
    case "string":
      return HEADER_BYTES + utf8Size(value);
    case "object":
      return value === null ? 1 : objectSize(value, depth);
    case "boolean":
    case "undefined":
      return 1;
    default:
      return NUMBER_BYTES;
  }
}

/** UTF-8 bytes of a text; a lone surrogate counts three, as its replacement does. */
export function utf8Size(text: string): number {
  let size = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x80) continue;
    if (code < 0x800) size += 1;
    else if (code >= 0xd800 && code <= 0xdbff && isLowSurrogate(text, i + 1)) {
      size += 2;
      i += 1;
    } else size += 2;
  }
  return size;
}

function isLowSurrogate(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0xdc00 && code <= 0xdfff;
}

function objectSize(value: object, depth: number): number {
  if (depth >= PLAIN_DEPTH_MAX) return Number.POSITIVE_INFINITY;
  if (ArrayBuffer.isView(value)) return HEADER_BYTES + value.byteLength;
  if (value instanceof ArrayBuffer) return HEADER_BYTES + value.byteLength;
  if (value instanceof Date) return HEADER_BYTES + NUMBER_BYTES;
  let size = HEADER_BYTES;
  if (Array.isArray(value) || value instanceof Set) {
    for (const item of value) size += plainSize(item, depth + 1);
  } else if (value instanceof Map) {
    for (const [key, item] of value) size += plainSize(key, depth + 1) + plainSize(item, depth + 1);
  } else {
    for (const [key, item] of Object.entries(value)) {
      size += HEADER_BYTES + utf8Size(key) + plainSize(item, depth + 1);
    }
  }
  return size;
}
