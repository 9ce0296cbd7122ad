/**
 * VersionedState: one replica of a map that every node may write, as a pure state machine.
 *
 * Each write carries a stamp from a total order that is a parameter (generation and
 * owner for child specs); for a key the greatest write stays, be it a deletion. That is
 * a join of a semilattice a key, so delivery may be late, repeated, reordered or cut off. Writes
 * are broadcast as deltas (Almeida, Shoker, Baquero: "Delta State Replicated Data Types", 2018);
 * what is missed is found by comparing digests (see bucket-table.ts, exchange.ts).
 *
 * Invariants: a key's stamp never goes back, except that a forgotten tombstone (see graves.ts)
 * leaves nothing; a deletion is a write; what a peer did not mention is never taken as deleted.
 */
import type { NodeId } from "@foundation/core";
import type { MapLimits } from "../../limits.js";
import { canonicalText } from "../fingerprint.js";
import { invariant } from "../invariant.js";
import { plainSize, utf8Size } from "../plain-size.js";
import { BucketTable, hashOf, type Item } from "./bucket-table.js";
import { Exchange, type Write } from "./exchange.js";
import { Graves } from "./graves.js";
import type { MapChange, MapEffect, MapInput } from "./inputs.js";
import type { MapDelta, MapMessage, WireItem } from "./messages.js";

export interface VersionedStateOptions<S> {
  readonly self: NodeId;
  readonly limits: MapLimits;
  readonly tombstoneMs: number;
  /** A total order; 0 only for stamps that are equal as data. */
  readonly compare: (a: S, b: S) => number;
}

/** Live entries beyond `entriesMax` that are still taken from others, as a factor. */
const REMOTE_ENTRIES_FACTOR = 2;

export class VersionedState<V, S> {
  readonly #options: VersionedStateOptions<S>;
  readonly #table = new BucketTable<V, S>();
  readonly #graves: Graves;
  readonly #exchange: Exchange<V, S>;
  /** Written in this turn and not yet broadcast. */
  #dirty = new Map<string, Item<V, S>>();
  #effects: MapEffect<V, S>[] = [];
  #changes: MapChange<V, S>[] = [];

