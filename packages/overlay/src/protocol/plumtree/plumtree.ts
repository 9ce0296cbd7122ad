/**
 * Plumtree: broadcast over the links of any connected graph, along a tree that the messages
 * themselves build and repair.
 *
 * Leitão, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007. A message travels as a payload
 * on the links of the tree and as an announcement on the others. Who gets a payload twice prunes the
 * later link; who hears of a message that does not come grafts the link it heard it on. What differs
 * from the paper, and why: docs/protocol/plumtree.md.
 *
 * Invariants: of one start of a node each message is delivered at most once at each other node, in
 * the order it was sent; every neighbour of a node is either sent a message or told of it; with
 * nothing broadcast no timer runs and nothing is sent, but one small digest on each new link.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { assert } from "../assert.js";
import { Announcements } from "./announcements.js";
import { Beginning } from "./beginning.js";
import { Digests } from "./digests.js";
import { Outbox, type PlumtreeEffect, type PlumtreeInput } from "./effects.js";
import { Forwarding } from "./forwarding.js";
import { Intake } from "./intake.js";
import {
  plumtreeLimits,
  plumtreeTimes,
  type PlumtreeLimits,
  type PlumtreeTimes,
} from "./limits.js";
import { SEQ_MAX, type PlumtreeMessage } from "./messages.js";
import { Ordering } from "./ordering.js";
import { PayloadCache } from "./payload-cache.js";
import { Repair } from "./repair.js";
import type { Source } from "./source.js";
import { Sources } from "./sources.js";
import { Tree } from "./tree.js";

export interface PlumtreeOptions<P> {
  readonly self: { readonly id: NodeId; readonly boot: Boot };
  readonly random: Random;
  /** Bytes of a payload: what the limits count. */
  readonly sizeOf: (payload: P) => number;
  /**
   * A node with few neighbours sends its own messages to all of them, lazy ones too: one hop fewer,
   * for up to one more copy on each node. @default false
   */
  readonly floodPublish?: boolean;
  /**
   * When the node had its first link, on the clock of this core, where this group begins later than
   * the node. @default when the first neighbour is up
   */
  readonly firstLinkAt?: number;
  readonly times?: Partial<PlumtreeTimes>;
  readonly limits?: Partial<PlumtreeLimits>;
}

/** What one node keeps for its broadcasts. */
export interface PlumtreeReport {
  readonly sources: number;
  readonly cachedMessages: number;
  readonly cachedBytes: number;
  /** Messages that wait for an earlier one. */
  readonly heldMessages: number;
  readonly heldBytes: number;
  readonly offers: number;
}

export class Plumtree<P> {
  readonly #id: NodeId;
  readonly #random: Random;
  readonly #floodPublish: boolean;
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;
  readonly #out = new Outbox<P>();
  readonly #sources: Sources<P>;
  readonly #own: Source<P>;
  readonly #cache: PayloadCache<P>;
  readonly #ordering: Ordering<P>;
  readonly #announcements: Announcements<P>;
  readonly #tree: Tree<P>;
  readonly #forwarding: Forwarding<P>;
  readonly #repair: Repair<P>;
  readonly #digests: Digests<P>;
  readonly #beginning: Beginning;
  readonly #intake: Intake<P>;

