/**
 * hash: text to a number between 0 and 1, both not included, the same on every node and version.
 *
 * Not a secret and not against adversaries: it only spreads. cyrb53's two multiplying lanes, finished as MurmurHash3 is,
 * so that keys that differ in one sign are far apart.
 */

/** 53 bits of the two texts. */
export function hashOf(key: string, id: string): number {
  let high = 0xdeadbeef ^ key.length;
  let low = 0x41c6ce57 ^ id.length;
  const text = key + id;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    high = Math.imul(high ^ unit, 2654435761);
    low = Math.imul(low ^ unit, 1597334677);
  }
  high = mix(high) ^ mix(low ^ 0x9e3779b9);
  low = mix(low ^ high);
  const bits = (high >>> 11) * 2 ** 32 + (low >>> 0);
  return (bits + 0.5) / 2 ** 53;
}

function mix(lane: number): number {
  let mixed = lane ^ (lane >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
