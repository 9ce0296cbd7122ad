/**
 * Intake: takes in what neighbours send and say they have, and what an origin sends to everybody.
 *
 * A source that is new here begins where this node came in: see `Beginning`. A message that is new is
 * kept, sent on and delivered in its turn; a copy straight from its origin is not sent on, since
 * everybody gets one, and not kept either when it comes in its turn: the origin keeps it.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Beginning } from "./beginning.js";
import type { Outbox } from "./effects.js";
import type { Forwarding } from "./forwarding.js";
import type { Gossip, Run } from "./messages.js";
import type { Ordering } from "./ordering.js";
import type { PayloadCache } from "./payload-cache.js";
import type { Repair } from "./repair.js";
import type { Entry, Source } from "./source.js";
import type { Sources } from "./sources.js";
import type { Tree } from "./tree.js";

/** What the intake works on; all of one node and one group. */
export interface IntakeParts<P> {
  readonly out: Outbox<P>;
  readonly own: Source<P>;
  readonly sources: Sources<P>;
  readonly cache: PayloadCache<P>;
  readonly ordering: Ordering<P>;
  readonly tree: Tree<P>;
  readonly forwarding: Forwarding<P>;
  readonly repair: Repair<P>;
  readonly beginning: Beginning;
  readonly sizeOf: (payload: P) => number;
}

/** A message as its origin sends it to each member itself. */
export interface Copy<P> {
  readonly origin: NodeId;
  readonly boot: Boot;
  readonly seq: number;
  /** How many right before it are for this node too. */
  readonly back: number;
  /** No earlier one is, also where this node has begun already. */
  readonly isFloor: boolean;
  readonly payload: P;
}

/** All of a message but where it comes from. */
type Content<P> = Pick<Gossip<P>, "seq" | "hop" | "back" | "beside" | "payload">;

export class Intake<P> {
  readonly #parts: IntakeParts<P>;

  constructor(parts: IntakeParts<P>) {
    this.#parts = parts;
  }