  constructor(options: PlumtreeOptions<P>) {
    const { self, random, sizeOf, floodPublish = false } = options;
    const limits = { ...plumtreeLimits, ...options.limits };
    const times = { ...plumtreeTimes, ...options.times };
    const out = this.#out;
    this.#id = self.id;
    this.#random = random;
    this.#floodPublish = floodPublish;
    this.#limits = limits;
    this.#times = times;
    this.#sources = new Sources(out, limits, Math.ceil(times.endedKeepMs / times.digestMs));
    this.#own = this.#sources.openOwn(self.id, self.boot);
    this.#cache = new PayloadCache(limits, times);
    this.#ordering = new Ordering(out, limits, times);
    this.#announcements = new Announcements(out, limits, times);
    this.#tree = new Tree(out, this.#announcements, limits, times);
    this.#forwarding = new Forwarding(out, this.#tree, this.#announcements, this.#sources, limits);
    this.#repair = new Repair(
      self.id,
      out,
      this.#tree,
      this.#ordering,
      this.#sources,
      limits,
      times,
    );
    this.#digests = new Digests(out, this.#sources, random, limits, times);
    this.#beginning = new Beginning(times, options.firstLinkAt ?? Number.POSITIVE_INFINITY);
    this.#intake = new Intake({
      out,
      own: this.#own,
      sources: this.#sources,
      cache: this.#cache,
      ordering: this.#ordering,
      tree: this.#tree,
      forwarding: this.#forwarding,
      repair: this.#repair,
      beginning: this.#beginning,
      sizeOf,
    });
  }

  /** Neighbours that get payloads, in the order their links came up. */
  get eager(): readonly NodeId[] {
    return this.#tree.neighbors.filter(({ eager }) => eager).map(({ id }) => id);
  }

  /** Neighbours that get announcements. */
  get lazy(): readonly NodeId[] {
    return this.#tree.neighbors.filter(({ eager }) => !eager).map(({ id }) => id);
  }

  /** How many messages this node itself has broadcast. */
  get sent(): number {
    return this.#own.next - 1;
  }

  /** How many of the latest of those are still to be had. */
  get lately(): number {
    return this.#own.cached === undefined ? 0 : this.#own.next - this.#own.low;
  }

  /** Something was broadcast lately. */
  get isBusy(): boolean {
    return this.#cache.count > 0;
  }

  report(): PlumtreeReport {
    return {
      sources: this.#sources.size,
      cachedMessages: this.#cache.count,
      cachedBytes: this.#cache.bytes,
      heldMessages: this.#ordering.heldCount,
      heldBytes: this.#ordering.heldBytes,
      offers: this.#repair.offerCount,
    };
  }

  /** @param now milliseconds of a monotonic clock */
  handle(input: PlumtreeInput<P>, now: number): readonly PlumtreeEffect<P>[] {
    switch (input.type) {
      case "message":
        this.#message(input.from, input.message, now);
        break;
      case "broadcast":
        this.#broadcast(input.payload, input.isCopied === true, now);
        break;
      case "copy":
        this.#intake.copy(input, now);
        break;
      case "timer":
        this.#timer(input.timer, now);
        break;
      case "neighbor-up":
        this.#neighborUp(input.id, input.since, now);
        break;
      case "neighbor-down":
        if (this.#tree.remove(input.id, now)) this.#repair.lost(input.id, now);
        break;
      case "ended":
        this.#end(input.origin, input.boot, now);
        if (this.#sources.ending) this.#armRound(now);
        break;
      case "start":
        break;
      default:
        input satisfies never;
    }
    // Whatever was kept has an end.
    if (this.#cache.count > 0) this.#armRound(now);
    return this.#out.take();
  }

  #message(from: NodeId, message: PlumtreeMessage<P>, now: number): void {
    switch (message.type) {
      case "gossip":
        return this.#intake.gossip(from, message, now);
      case "have":
        for (const run of message.runs) this.#intake.announced(from, run, now);
        return;
      case "graft":
        return this.#forwarding.answer(from, message.eager, message.runs, now);
      case "prune": {
        const neighbor = this.#tree.get(from);
        if (neighbor !== undefined) this.#tree.demote(neighbor, now);
        return;
      }
      case "digest": {
        const { runs, ask, more, fresh, seeking } = message;
        if (seeking) this.#tree.sought(from);
        for (const run of runs) this.#intake.listed(from, run, !ask && !fresh, now);
        if (!fresh && !more) this.#beginning.settle();
        if (ask) this.#digests.answer(from, runs);
        return;
      }
      case "unwanted": {
        const { origin, boot, seq } = message;
        if (this.#sources.find(origin, boot)?.has(seq) === true) return;
        this.#tree.get(from)?.refuse({ origin, boot, seq }, this.#limits.unwantedMax);
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** `isCopied`: the shell sends it to everybody itself. */
  #broadcast(payload: P, isCopied: boolean, now: number): void {
    const source = this.#own;
    assert(source.next <= SEQ_MAX, "a start of a node broadcasts fewer than 2^48 messages");
    this.#cache.expire(now);
    const seq = source.next;
    const back = this.lately;
    source.next += 1;
    const content = { seq, hop: 0, back, beside: isCopied, payload };
    const entry = this.#intake.keep(source, content, this.#id, now);
    if (isCopied) return;
    const few = this.#tree.neighbors.length <= this.#limits.floodNeighborsMax;
    this.#forwarding.forward(entry, this.#floodPublish && few, now);
  }

  #end(origin: NodeId, boot: Boot, now: number): void {
    const source = this.#sources.end(origin, boot);
    if (source?.held === undefined) return;
    this.#ordering.ended(source, now);
    this.#repair.ended(source, now);
  }

  #neighborUp(id: NodeId, since: number | undefined, now: number): void {
    if (id === this.#id || !this.#tree.add(id)) return;
    this.#beginning.linked(now);
    const says = { fresh: this.#beginning.isFresh(now), seeking: this.#tree.isSeeking };
    this.#digests.sendWhole(id, says, since ?? Number.NEGATIVE_INFINITY, now);
  }

  #timer(timer: string, now: number): void {
    if (timer !== "announce" && timer !== "repair" && timer !== "round") return;
    const lateMs = this.#out.fired(timer, now);
    if (lateMs === undefined) return;
    if (timer === "announce") this.#announcements.flush(this.#tree.neighbors);
    else if (timer === "repair") this.#repair.fire(lateMs, now);
    else this.#round(now);
  }

  #round(now: number): void {
    this.#cache.expire(now);
    this.#sources.round();
    const { neighbors } = this.#tree;
    const neighbor = neighbors[this.#random.uint32() % Math.max(1, neighbors.length)];
    if (neighbor !== undefined && this.#cache.count > 0) this.#digests.sendPart(neighbor.id, now);
    if (this.#cache.count > 0 || this.#sources.ending) this.#armRound(now);
  }

  #armRound(now: number): void {
    if (this.#out.isArmed("round")) return;
    const delayMs = this.#times.digestMs * (0.8 + 0.4 * this.#random.next());
    this.#out.arm("round", now + delayMs, now);
  }
}
