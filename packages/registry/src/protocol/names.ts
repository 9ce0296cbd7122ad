/**
 * Names: what may stand for a process in the whole cluster.
 *
 * A name is 1 to 255 bytes of UTF-8. Names that begin with `$` are made by the registry for children
 * that the user gave no name, so that they too have an identity across crashes and partitions.
 */
import { registryErrors } from "../errors.js";

/** What generated identities begin with. */
export const GENERATED = "$";

/** With the flag `u` a pair is one character, so only a lone half matches. */
const LONE_SURROGATE = /[\uD800-\uDFFF]/u;

/** True for an identity that the registry made. */
export function isGenerated(name: string): boolean {
  return name.startsWith(GENERATED);
}

/** A name a user may give. @throws {ERR_NAME_INVALID} */
export function checkName(name: unknown, bytesMax: number): asserts name is string {
  const reason = problemOf(name, bytesMax);
  if (reason === undefined) return;
  const shown = typeof name === "string" ? name.slice(0, 64) : typeof name;
  throw registryErrors.ERR_NAME_INVALID(
    `The name "${shown}" ${reason}; expected 1 to ${bytesMax} bytes of UTF-8 not beginning with $`,
    { name: shown, reason },
  );
}

function problemOf(name: unknown, bytesMax: number): string | undefined {
  if (typeof name !== "string") return "is not a string";
  if (name.length === 0) return "is empty";
  if (isGenerated(name)) return "begins with $, which is reserved";
  if (LONE_SURROGATE.test(name)) return "has a lone surrogate";
  if (utf8Bytes(name) > bytesMax) return `is longer than ${bytesMax} bytes`;
  return undefined;
}

/** Bytes of a well-formed string in UTF-8. */
function utf8Bytes(text: string): number {
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    // A surrogate pair is four bytes in UTF-8: two for each of its units.
    else if (unit >= 0xd800 && unit <= 0xdfff) bytes += 2;
    else bytes += 3;
  }
  return bytes;
}
