/**
 * Where a key lies, and fingerprints of what a bucket holds.
 *
 * FNV-1a over UTF-16 units with Murmur3's finish (http://www.isthe.com/chongo/tech/comp/fnv/): no better hash is needed to
 * spread keys over a few hundred buckets, and it allocates nothing. Every node must answer the same: part of the protocol.
 */
import { BUCKETS } from "../limits.js";
import type { Version } from "./version.js";

/** 32 bits of a text. */
export function hashOf(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export function bucketOf(key: string): number {
  return hashOf(key) % BUCKETS;
}

/** 32 bits of a key at a version; those of a bucket are combined by exclusive or. */
export function fingerprintOf(key: string, version: Version): number {
  const mixed = hashOf(version.writer, (version.epoch ^ Math.floor(version.counter / 2 ** 32)) | 0);
  return hashOf(key, mixed ^ (version.counter | 0));
}
