/** Sizes as people write them: `"64mb"`, or a number of bytes. */
import { invalid } from "../entry-times.js";

/** `"512kb"`, `"64mb"`, `"2gb"` (powers of 1024), or a number of bytes. */
export type Bytes = number | `${number}${"b" | "kb" | "mb" | "gb"}`;

const PATTERN = /^(\d+(?:\.\d+)?)(b|kb|mb|gb)$/;
const BYTES_PER_UNIT = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 } as const;

/** @throws {ERR_INVALID_ARGUMENT} */
export function parseBytes(size: Bytes): number {
  const match = typeof size === "string" ? PATTERN.exec(size) : null;
  const bytes = match
    ? Math.floor(Number(match[1]) * BYTES_PER_UNIT[match[2] as keyof typeof BYTES_PER_UNIT])
    : size;
  if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  const expected = 'a whole number of bytes above 0, or a text such as "64mb"';
  throw invalid("maxBytes", expected, String(size));
}
