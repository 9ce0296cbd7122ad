/**
 * Repair: finds what did not come by itself.
 *
 * What is missing is known from announcements, from digests, and from gaps in what came. Nothing is
 * asked for at once: the eager copy is usually on its way, so an offer rests for `graftAfterMs`.
 * Then one neighbour is asked, and another one after `graftRetryMs`. One timer serves all sources.
 *
 * Invariants: a source with offers or with held messages is under repair; when its offers are used
 * up it is no longer, so that a later announcement starts anew.
 */
import type { NodeId } from "@foundation/core";
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits, PlumtreeTimes } from "./limits.js";
import type { Run } from "./messages.js";
import type { Ordering } from "./ordering.js";
import type { Entry, Offer, Source } from "./source.js";
import type { Sources } from "./sources.js";
import type { Tree } from "./tree.js";

/** What one neighbour is asked for. */
interface Request {
  readonly to: NodeId;
  readonly runs: Run[];
  pullOnly: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;

export class Repair<P> {
  readonly #self: NodeId;
  readonly #out: Outbox<P>;
  readonly #tree: Tree<P>;
  readonly #ordering: Ordering<P>;
  readonly #sources: Sources<P>;
  readonly #limits: PlumtreeLimits;
  readonly #times: PlumtreeTimes;
  readonly #repairing = new Set<Source<P>>();

  constructor(
    self: NodeId,
    out: Outbox<P>,
    tree: Tree<P>,
    ordering: Ordering<P>,
    sources: Sources<P>,
    limits: PlumtreeLimits,
    times: PlumtreeTimes,
  ) {
    this.#self = self;
    this.#out = out;
    this.#tree = tree;
    this.#ordering = ordering;
    this.#sources = sources;
    this.#limits = limits;
    this.#times = times;
  }

  /** Offers remembered, of all sources. */
  get offerCount(): number {
    let count = 0;
    for (const source of this.#repairing) count += source.offers?.length ?? 0;
    return count;
  }

  /** A neighbour has these messages. `pullOnly`: that they are missing says nothing of the tree. */
  offer(
    source: Source<P>,
    from: NodeId,
    range: { readonly lo: number; readonly hi: number; readonly hop: number },
    pullOnly: boolean,
    now: number,
  ): void {
    const lo = source.firstMissing(range.lo, range.hi);
    if (lo === undefined) return;
    if (!source.repairing && this.#repairing.size >= this.#limits.repairsMax) {
      this.#out.count("offer-dropped");
      return;
    }
    const { hi, hop } = range;
    if (!this.#joins(source, from, lo, hi, pullOnly, now)) {
      if (source.offers?.length === this.#limits.offersMax) this.#dropUseless(source);
      const offers = (source.offers ??= []);
      if (offers.length >= this.#limits.offersMax) this.#out.count("offer-dropped");
      else offers.push({ from, lo, hi, hop, at: now, pullOnly, tries: 0 });
    }
    this.#begin(source);
    this.#out.arm("repair", now + this.#times.graftAfterMs, now);
  }

  /** A message was taken that waits for an earlier one: whoever sent it has that, most likely. */
  gap(entry: Entry<P>, now: number): void {
    const { source, seq, from, hop } = entry;
    this.#begin(source);
    this.#out.arm("repair", source.gapAt, now);
    if (source.has(seq - 1)) return;
    this.offer(source, from, { lo: source.next, hi: seq - 1, hop }, true, now);
  }

  /** A message came of a source under repair. */
  received(entry: Entry<P>, now: number): void {
    const { source, seq, from } = entry;
    if (source.held !== undefined) this.#out.arm("repair", source.gapAt, now);
    if (source.offers === undefined) return;
    for (const offer of source.offers) {
      if (offer.from === from) offer.tries = 0;
      if (offer.pullOnly || seq < offer.lo || seq > offer.hi) continue;
      this.#tree.optimize(entry, offer.from, offer.hop, now);
    }
    if (seq !== source.askedLast) return;
    // All that was asked for is here: goes on at once.
    source.askedLast = 0;
    source.askedUntil = Number.NEGATIVE_INFINITY;
    this.#out.arm("repair", this.#run(source, now), now);
  }

  /**
   * A neighbour is gone: the others are asked first. It is asked once more itself, since what it
   * offered last may have come over a new link, whose beginning is told after the end of the old one.
   */
  lost(neighbor: NodeId, now: number): void {
    const triesLeast = this.#limits.graftTriesMax - 1;
    for (const source of this.#repairing) {
      let isAffected = false;
      for (const offer of source.offers ?? []) {
        if (offer.from !== neighbor) continue;
        offer.tries = Math.max(offer.tries, triesLeast);
        isAffected = true;
      }
      if (!isAffected) continue;
      // It may have been the one that was asked.
      source.askedUntil = Number.NEGATIVE_INFINITY;
      this.#out.arm("repair", this.#dueOf(source), now);
    }
  }

  /** The source has ended: the wait for what is missing of it is a short one. */
  ended(source: Source<P>, now: number): void {
    this.#out.arm("repair", source.gapAt, now);
  }

  /**
   * The origin of the source keeps nothing before `first`: what is missing before it will not come, if
   * that is what it was asked for.
   */
  originHasFrom(source: Source<P>, first: number, now: number): void {
    const { held } = source;
    if (held === undefined || source.turnedAt !== source.next || first <= source.next) return;
    const end = Math.min(first, source.firstHeld());
    this.#out.countMany("skipped", end - source.next);
    this.#ordering.giveUp(source, end, now);
    this.#out.arm("repair", source.gapAt, now);
  }

  /** The timer fired, `lateMs` late. */
  fire(lateMs: number, now: number): void {
    if (lateMs >= this.#times.lateTimerMs) this.#extend(lateMs + this.#times.graftAfterMs);
    let due = NEVER;
    for (const source of this.#repairing) due = Math.min(due, this.#run(source, now));
    this.#out.arm("repair", due, now);
  }

  /** True if the neighbour's latest offer, when it is young, could take the range as well. */
  #joins(
    source: Source<P>,
    from: NodeId,
    lo: number,
    hi: number,
    pullOnly: boolean,
    now: number,
  ): boolean {
    const last = source.offers?.findLast((offer) => offer.from === from);
    if (last === undefined || last.pullOnly !== pullOnly || last.tries > 0) return false;
    // Its age is that of its oldest part: the youngest is asked for a little early.
    if (now - last.at > this.#times.graftAfterMs / 4) return false;
    if (lo < last.lo || lo > last.hi + 1) return false;
    last.hi = Math.max(last.hi, hi);
    return true;
  }

  #begin(source: Source<P>): void {
    if (source.repairing) return;
    source.repairing = true;
    this.#repairing.add(source);
  }

  /** The process was paused: the messages may be here, unread. */
  #extend(byMs: number): void {
    for (const source of this.#repairing) {
      source.gapAt += byMs;
      source.askedUntil += byMs;
      for (const offer of source.offers ?? []) offer.at += byMs;
    }
  }

  /** Does what is due for one source; says when to come again. */
  #run(source: Source<P>, now: number): number {
    if (now >= source.gapAt) this.#ordering.skip(source, now);
    this.#dropUseless(source);
    if (source.offers === undefined && source.held !== undefined) this.#turnToOrigin(source, now);
    if (source.offers === undefined && source.held === undefined) {
      source.repairing = false;
      this.#repairing.delete(source);
      // Announced, but never seen: nothing is known of it.
      if (source.next === 0) this.#sources.forget(source);
      return NEVER;
    }
    if (source.offers !== undefined && now >= source.askedUntil) this.#ask(source, now);
    return this.#dueOf(source);
  }

  #dueOf(source: Source<P>): number {
    if (source.offers === undefined) return source.gapAt;
    let first = NEVER;
    const { graftAfterMs } = this.#times;
    for (const offer of source.offers) first = Math.min(first, offer.at + graftAfterMs);
    return Math.min(source.gapAt, Math.max(first, source.askedUntil));
  }

  /** Drops offers of what is here meanwhile, and those that were tried often enough. */
  #dropUseless(source: Source<P>): void {
    if (source.offers === undefined) return;
    const triesMax = this.#limits.graftTriesMax;
    const useful = source.offers.filter((offer) => {
      const lo = source.firstMissing(offer.lo, offer.hi);
      if (lo === undefined || offer.tries >= triesMax) return false;
      offer.lo = lo;
      return true;
    });
    source.offers = useful.length > 0 ? useful : undefined;
  }