  constructor(options: VersionedStateOptions<S>) {
    this.#options = options;
    this.#graves = new Graves(options.tombstoneMs);
    this.#exchange = new Exchange<V, S>({
      self: options.self,
      table: this.#table,
      limits: options.limits,
      order: (a, b) => this.#order(a, b),
      deltas: (items, now) => this.#deltas(items, now).messages,
      send: (to, message) => this.#effects.push({ type: "send", to, message }),
      agreed: (peer, now) => this.#graves.agreed(peer, now),
    });
  }

  get size(): number {
    return this.#table.size;
  }

  get tombstones(): number {
    return this.#table.tombstones.size;
  }

  get dirty(): boolean {
    return this.#dirty.size > 0;
  }

  /** The live item of a key. */
  get(key: string): Item<V, S> | undefined {
    const item = this.#table.get(key);
    return item?.deleted === true ? undefined : item;
  }

  /** The stamp of a key's latest write, of a deletion too. */
  stampOf(key: string): S | undefined {
    return this.#table.get(key)?.stamp;
  }

  live(): IterableIterator<Item<V, S>> {
    return this.#table.live();
  }

  /** Equal on two replicas that hold the same (but for chance, 2^-64). */
  digest(): string {
    const { high, low } = this.#table.root;
    return `${high.toString(16)}-${low.toString(16)}`;
  }

  handle(input: MapInput<V, S>, now: number): readonly MapEffect<V, S>[] {
    invariant(this.#effects.length === 0, "inputs are handled one at a time");
    switch (input.type) {
      case "set":
        this.#write(input.key, input.stamp, input.value, false, now);
        break;
      case "delete":
        if (this.get(input.key) !== undefined) {
          this.#write(input.key, input.stamp, undefined, true, now);
        }
        break;
      case "flush":
        this.#flush(now);
        break;
      case "message":
        this.#graves.heardFrom(input.from);
        this.#message(input.from, input.message, now);
        break;
      case "member-up":
        this.#graves.up(input.id);
        if (input.id === this.#options.self) break;
        // Two that hold nothing have nothing to compare.
        if (input.wasThere === true || !this.#table.isBlank) this.#exchange.begin(input.id);
        break;
      case "member-down":
        this.#graves.down(input.id, now);
        this.#exchange.forget(input.id);
        break;
      case "member-left":
        this.#graves.left(input.id);
        this.#exchange.forget(input.id);
        break;
      case "tick":
        this.#graves.sweep(this.#table, now);
        this.#exchange.tick(input.peer, now);
        break;
      default:
        input satisfies never;
    }
    return this.#takeEffects();
  }

  #takeEffects(): readonly MapEffect<V, S>[] {
    const effects = this.#effects;
    if (this.#changes.length > 0) {
      effects.push({ type: "changes", changes: this.#changes });
      this.#changes = [];
    }
    this.#effects = [];
    return effects;
  }

  #message(from: NodeId, message: MapMessage<V, S>, now: number): void {
    switch (message.type) {
      case "delta":
        this.#delta(from, message.items, now);
        break;
      case "root":
      case "agree":
      case "buckets":
      case "summary":
      case "want":
        this.#exchange.handle(from, message, now);
        break;
      default:
        message satisfies never;
    }
  }

  #write(key: string, stamp: S, value: V | undefined, deleted: boolean, now: number): void {
    const item = this.#item(key, stamp, deleted, value, now, now);
    const before = this.#table.get(key);
    if (before !== undefined && !this.#beats(item, before)) return;
    this.#put(item, before, true);
    this.#dirty.set(key, item);
    this.#capTombstones();
  }

  #delta(from: NodeId, items: readonly WireItem<V, S>[], now: number): void {
    const wasBlank = this.#table.isBlank;
    for (const wire of items) this.#merge(from, wire, now);
    this.#capTombstones();
    // Until now it was silent, so nobody waits for it with dropping a tombstone.
    if (wasBlank && !this.#table.isBlank) this.#exchange.begin(from);
  }

  /** Takes one write of a peer, if it is the greatest of its key. */
  #merge(from: NodeId, [key, stamp, deleted, rest]: WireItem<V, S>, now: number): void {
    const deletedAtMs = deleted === 1 ? now - rest : 0;
    const value = deleted === 1 ? undefined : rest;
    const item = this.#item(key, stamp, deleted === 1, value, deletedAtMs, now);
    const before = this.#table.get(key);
    if (before !== undefined && !this.#beats(item, before)) {
      // A ripe tombstone is in no digest, so nothing else would tell the peer.
      if (before.ripe && this.#beats(before, item)) {
        for (const message of this.#deltas([before], now).messages) {
          this.#effects.push({ type: "send", to: from, message });
        }
      }
      return;
    }
    const isNews = before !== undefined && !before.deleted;
    if (deleted === 1 && !isNews && this.#graves.isRipe(deletedAtMs, now)) return;
    if (before === undefined && this.#table.size >= this.#remoteMax()) {
      this.#effects.push({ type: "refused", from, reason: "the map is full" });
      return;
    }
    this.#put(item, before, false);
  }

  #remoteMax(): number {
    return this.#options.limits.entriesMax * REMOTE_ENTRIES_FACTOR;
  }

  #put(item: Item<V, S>, before: Item<V, S> | undefined, local: boolean): void {
    this.#table.put(item);
    const { key, stamp } = item;
    const previous = before?.deleted === false ? before : undefined;
    if (!item.deleted) {
      const value = item.value as V;
      this.#changes.push({ type: "set", key, value, previous: previous?.value, stamp, local });
    } else if (previous !== undefined) {
      this.#changes.push({ type: "delete", key, previous: previous.value as V, stamp, local });
    }
  }

  #item(
    key: string,
    stamp: S,
    deleted: boolean,
    value: V | undefined,
    deletedAtMs: number,
    now: number,
  ): Item<V, S> {
    const hash = hashOf(key, stamp, deleted, value);
    return { key, stamp, deleted, value, hash, deletedAtMs, heldSinceMs: now, ripe: false };
  }

  /** The order of writes: by stamp, and where stamps tie deletions win. Zero: the values decide. */
  #order(a: Write<S>, b: Write<S>): number {
    return this.#options.compare(a.stamp, b.stamp) || Number(a.deleted) - Number(b.deleted);
  }

  #beats(a: Item<V, S>, b: Item<V, S>): boolean {
    const order = this.#order(a, b);
    if (order !== 0) return order > 0;
    if (a.deleted) return false;
    return canonicalText(a.value) > canonicalText(b.value);
  }

  #capTombstones(): void {
    let count = 0;
    for (const item of this.#table.tombstones.values()) {
      if (this.#table.tombstones.size <= this.#options.limits.tombstonesMax) break;
      this.#table.remove(item);
      count += 1;
    }
    if (count > 0) this.#effects.push({ type: "tombstones-dropped", count });
  }

  #flush(now: number): void {
    const { roundEntriesMax } = this.#options.limits;
    const items = [...this.#dirty.values()].filter((item) => this.#table.get(item.key) === item);
    this.#dirty = new Map();
    const { messages, sent } = this.#deltas(items.slice(0, roundEntriesMax), now);
    for (const message of messages) this.#effects.push({ type: "broadcast", message });
    // A bulk load is not pushed at everyone at once: they compare and take it round by round.
    if (items.length <= sent) return;
    this.#effects.push({ type: "broadcast", message: { type: "root", root: this.#table.root } });
  }

  /** Items as delta messages, as many as one round sends; `sent` says how many. */
  #deltas(
    items: readonly Item<V, S>[],
    now: number,
  ): { readonly messages: MapDelta<V, S>[]; readonly sent: number } {
    const { deltaEntriesMax, deltaBytesAim, roundBytesAim } = this.#options.limits;
    const messages: MapDelta<V, S>[] = [];
    let part: WireItem<V, S>[] = [];
    let partBytes = 0;
    let allBytes = 0;
    let sent = 0;
    for (const item of items) {
      if (allBytes >= roundBytesAim) break;
      if (part.length >= deltaEntriesMax || partBytes >= deltaBytesAim) {
        messages.push({ type: "delta", items: part });
        part = [];
        partBytes = 0;
      }
      const bytes = 16 + utf8Size(item.key) + plainSize(item.stamp) + plainSize(item.value);
      partBytes += bytes;
      allBytes += bytes;
      sent += 1;
      part.push(wireOf(item, now));
    }
    if (part.length > 0) messages.push({ type: "delta", items: part });
    return { messages, sent };
  }
}

function wireOf<V, S>(item: Item<V, S>, now: number): WireItem<V, S> {
  if (item.deleted) return [item.key, item.stamp, 1, Math.max(0, now - item.deletedAtMs)];
  return [item.key, item.stamp, 0, item.value as V];
}