  gossip(from: NodeId, message: Gossip<P>, now: number): void {
    const { sources, own, beginning, tree, forwarding } = this.#parts;
    const { origin, boot, seq } = message;
    let source = sources.find(origin, boot);
    if (source !== undefined && (source.has(seq) || source === own)) {
      this.#duplicate(source, from, message, now);
      return;
    }
    source ??= sources.open(origin, boot, now);
    if (source.next === 0) {
      source.next = Math.max(1, seq - message.back);
      source.isTentative = source.next < seq && beginning.isFresh(now);
      if (source.isTentative) source.askedUntil = beginning.settledAt;
    } else if (!source.isHeard) {
      // What was offered before that and never came is kept by nobody any more.
      source.next = Math.max(source.next, seq - message.back);
    }
    if (seq > source.next && !this.#hasRoom(source, from, message, now)) return;
    const entry = this.keep(source, message, from, now);
    const neighbor = tree.get(from);
    if (neighbor !== undefined && !message.beside) tree.fed(neighbor, entry, now);
    forwarding.forward(entry, false, now);
    this.#inTurn(entry, now);
  }

  copy({ origin, boot, seq, back, isFloor, payload }: Copy<P>, now: number): void {
    const { out, sources, own, ordering } = this.#parts;
    let source = sources.find(origin, boot);
    if (source === own) return;
    source ??= sources.open(origin, boot, now);
    const first = Math.max(1, seq - back);
    if (source.next === 0) source.next = first;
    else if (isFloor && source.next < first) ordering.giveUp(source, first, now);
    if (source.has(seq)) return out.count("duplicate");
    if (seq === source.next && source.held === undefined && !source.repairing) {
      source.next = seq + 1;
      source.isHeard = true;
      source.lastAt = now;
      source.copiedAt = now;
      out.push({ type: "deliver", origin, boot, seq, hop: 1, from: origin, payload });
      return;
    }
    // It says nothing of the tree, as if it had been pulled.
    const content = { seq, hop: 1, back, beside: true, payload };
    if (seq > source.next && !this.#hasRoom(source, origin, content, now)) return;
    this.#inTurn(this.keep(source, content, origin, now), now);
  }

  /** A neighbour has these messages, just now. */
  announced(from: NodeId, run: Run, now: number): void {
    const { sources, own, tree, repair } = this.#parts;
    let source = sources.find(run.origin, run.boot);
    if (source === own) return;
    if (source === undefined) {
      source = sources.open(run.origin, run.boot, now);
    }
    tree.get(from)?.hasPath(source, run.hop);
    if (run.hi < source.next) {
      const entry = source.cached?.get(run.hi);
      if (entry !== undefined) tree.optimize(entry, from, run.hop, now);
      return;
    }
    repair.offer(source, from, run, false, now);
  }

  /** A neighbour could send these messages. `isWhole`: it left out what is not for this node. */
  listed(from: NodeId, run: Run, isWhole: boolean, now: number): void {
    const { sources, own, repair, beginning } = this.#parts;
    let source = sources.find(run.origin, run.boot);
    if (source === own) return;
    const saysBeginning = run.hop === 0;
    if (source === undefined) {
      if (run.hi < run.lo && !saysBeginning) return;
      source = sources.open(run.origin, run.boot, now);
      const begins = isWhole ? beginning.isYoung(now) : beginning.isFresh(now);
      if (run.hi < run.lo) source.next = run.hi + 1;
      else if (saysBeginning && begins) source.next = run.lo;
    }
    if (source.isTentative && isWhole && saysBeginning) this.#begin(source, run.lo, now);
    if (from === run.origin) repair.originHasFrom(source, run.lo, now);
    repair.offer(source, from, run, true, now);
  }

  /** Keeps a message for those that miss it. */
  keep(source: Source<P>, message: Content<P>, from: NodeId, now: number): Entry<P> {
    const { cache, sizeOf } = this.#parts;
    const { seq, hop, back, beside, payload } = message;
    const sizeBytes = sizeOf(payload);
    const entry: Entry<P> = {
      source,
      seq,
      hop,
      from,
      back,
      beside,
      payload,
      sizeBytes,
      at: now,
      younger: undefined,
    };
    source.isHeard = true;
    source.lastAt = now;
    cache.expire(now);
    cache.add(entry);
    return entry;
  }

  /** A settled neighbour says with which message the source begins for this node. */
  #begin(source: Source<P>, first: number, now: number): void {
    source.isTentative = false;
    source.askedUntil = Number.NEGATIVE_INFINITY;
    if (source.next < first) this.#parts.ordering.giveUp(source, first, now);
  }

  /** False: too many wait; it is fetched from its sender when there is room. */
  #hasRoom(
    source: Source<P>,
    from: NodeId,
    { seq, hop, payload }: Content<P>,
    now: number,
  ): boolean {
    const { ordering, out, repair, sizeOf } = this.#parts;
    if (ordering.hasRoom(source, sizeOf(payload))) return true;
    out.count("gap-full");
    repair.offer(source, from, { lo: seq, hi: seq, hop }, true, now);
    return false;
  }

  #inTurn(entry: Entry<P>, now: number): void {
    const { ordering, repair } = this.#parts;
    const { source, seq } = entry;
    ordering.take(entry, now);
    if (source.held !== undefined && source.held.has(seq)) repair.gap(entry, now);
    else if (source.repairing) repair.received(entry, now);
  }

  /** A copy of something that is here: the link it came on may be redundant. */
  #duplicate(source: Source<P>, from: NodeId, message: Gossip<P>, now: number): void {
    const { out, tree } = this.#parts;
    out.count("duplicate");
    const first = source.cached?.get(message.seq);
    // A repetition on the same link says nothing about it; nor does what came beside the tree, or
    // so late that the first copy is forgotten.
    if (first === undefined || first.from === from || first.beside || message.beside) return;
    tree.get(from)?.hasPath(source, message.hop);
    tree.redundant(from, now);
  }
}
