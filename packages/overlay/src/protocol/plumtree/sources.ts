/**
 * Sources: every start of a node whose messages were heard, found by (origin, boot).
 *
 * The map is keyed by the node alone, so that a message costs one lookup and no key is built; the
 * few starts of one node hang on each other. A newer start ends the older ones. What ended is
 * forgotten after some rounds, not after some time: a process that was paused must not forget what
 * waits in its sockets.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Outbox } from "./effects.js";
import type { PlumtreeLimits } from "./limits.js";
import { Source } from "./source.js";

export class Sources<P> {
  readonly #byOrigin = new Map<NodeId, Source<P>>();
  readonly #ended = new Set<Source<P>>();
  readonly #out: Outbox<P>;
  readonly #limits: PlumtreeLimits;
  readonly #endedRoundsMax: number;
  #own: Source<P> | undefined;
  #size = 0;

  constructor(out: Outbox<P>, limits: PlumtreeLimits, endedRoundsMax: number) {
    this.#out = out;
    this.#limits = limits;
    this.#endedRoundsMax = endedRoundsMax;
  }

  get size(): number {
    return this.#size;
  }

  /** That of this node itself. */
  get own(): Source<P> {
    return this.#own as Source<P>;
  }

  /** True while something waits to be forgotten. */
  get ending(): boolean {
    return this.#ended.size > 0;
  }

  find(origin: NodeId, boot: Boot): Source<P> | undefined {
    let source = this.#byOrigin.get(origin);
    while (source !== undefined && source.boot !== boot) source = source.other;
    return source;
  }

  /** The source of this node itself: it is never forgotten. */
  openOwn(origin: NodeId, boot: Boot): Source<P> {
    this.#own = this.open(origin, boot, Number.NEGATIVE_INFINITY);
    this.#own.next = 1;
    return this.#own;
  }

  /** A new source; it must not be there yet. */
  open(origin: NodeId, boot: Boot, now: number): Source<P> {
    if (this.#size >= this.#limits.sourcesMax) this.#evict();
    const source = new Source<P>(origin, boot, now);
    source.other = this.#byOrigin.get(origin);
    this.#byOrigin.set(origin, source);
    this.#size += 1;
    if (source.other !== undefined) this.#orderBoots(source);
    return source;
  }

  /** The source that has ended, if it is known. */
  end(origin: NodeId, boot: Boot): Source<P> | undefined {
    const source = this.find(origin, boot);
    if (source === undefined || source === this.#own) return undefined;
    this.#end(source);
    return source;
  }

  /** One round is over: forgets what ended long enough ago. */
  round(): void {
    for (const source of this.#ended) {
      source.endedRounds += 1;
      if (source.endedRounds < this.#endedRoundsMax || source.repairing) continue;
      if (source.cached === undefined) this.forget(source);
    }
  }

  /** Its messages would be new again, if any came. */
  forget(source: Source<P>): void {
    const head = this.#byOrigin.get(source.origin);
    this.#ended.delete(source);
    if (head === source) {
      if (source.other === undefined) this.#byOrigin.delete(source.origin);
      else this.#byOrigin.set(source.origin, source.other);
      this.#size -= 1;
      return;
    }
    for (let each = head; each !== undefined; each = each.other) {
      if (each.other !== source) continue;
      each.other = source.other;
      this.#size -= 1;
      return;
    }
  }

  /** Calls `visit` for each source, in the order their nodes were first heard of. */
  forEach(visit: (source: Source<P>) => void): void {
    for (const head of this.#byOrigin.values()) {
      for (let each: Source<P> | undefined = head; each !== undefined; each = each.other) {
        visit(each);
      }
    }
  }

  #end(source: Source<P>): void {
    if (source.endedRounds >= 0) return;
    source.endedRounds = 0;
    this.#ended.add(source);
  }

  /** Of several starts of one node only the newest lives; too many are forgotten. */
  #orderBoots(added: Source<P>): void {
    let newest = added;
    let count = 0;
    let last = added;
    for (let each: Source<P> | undefined = added; each !== undefined; each = each.other) {
      if (each.boot > newest.boot) newest = each;
      count += 1;
      if (each !== this.#own) last = each;
    }
    for (let each: Source<P> | undefined = added; each !== undefined; each = each.other) {
      if (each !== newest && each !== this.#own) this.#end(each);
    }
    if (count > this.#limits.bootsPerOriginMax) this.#giveUp(last);
  }

  #evict(): void {
    let victim: Source<P> | undefined;
    this.forEach((source) => {
      if (source === this.#own || source.repairing) return;
      if (victim === undefined || source.lastAt < victim.lastAt) victim = source;
    });
    if (victim !== undefined) this.#giveUp(victim);
  }

  #giveUp(source: Source<P>): void {
    this.#out.count("source-evicted");
    this.forget(source);
  }
}
