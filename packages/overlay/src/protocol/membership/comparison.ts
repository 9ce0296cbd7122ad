/**
 * Comparison: how two nodes with a link find out what one of them does not know (anti-entropy).
 *
 * A link that comes up begins with a greeting: each side introduces itself, and tells everybody it
 * knows to a node it never heard of, or while that are few. Otherwise it says what all it knows comes to
 * (`sum`, one hash); a node to which that is another number sends its digest, the first one what it has
 * in the buckets that differ, and the other what is newer: what a link costs is what differs, not what
 * is known. The same goes to random neighbours now and then, and when the cluster has stopped growing,
 * for what got lost.
 *
 * Two things would make the forming of a large cluster cost its members' square: a newcomer that is told
 * everything by each of its first links, and two nodes that answer each other's sums at once. So while
 * members join, what a sum shows is mostly what is being told anyway, and a node answers one in a while;
 * and of two that ask each other only the one with the higher id answers.
 *
 * Invariant: after an answered sum both sides know what each of them knew; when members have stopped
 * joining, every differing sum is answered from one side.
 */
import type { NodeId } from "@foundation/core";
import { compareEntries } from "./entry.js";
import { membershipLimits as limits } from "./limits.js";
import type { MembershipMessage, WireEntry } from "./messages.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";

/** Pending while members join. */
const GROWTH_TIMER = "growth";
/** Who asked a node so many others forgets about those that must have answered by now. */
const ASKED_MAX = 64;

type MessageOf<Type extends MembershipMessage["type"]> = MembershipMessage & { type: Type };

export class Comparison {
  readonly #state: MembershipState;
  /** When others were sent the sum last. */
  readonly #askedAt = new Map<NodeId, number>();
  /** When a sum was answered last. */
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(state: MembershipState) {
    this.#state = state;
  }

  /** A link came up: says who this node is, and what is believed about the other side if that is bad. */
  greet(peer: Peer, now: number): void {
    const { directory, self } = this.#state;
    const believed = directory.get(peer.id);
    const most = believed === undefined ? limits.toldNewcomersMax : limits.greetedWholeMax;
    const tellsAll = directory.liveCount <= most;
    const ids = new Set([self.id]);
    if (tellsAll) for (const { id } of directory.live()) ids.add(id);
    if (believed !== undefined && believed.status !== "alive") ids.add(peer.id);
    this.#state.sendEntries(peer.id, directory.wired(ids, now));
    if (!tellsAll) this.#sendSum(peer.id, now);
  }

  /** A member joined: neighbours are asked whether they know the same, once no more do. */
  grown(now: number): void {
    const { growth, out, times } = this.#state;
    if (out.dueAt(GROWTH_TIMER) !== undefined) return;
    out.setTimer(GROWTH_TIMER, Math.max(times.settleMs, growth.settlesInMs(now)), now);
  }

  onGrowthTimer(now: number): void {
    if (this.#state.growth.settlesInMs(now) > 0) return this.grown(now);
    this.withSome(limits.comparedAfterGrowth, now);
  }

  /** Asks so many random neighbours whether they know the same. */
  withSome(count: number, now: number): void {
    for (const { id } of this.#state.drawLinked(count)) this.#sendSum(id, now);
  }

  onSum(from: NodeId, sum: number, now: number): void {
    const { directory, out } = this.#state;
    if (sum === directory.sum || this.#isAnsweredThere(from, now) || this.#waits(now)) return;
    this.#answeredAt = now;
    out.send(from, { type: "digest", buckets: directory.digest() });
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

  /** Both were asked, as when a link comes up: the other side answers. */
  #isAnsweredThere(from: NodeId, now: number): boolean {
    const askedAt = this.#askedAt.get(from);
    if (askedAt === undefined || this.#state.self.id > from) return false;
    return now - askedAt < this.#state.times.periodMs;
  }

  /** Members join, and a sum was answered just now: when they have stopped, neighbours are asked again. */
  #waits(now: number): boolean {
    const { growth, times } = this.#state;
    const sinceMs = now - this.#answeredAt;
    return sinceMs < Math.max(times.settleMs, growth.newsGapMs) && growth.settlesInMs(now) > 0;
  }

  #sendSum(to: NodeId, now: number): void {
    if (this.#askedAt.size >= ASKED_MAX) this.#forgetAnswered(now);
    this.#askedAt.set(to, now);
    this.#state.out.send(to, { type: "sum", sum: this.#state.directory.sum });
  }

  #forgetAnswered(now: number): void {
    for (const [id, askedAt] of this.#askedAt) {
      if (now - askedAt >= this.#state.times.periodMs) this.#askedAt.delete(id);
    }
  }
}
