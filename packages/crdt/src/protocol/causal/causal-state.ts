/**
 * CausalState: one replica of a state every node may write, as a pure state machine.
 *
 * A causal delta-CRDT (Almeida, Shoker, Baquero: "Delta State Replicated Data Types", 2018,
 * https://arxiv.org/abs/1603.01529): live writes by key, and what was ever taken in (dot-table.ts). A
 * write of a key takes the place of the writes its writer had seen; a removal removes those; what is
 * concurrent stays side by side, and the type that is built on it says what that means. All types of
 * replicated state are faces of this one machine.
 *
 * Invariants: state only grows in the order of the lattice; what is told to others is a delta that
 * claims no more than it holds; a removed write never comes back to a replica that has taken it in.
 * Memory is that of the live writes, one range a writer, and a digest for 1,024 live writes.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { CausalLimits } from "../../limits.js";
import { invariant } from "../invariant.js";
import { Graves } from "../versioned/graves.js";
import { DeltaWriter } from "./delta-writer.js";
import { chainOf, DotTable } from "./dot-table.js";
import { CausalExchange, summaryOf } from "./exchange.js";
import type { CausalChange, CausalEffect, CausalInput } from "./inputs.js";
import { Intervals } from "./intervals.js";
import type { CausalMessage, Delta, Part, Removed } from "./messages.js";
import type { Entry, Strand, StrandId } from "./strand.js";

export interface CausalStateOptions {
  /** Of this opening; no other one, before or after, has the same. */
  readonly own: StrandId;
  readonly limits: CausalLimits;
  /** How long a writer that is gone, and whose writes are all removed, is remembered. */
  readonly tombstoneMs: number;
  /** Tell what to keep on disk. */
  readonly journals: boolean;
}

/** Live keys beyond `entriesMax` that are still taken from others, as a factor. */
const REMOTE_ENTRIES_FACTOR = 2;

export class CausalState<V> {
  readonly #options: CausalStateOptions;
  readonly #table: DotTable<V>;
  readonly #own: Strand<V>;
  readonly #graves: Graves;
  readonly #exchange: CausalExchange<V>;
  /** Boots of the current members. */
  readonly #members = new Map<NodeId, Boot>();
  /** Removed by this node in this turn: numbers of each writer. */
  readonly #removed = new Map<Strand<V>, number[]>();
  /** Own writes through this number were broadcast. */
  #flushed = 0;
  #isLocal = false;
  #isRestoring = false;
  #journal: { parts: Part<V>[]; removed: Removed[] } = { parts: [], removed: [] };
  #effects: CausalEffect<V>[] = [];