  /** Asks for what is missing and was announced long enough ago: least tried neighbours first. */
  #ask(source: Source<P>, now: number): void {
    const offers = source.offers as Offer[];
    offers.sort((a, b) => a.tries - b.tries);
    const { graftAfterMs } = this.#times;
    const asked = new Set<number>();
    const requests: Request[] = [];
    for (const offer of offers) {
      if (offer.at + graftAfterMs > now || asked.size >= this.#limits.pullMessagesMax) continue;
      const runs = this.#missingRuns(source, offer, asked);
      if (runs.length === 0) continue;
      offer.tries += 1;
      const request = requests.find(({ to }) => to === offer.from);
      if (request === undefined) {
        requests.push({ to: offer.from, runs, pullOnly: offer.pullOnly });
      } else {
        request.runs.push(...runs);
        request.pullOnly &&= offer.pullOnly;
      }
    }
    for (const { to, runs, pullOnly } of requests) this.#graft(to, runs, pullOnly, now);
    if (requests.length > 0) source.askedUntil = now + this.#times.graftRetryMs;
    for (const seq of asked) source.askedLast = seq;
  }

  /**
   * No neighbour has what is missing before the messages that wait: a copy of its origin's own, of
   * which only the origin knows. It is asked itself, once for each gap; not where that was an earlier
   * start of this very node.
   */
  #turnToOrigin(source: Source<P>, now: number): void {
    if (source.turnedAt === source.next || source.origin === this.#self) return;
    source.turnedAt = source.next;
    const hi = source.firstHeld() - 1;
    const at = now - this.#times.graftAfterMs;
    const offer = {
      from: source.origin,
      lo: source.next,
      hi,
      hop: 0,
      at,
      pullOnly: true,
      tries: 0,
    };
    source.offers = [offer];
    source.askedUntil = Number.NEGATIVE_INFINITY;
  }

  #missingRuns(source: Source<P>, offer: Offer, asked: Set<number>): Run[] {
    const { origin, boot } = source;
    const runs: Run[] = [];
    const most = this.#limits.pullMessagesMax;
    let seq: number | undefined = offer.lo;
    while (seq !== undefined && asked.size < most) {
      seq = source.firstMissing(seq, offer.hi);
      if (seq === undefined) break;
      const lo = seq;
      while (seq <= offer.hi && asked.size < most && !source.has(seq) && !asked.has(seq)) {
        asked.add(seq);
        seq += 1;
      }
      if (seq > lo) runs.push({ origin, boot, lo, hi: seq - 1, hop: 0 });
      else seq += 1;
    }
    return runs;
  }

  #graft(to: NodeId, runs: readonly Run[], pullOnly: boolean, now: number): void {
    const most = this.#limits.runsPerMessageMax;
    for (let at = 0; at < runs.length; at += most) {
      this.#tree.graft(to, runs.slice(at, at + most), pullOnly, now);
    }
  }
}
