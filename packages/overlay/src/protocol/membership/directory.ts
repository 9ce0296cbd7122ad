/**
 * Directory: every node this one has heard of, and the tombstones of those that are gone.
 *
 * It exists because links may be few but knowledge is complete: each node knows each member. A
 * merge keeps the newer of two statements (see entry.ts), so any order of arrival ends in the same
 * content. Tombstones keep stale rumours from reviving the gone, and keep the addresses of the down
 * so that a partition can heal; they carry their age, so all nodes forget one at about the same
 * time.
 *
 * Invariants: at most `membersMax` live entries and `tombstonesMax` tombstones; nothing stale
 * replaces anything newer while its tombstone lasts.
 */
import type { NodeId } from "@foundation/core";
import { compareEntries, isEnded, type DirectoryEntry } from "./entry.js";
import { membershipLimits as limits, membershipTimes as times } from "./limits.js";
import type { WireEntry } from "./messages.js";

/** What became of a statement: `refused` means a limit was reached. */
export type MergeOutcome = "applied" | "stale" | "refused";

interface Slot {
  readonly entry: DirectoryEntry;
  /** When it was declared down or left, by this node's clock; meaningless for live entries. */
  readonly endedAt: number;
  readonly hash: number;
}

/** The entries of all nodes, this one included. */
export class Directory {
  readonly #slots = new Map<NodeId, Slot>();
  /** The same slots by bucket, so that comparing a few buckets does not walk through all. */
  readonly #buckets = Array.from({ length: limits.digestBuckets }, () => new Map<NodeId, Slot>());
  /** Kept while slots change: a digest is sent with every greeting. */
  readonly #digest = new Array<number>(limits.digestBuckets).fill(0);
  #tombstones = 0;
  #sum = 0;

  /** Live entries, this node's own among them. */
  get liveCount(): number {
    return this.#slots.size - this.#tombstones;
  }

  get tombstoneCount(): number {
    return this.#tombstones;
  }

  get(id: NodeId): DirectoryEntry | undefined {
    return this.#slots.get(id)?.entry;
  }

  /**
   * Keeps the newer of `entry` and what is known. `ageMs`: how long ago a down or left one was
   * declared.
   */
  merge(entry: DirectoryEntry, now: number, ageMs = 0): MergeOutcome {
    const known = this.#slots.get(entry.id);
    if (known && compareEntries(entry, known.entry) <= 0) return "stale";
    const ended = isEnded(entry.status);
    if (ended && ageMs >= times.tombstoneMs) return "stale";
    if (!ended && !known && this.liveCount >= limits.membersMax) return "refused";
    if (known && isEnded(known.entry.status)) this.#tombstones -= 1;
    if (ended) this.#tombstones += 1;
    this.#put({ entry, endedAt: now - ageMs, hash: hashOf(entry) });
    if (this.#tombstones > limits.tombstonesMax) this.#dropOldest();
    return this.#slots.has(entry.id) ? "applied" : "refused";
  }

  /** Forgets tombstones whose time is over; returns whose they were. */
  expire(now: number): NodeId[] {
    const expired: NodeId[] = [];
    if (this.#tombstones === 0) return expired;
    for (const [id, slot] of this.#slots) {
      if (isEnded(slot.entry.status) && now - slot.endedAt >= times.tombstoneMs) expired.push(id);
    }
    for (const id of expired) this.#remove(id);
    this.#tombstones -= expired.length;
    return expired;
  }

  /** Live entries, in no particular order. */
  live(): DirectoryEntry[] {
    return [...this.#slots.values()]
      .map((slot) => slot.entry)
      .filter((entry) => !isEnded(entry.status));
  }

  /** Entries of members that are down, the latest first: whom healing may dial. */
  down(): DirectoryEntry[] {
    return [...this.#slots.values()]
      .filter((slot) => slot.entry.status === "down")
      .sort((a, b) => b.endedAt - a.endedAt)
      .map((slot) => slot.entry);
  }

  /** The entry as it goes on the wire. */
  wire(id: NodeId, now: number): WireEntry | undefined {
    const slot = this.#slots.get(id);
    return slot && wireOf(slot, now);
  }

  /** Those of them that are known, as they go on the wire. */
  wired(ids: Iterable<NodeId>, now: number): WireEntry[] {
    const entries: WireEntry[] = [];
    for (const id of ids) {
      const entry = this.wire(id, now);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  /** One hash of everything; equal ones mean equal knowledge. */
  get sum(): number {
    return this.#sum;
  }

  /** One hash for each bucket; equal hashes mean equal knowledge of the nodes in it. */
  digest(): number[] {
    return [...this.#digest];
  }

  /** The digest's hash of one bucket. */
  hashOf(bucket: number): number | undefined {
    return this.#digest[bucket];
  }

  /** All entries of a bucket. */
  inBucket(bucket: number, now: number): WireEntry[] {
    const entries: WireEntry[] = [];
    for (const slot of this.#buckets[bucket]?.values() ?? []) entries.push(wireOf(slot, now));
    return entries;
  }

  #put(slot: Slot): void {
    const { id } = slot.entry;
    const bucket = bucketOf(id);
    const before = this.#slots.get(id)?.hash ?? 0;
    this.#digest[bucket] = ((this.#digest[bucket] ?? 0) ^ before ^ slot.hash) >>> 0;
    this.#sum = (this.#sum ^ before ^ slot.hash) >>> 0;
    this.#slots.set(id, slot);
    this.#buckets[bucket]?.set(id, slot);
  }

  #remove(id: NodeId): void {
    const bucket = bucketOf(id);
    const before = this.#slots.get(id)?.hash ?? 0;
    this.#digest[bucket] = ((this.#digest[bucket] ?? 0) ^ before) >>> 0;
    this.#sum = (this.#sum ^ before) >>> 0;
    this.#slots.delete(id);
    this.#buckets[bucket]?.delete(id);
  }

  /** Drops the oldest sixteenth at once, so that a full directory does not sort at every merge. */
  #dropOldest(): void {
    const tombstones = [...this.#slots.values()]
      .filter((slot) => isEnded(slot.entry.status))
      .sort((a, b) => a.endedAt - b.endedAt);
    for (const slot of tombstones.slice(0, Math.ceil(limits.tombstonesMax / 16))) {
      this.#remove(slot.entry.id);
      this.#tombstones -= 1;
    }
  }
}

function wireOf(slot: Slot, now: number): WireEntry {
  const { id, boot, incarnation, status, address, name, roles, labels } = slot.entry;
  const ageMs = isEnded(status) ? Math.max(0, now - slot.endedAt) : 0;
  return { id, boot, incarnation, status, address, name, roles, labels, ageMs };
}

function bucketOf(id: NodeId): number {
  return Number.parseInt(id.slice(0, 2), 16) % limits.digestBuckets;
}

/** FNV-1a over what makes two statements differ. */
function hashOf(entry: DirectoryEntry): number {
  const text = `${entry.id}|${entry.boot}|${entry.incarnation}|${entry.status}`;
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