  constructor(options: CausalStateOptions) {
    this.#options = options;
    this.#table = new DotTable<V>((entry) => this.#onDrop(entry));
    this.#own = this.#table.strand(options.own);
    this.#table.strands.delete(options.own);
    this.#graves = new Graves(options.tombstoneMs);
    this.#exchange = new CausalExchange<V>({
      own: options.own,
      table: this.#table,
      limits: options.limits,
      send: (to, message) => this.#effects.push({ type: "send", to, message }),
      agreed: (peer, now) => this.#graves.agreed(peer, now),
      removed: (strand, ranges, now) => this.#remove(strand, ranges, now),
    });
  }

  /** The writer of this opening. */
  get own(): Strand<V> {
    return this.#own;
  }

  /** Keys that have a live write. */
  get size(): number {
    return this.#table.size;
  }

  /** Writers that are remembered. */
  get strands(): number {
    return this.#table.strands.size;
  }

  /** Ranges in all causal contexts: the writers, and the holes in what is known of them. */
  get ranges(): number {
    let count = 0;
    for (const { seen } of this.#table.strands.values()) count += seen.count;
    return count;
  }

  /** The first live write of a key; concurrent ones follow by `next`. */
  head(key: string): Entry<V> | undefined {
    return this.#table.head(key);
  }

  keys(): IterableIterator<string> {
    return this.#table.keys();
  }

  heads(): IterableIterator<Entry<V>> {
    return this.#table.heads();
  }

  /** When `expire` is due; undefined when nothing ends by itself. */
  get expiresAtMs(): number | undefined {
    return this.#table.expiry.nextMs;
  }

  /** Whether changes are told. */
  set isWatched(isWatched: boolean) {
    this.#table.isWatched = isWatched;
  }

  /** Equal on two replicas with the same live writes (but for chance, 2^-64). */
  digest(): string {
    const { high, low } = this.#table.root;
    return `${high.toString(16)}-${low.toString(16)}`;
  }

  /** All of it, as deltas: a snapshot. */
  snapshot(now: number): readonly Delta<V>[] {
    const { limits } = this.#options;
    const writer = new DeltaWriter<V>(limits, Number.POSITIVE_INFINITY, now);
    for (const strand of this.#table.strands.values()) {
      const { ranges } = strand.seen;
      for (let i = 0; i < ranges.length; i += 2) {
        writer.add(strand, ranges[i] as number, ranges[i + 1] as number);
      }
    }
    return writer.messages;
  }

  handle(input: CausalInput<V>, now: number): readonly CausalEffect<V>[] {
    invariant(this.#effects.length === 0, "inputs are handled one at a time");
    this.#isLocal = input.type === "write" || input.type === "remove";
    switch (input.type) {
      case "write":
        this.#write(input, now);
        break;
      case "remove":
        if (this.#table.clear(input.key)) this.#own.changedAtMs = now;
        break;
      case "flush":
        this.#flush(now);
        break;
      case "expire":
        for (const entry of this.#table.expiry.due(now)) {
          entry.strand.changedAtMs = now;
          this.#table.drop(entry);
        }
        break;
      case "restore":
        this.#isRestoring = true;
        for (const part of input.delta.parts) this.#table.join(part, now);
        for (const [id, ranges] of input.delta.removed ?? []) {
          this.#remove(this.#table.strand(id), ranges, now);
        }
        this.#isRestoring = false;
        break;
      case "message":
        this.#graves.heardFrom(input.from);
        this.#message(input.from, input.message, now);
        break;
      case "member-up":
        this.#graves.up(input.id);
        this.#members.set(input.id, input.boot);
        if (input.wasThere === true || this.#table.strands.size > 0) this.#exchange.begin(input.id);
        break;
      case "member-down":
      case "member-left":
        if (input.type === "member-down") this.#graves.down(input.id, now);
        else this.#graves.left(input.id);
        this.#members.delete(input.id);
        this.#exchange.forget(input.id);
        break;
      case "tick":
        this.#retire(now);
        this.#exchange.tick(input.peer, now);
        break;
      default:
        input satisfies never;
    }
    return this.#takeEffects();
  }

  #takeEffects(): readonly CausalEffect<V>[] {
    const effects = this.#effects;
    this.#effects = [];
    const touched = this.#table.takeTouched();
    if (touched.size > 0) {
      const changes: CausalChange<V>[] = [];
      for (const [key, before] of touched) {
        const after = chainOf(this.#table.head(key));
        changes.push({ key, before, after, local: this.#isLocal });
      }
      effects.push({ type: "changes", changes });
    }
    const { parts, removed } = this.#journal;
    if (parts.length > 0 || removed.length > 0) {
      effects.push({ type: "journal", delta: { type: "delta", parts, removed } });
      this.#journal = { parts: [], removed: [] };
    }
    return effects;
  }

  #write(input: CausalInput<V> & { readonly type: "write" }, now: number): void {
    const { key, value, wallMs, counter, ttlMs } = input;
    const endsAtMs = ttlMs === undefined ? Number.POSITIVE_INFINITY : now + ttlMs;
    const own = this.#own;
    const sequence = own.seen.upper + 1;
    this.#table.clear(key);
    this.#table.strands.set(own.id, own);
    this.#table.insert(own, sequence, { key, value, wallMs, counter, endsAtMs });
    own.seen.add(sequence, sequence);
    own.changedAtMs = now;
  }

  #onDrop({ strand, sequence }: Entry<V>): void {
    if (this.#isRestoring) return;
    if (strand === this.#own && sequence > this.#flushed) return;
    if (this.#isLocal) {
      let numbers = this.#removed.get(strand);
      if (numbers === undefined) this.#removed.set(strand, (numbers = []));
      numbers.push(sequence);
    } else if (this.#options.journals) {
      this.#journal.removed.push([strand.id, [sequence, sequence]]);
    }
  }

  #message(from: NodeId, message: CausalMessage<V>, now: number): void {
    if (message.type === "delta") this.#delta(from, message, now);
    else this.#exchange.handle(from, message, now);
  }

  #delta(from: NodeId, { parts, removed = [], ends }: Delta<V>, now: number): void {
    const { newestWallMs, newestCounter } = this.#table;
    const wasBlank = this.#table.strands.size === 0;
    let hasGap = false;
    let isStep = false;
    for (const part of parts) {
      const reason = this.#refusal(part.of, part.from, part.keys.length, part.through);
      const isAsked = this.#exchange.hasAsked(from, part);
      // Two who lack the same writes would never agree if what was asked for could be refused.
      if (reason !== undefined && !(reason === HOLES && isAsked)) {
        this.#effects.push({ type: "refused", from, reason });
        hasGap ||= reason === HOLES;
        continue;
      }
      const strand = this.#table.strand(part.of);
      const { known } = strand;
      this.#table.join(part, now);
      if (this.#options.journals) this.#journal.parts.push(part);
      isStep ||= isAsked && strand.known > known;
      hasGap ||= strand.seen.count > 1;
    }
    for (const [id, ranges] of removed) {
      if (this.#refusal(id, ranges[0] ?? 1, 0) !== undefined) continue;
      this.#remove(this.#table.strand(id), ranges, now);
    }
    const { newestWallMs: wallMs, newestCounter: counter } = this.#table;
    if (wallMs > newestWallMs || (wallMs === newestWallMs && counter > newestCounter)) {
      this.#effects.push({ type: "observed", wallMs, counter });
    }
    const isTalking = this.#exchange.isWith(from, now);
    this.#exchange.took(from, isStep, ends, now);
    // Who was blank was silent; one that pulls is not.
    if (wasBlank && this.#table.strands.size > 0 && !isTalking) this.#exchange.begin(from);
    else if (hasGap && ends === undefined) this.#exchange.gap(from, now);
  }

  /** Why writes may not be taken in; undefined when they may. */
  #refusal(id: StrandId, from: number, count: number, through = from): string | undefined {
    const { entriesMax, strandsMax, gapsMax } = this.#options.limits;
    if (this.#table.size + count > entriesMax * REMOTE_ENTRIES_FACTOR) return "the state is full";
    const strand = this.#table.strands.get(id);
    if (id === this.#options.own) {
      return through > this.#own.seen.upper ? "it says what this node never wrote" : undefined;
    }
    if (strand === undefined) {
      return this.#table.strands.size >= strandsMax ? "it has too many writers" : undefined;
    }
    const isHole = from > strand.seen.upper + 1 && strand.seen.count >= gapsMax;
    return isHole ? HOLES : undefined;
  }

  /** Takes numbers of a writer for removed. */
  #remove(strand: Strand<V>, ranges: readonly number[], now: number): void {
    const isOwn = strand === this.#own;
    for (let i = 0; i < ranges.length; i += 2) {
      const from = ranges[i] as number;
      const through = isOwn
        ? Math.min(ranges[i + 1] as number, strand.seen.upper)
        : (ranges[i + 1] as number);
      if (through < from) break;
      const found = strand.range(from, through);
      for (const entry of found) this.#table.drop(entry);
      if (strand.seen.missing([from, through]).length > 0) {
        if (strand.seen.count > this.#options.limits.gapsMax) break;
        strand.seen.add(from, through);
        if (this.#options.journals && !this.#isRestoring)
          this.#journal.removed.push([strand.id, [from, through]]);
      }
    }
    strand.changedAtMs = now;
  }

  #flush(now: number): void {
    const own = this.#own;
    const removed = this.#takeRemoved();
    if (removed.length > 0 && own.seen.upper === this.#flushed) {
      // A removal takes a number too: who missed it sees the hole.
      const sequence = own.seen.upper + 1;
      own.seen.add(sequence, sequence);
      this.#table.strands.set(own.id, own);
    }
    const { upper } = own.seen;
    if (upper === this.#flushed) return;
    const { limits, journals } = this.#options;
    const writer = new DeltaWriter<V>(limits, limits.flushBytesAim, now);
    const from = this.#flushed + 1;
    const told = writer.add(own, from, upper);
    this.#flushed = upper;
    // What exceeds is found by digests; so are removals when what replaces them is still to come.
    const isTold = told === upper && runsOf(removed) <= limits.runsMax;
    const messages: Delta<V>[] = writer.messages;
    const last = messages.pop() ?? { type: "delta", parts: [] };
    // Removals last: what takes the place of a write comes before that goes.
    messages.push(isTold && removed.length > 0 ? { ...last, removed } : last);
    for (const message of messages) this.#effects.push({ type: "broadcast", message });
    if (journals) this.#journalOwn(from, upper, removed, now);
    if (isTold) return;
    const strands = [summaryOf(own)];
    const rest = { type: "vector", ask: false, complete: false, strands } as const;
    this.#effects.push({ type: "broadcast", message: rest });
  }

  #journalOwn(from: number, through: number, removed: readonly Removed[], now: number): void {
    const writer = new DeltaWriter<V>(this.#options.limits, Number.POSITIVE_INFINITY, now);
    writer.add(this.#own, from, through);
    for (const { parts } of writer.messages) this.#journal.parts.push(...parts);
    this.#journal.removed.push(...removed);
  }

  #takeRemoved(): Removed[] {
    const out: Removed[] = [];
    for (const [strand, numbers] of this.#removed) {
      numbers.sort((a, b) => a - b);
      const ranges = new Intervals();
      for (const sequence of numbers) ranges.add(sequence, sequence);
      out.push([strand.id, ranges.ranges]);
    }
    this.#removed.clear();
    return out;
  }

  /**
   * Forgets writers that are gone, with nothing live, and known by everybody to be so. One who was
   * cut off for longer than `tombstoneMs` and never left may bring such a writer's writes back.
   */
  #retire(now: number): void {
    const everybodyHasUntilMs = this.#graves.everybodyHasUntilMs(now);
    for (const strand of this.#table.strands.values()) {
      if (strand === this.#own) continue;
      if (this.#members.get(strand.node) === strand.boot) strand.deadSinceMs = undefined;
      else strand.deadSinceMs ??= now;
      if (strand.live > 0 || strand.deadSinceMs === undefined) continue;
      if (now - strand.deadSinceMs < this.#options.tombstoneMs) continue;
      if (strand.changedAtMs < everybodyHasUntilMs) this.#table.strands.delete(strand.id);
    }
  }
}

const HOLES = "it leaves too many holes";

function runsOf(removed: readonly Removed[]): number {
  return removed.reduce((sum, [, ranges]) => sum + ranges.length / 2, 0);
}
