/**
 * Rank: the numbers by which every node orders members, and servers for a client, alike.
 *
 * A hash of the id, and not the age, ranks: nobody knows the age of another for certain (clocks
 * differ, a boot is a count), the oldest are exactly those which a rolling update stops next, and
 * a node that restarts with its id keeps its rank. Rank by hash also says nothing about who dials
 * whom or who proposes, which go by the id itself. The price: a newcomer can displace a server,
 * with probability servers / members.
 *
 * The score of a pair is rendezvous hashing (Thaler, Ravishankar 1998, doi:10.1109/90.663936).
 * 32 bits are few enough for ties, so whoever compares falls back to ids.
 */
import type { NodeId } from "@foundation/core";
import { hashOf } from "../subject.js";

/** Keeps ranks apart from subjects, which hash by the same function. */
const RANK_SALT = 0x5ee0_f00d;

/** The rank of a member: an integer from 0 to 2^32 - 1; lower is better. */
export function rankOf(id: NodeId): number {
  return mix(hashOf(id) ^ RANK_SALT);
}

/** How well a client and a server go together, by their ranks: 0 to 2^32 - 1; higher is better. */
export function pairScore(client: number, server: number): number {
  return mix(mix(client ^ server) + server);
}

/** MurmurHash3's finish for 32 bits: FNV alone leaves similar ids near each other. */
function mix(value: number): number {
  let hash = value | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
