/**
 * Subjects and lanes: names become 32-bit numbers on the wire.
 *
 * Why a hash and no table: nothing has to be agreed before the first message, and the header stays
 * fixed. 32-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) over UTF-16 code units. Two
 * handlers with one hash are refused where they are registered, so a message can never reach the
 * wrong one.
 */
const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;

/** FNV-1a of a name: an integer from 0 to 2^32 - 1. */
export function hashOf(name: string): number {
  let hash = OFFSET_BASIS;
  for (let i = 0; i < name.length; i += 1) {
    const unit = name.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), PRIME);
    if (unit > 0xff) hash = Math.imul(hash ^ (unit >>> 8), PRIME);
  }
  return hash >>> 0;
}

/**
 * The lane of a partition key. Without a key, or with one lane, everything shares lane 0 and so one
 * order.
 */
export function laneOf(key: string | undefined, lanes: number): number {
  return key === undefined || lanes <= 1 ? 0 : hashOf(key) % lanes;
}
