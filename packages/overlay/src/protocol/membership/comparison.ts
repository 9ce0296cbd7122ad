/**
 * Comparison: how two nodes with a link find out what one of them does not know (anti-entropy).
 *
 * A link that comes up begins with a greeting, both ways: oneself, and one hash of all that is known.
 * A node that was never heard of is told everybody at once. Otherwise, where the hashes differ, the
 * node with the lower id sends its digest, the other one what it has in the buckets that differ, and
 * the first what is newer: what a link costs is what differs, not what is known. The same goes to one
 * random neighbour now and then, for what got lost.
 *
 * Invariant: after a greeting and its answers both sides know what each of them knew.
 */
import type { NodeId } from "@foundation/core";
import { compareEntries } from "./entry.js";
import { membershipLimits as limits } from "./limits.js";
import type { MembershipMessage, WireEntry } from "./messages.js";
import type { Peer } from "./peer.js";
import { updatesOf, type MembershipState } from "./state.js";

type MessageOf<Type extends MembershipMessage["type"]> = MembershipMessage & { type: Type };

export class Comparison {
  readonly #state: MembershipState;

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /**
   * A link came up: says who this node is, what is believed about the other side if that is bad, and
   * what all it knows comes to; or everybody, to those that probably know nobody.
   */
  greet(peer: Peer, now: number): void {
    const { directory, self, out } = this.#state;
    const believed = directory.get(peer.id);
    const { liveCount } = directory;
    const isNew = believed === undefined && liveCount <= limits.toldNewcomersMax;
    const ids = new Set([self.id]);
    if (isNew || liveCount <= limits.greetedWholeMax)
      for (const { id } of directory.live()) ids.add(id);
    if (believed !== undefined && believed.status !== "alive") ids.add(peer.id);
    const messages = updatesOf(directory.wired(ids, now));
    const last = messages.length - 1;
    messages.forEach((message, at) => {
      out.send(peer.id, at === last ? { ...message, sum: directory.sum } : message);
    });
  }

  /** The other side's greeting was taken in. */
  greeted(from: NodeId, sum: number): void {
    const { directory, self } = this.#state;
    if (sum === directory.sum || self.id > from) return;
    this.#sendDigest(from);
  }

  /** Compares the directory with that of one random neighbour. */
  withAnyone(): void {
    const [peer] = this.#state.drawLinked(1);
    if (peer) this.#sendDigest(peer.id);
  }

  onDigest(from: NodeId, theirs: readonly number[], now: number): void {
    const { directory, out } = this.#state;
    let buckets: number[] = [];
    let entries: WireEntry[] = [];
    for (let bucket = 0; bucket < limits.digestBuckets; bucket += 1) {
      if (directory.hashOf(bucket) === theirs[bucket]) continue;
      const more = directory.inBucket(bucket, now);
      // Whole buckets to a message: what it does not name the other side takes for unknown here.
      if (entries.length + more.length > limits.entriesPerMessageMax && buckets.length > 0) {
        out.send(from, { type: "sync", buckets, entries });
        buckets = [];
        entries = [];
      }
      const last = more.splice(-limits.entriesPerMessageMax);
      this.#state.sendEntries(from, more);
      buckets.push(bucket);
      entries.push(...last);
    }
    if (buckets.length > 0) out.send(from, { type: "sync", buckets, entries });
  }

  /** Answers with what the other side lacks; what it told is taken in by whoever calls. */
  onSync(from: NodeId, message: MessageOf<"sync">, now: number): void {
    const told = new Map(message.entries.map((entry) => [entry.id, entry]));
    const newer: WireEntry[] = [];
    for (const bucket of new Set(message.buckets)) {
      for (const entry of this.#state.directory.inBucket(bucket, now)) {
        const theirs = told.get(entry.id);
        if (!theirs || compareEntries(entry, theirs) > 0) newer.push(entry);
      }
    }
    this.#state.sendEntries(from, newer);
  }

  #sendDigest(to: NodeId): void {
    this.#state.out.send(to, { type: "digest", buckets: this.#state.directory.digest() });
  }
}
