/**
 * OwnedState: one node's replica of an owner-sharded store, as a pure state machine.
 *
 * Each (node, boot) writes only its own shard, so merging never conflicts; what two owners say
 * about one key stands side by side and is resolved by the reader. Writes are broadcast as deltas
 * that say which part of the shard they cover; a gap is pulled; anti-entropy compares version
 * vectors and moves what is missing, also through third nodes. The idea is that of Phoenix.Tracker
 * and of Almeida, Shoker, Baquero: "Delta State Replicated Data Types" (2018), with one writer a
 * shard instead of causal contexts.
 *
 * Invariants: a shard is visible exactly while its (owner, boot) is a current member; a replica
 * only ever takes deltas that fit (see shard.ts), so a lost, repeated, late or cut-off message
 * delays but never loses or revives an entry; our own shard is never changed by a message.
 */
import type { Boot, NodeId } from "@foundation/core";
import { PULL_TIMEOUT_MS, type OwnedLimits } from "../../limits.js";
import { invariant } from "../invariant.js";
import { ClaimIndex } from "./claims.js";
import { END_OF_IDS } from "./messages.js";
import { Introductions } from "./introductions.js";
import type { OwnedChange, OwnedEffect, OwnedInput } from "./inputs.js";
import type { Delta, OwnedMessage, Pull, Vector, VectorEntry } from "./messages.js";
import { fits, Shard } from "./shard.js";
import type { Entry, Position, Replacement, Tell } from "./shard.js";

interface Replica<V> {
  shard: Shard<V>;
  /** A whole shard on its way, which will replace `shard` when it is complete. */
  staging: Shard<V> | undefined;
  /** Monotonic time since when the owner is down; undefined while it is a member. */
  hiddenSinceMs: number | undefined;
  /** Until when an unanswered pull keeps further ones back. */
  pullingUntilMs: number;
  /** Where the owner stood when it first spoke to us itself. */
  firstTold: number | undefined;
}

export interface OwnedStateOptions<V = unknown> {
  readonly self: { readonly id: NodeId; readonly boot: Boot };
  readonly limits: OwnedLimits;
  readonly tombstoneMs: number;
  /** Where an earlier store of this name and boot ended. @default 0 */
  readonly ended?: number | undefined;
  /** @default the value as it is kept */
  readonly tell?: Tell<V> | undefined;
}

export class OwnedState<V> {
  readonly #own: Shard<V>;
  readonly #limits: OwnedLimits;
  readonly #tombstoneMs: number;
  readonly #tell: Tell<V> | undefined;
  readonly #claims = new ClaimIndex<V>();
  /** Replicas of the others' shards, hidden ones included. */
  readonly #replicas = new Map<NodeId, Replica<V>>();
  #hidden = 0;
  readonly #members = new Map<NodeId, Boot>();
  readonly #introductions = new Introductions();
  /** Our own writes up to here were broadcast. */
  #announced = 0;
  #effects: OwnedEffect<V>[] = [];
  #changes: OwnedChange<V>[] = [];

  constructor(options: OwnedStateOptions<V>) {
    this.#own = new Shard(options.self.id, options.self.boot, options.ended);
    this.#announced = this.#own.sequence;
    this.#limits = options.limits;
    this.#tombstoneMs = options.tombstoneMs;
    this.#tell = options.tell;
  }

  /** The sequence of our own latest write. */
  get sequence(): number {
    return this.#own.sequence;
  }

  /** Live entries of our own shard. */
  get ownSize(): number {
    return this.#own.size;
  }

  /** True when there are writes that were not broadcast. */
  get dirty(): boolean {
    return this.#announced < this.#own.sequence;
  }

  get claims(): ClaimIndex<V> {
    return this.#claims;
  }

  /** Shards held, hidden ones included, our own not. */
  get replicas(): number {
    return this.#replicas.size;
  }

  own(key: string): Entry<V> | undefined {
    const entry = this.#own.latest(key);
    return entry?.deleted === true ? undefined : entry;
  }

  /** How far a visible shard has arrived here; undefined when nothing is known of it. */
  sequenceOf(owner: NodeId, boot?: Boot): number | undefined {
    const shard = this.#visible(owner);
    return shard === undefined || (boot !== undefined && shard.boot !== boot)
      ? undefined
      : shard.sequence;
  }

  /** True when a visible shard has arrived as far as it was when its owner first spoke to us. */
  knows(owner: NodeId): boolean {
    if (owner === this.#own.owner) return true;
    const replica = this.#replicas.get(owner);
    if (replica === undefined || replica.hiddenSinceMs !== undefined) return false;
    return replica.firstTold !== undefined && replica.shard.sequence >= replica.firstTold;
  }

  handle(input: OwnedInput<V>, now: number): readonly OwnedEffect<V>[] {
    invariant(this.#effects.length === 0, "inputs are handled one at a time");
    switch (input.type) {
      case "set":
        this.#note(this.#own.write(input.key, input.value, false));
        break;
      case "delete":
        this.#delete(input.key);
        break;
      case "clear":
        this.#clear();
        break;
      case "flush":
        this.#flush();
        break;
      case "message":
        this.#message(input.from, input.message, now);
        break;
      case "member-up":
        this.#memberUp(input.id, input.boot, input.wasThere === true);
        break;
      case "member-down":
        this.#memberDown(input.id, input.boot, now);
        break;
      case "member-left":
        this.#memberLeft(input.id, input.boot);
        break;
      case "tick":
        this.#tick(input.peer, now);
        break;
      case "ask":
        this.#askWhere(input.id, now);
        break;
      case "catch-up":
        this.#catchUp(input, now);
        break;
      default:
        input satisfies never;
    }
    return this.#takeEffects();
  }

  #takeEffects(): readonly OwnedEffect<V>[] {
    if (this.#changes.length > 0) {
      this.#effects.push({ type: "changes", changes: this.#changes });
      this.#changes = [];
    }
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #delete(key: string): void {
    if (this.own(key) === undefined) return;
    this.#note(this.#own.write(key, undefined, true));
    if (this.#own.tombstones > this.#limits.tombstonesMax) {
      this.#own.compact(this.#own.halfOfTombstones());
    }
  }

  /** Tells it at once: as no other delta, it begins at zero and so fits nowhere but as a whole. */
  #clear(): void {
    if (this.#own.sequence === 0) return;
    for (const entry of this.#own.live()) this.#forget(entry);
    this.#own.clear();
    this.#announced = this.#own.sequence;
    const message = this.#part(this.#own, { sequence: 0, floor: 0 });
    this.#effects.push({ type: "broadcast", message });
  }

  #flush(): void {
    for (let count = 0; count < this.#limits.flushDeltasMax && this.dirty; count += 1) {
      const from = { sequence: this.#announced, floor: this.#own.floor };
      const message = this.#part(this.#own, from);
      this.#effects.push({ type: "broadcast", message });
      this.#announced = message.to;
    }
    // What did not fit is pulled: each delta names the head of the shard.
    this.#announced = this.#own.sequence;
  }

  #message(from: NodeId, message: OwnedMessage<V>, now: number): void {
    switch (message.type) {
      case "delta":
        this.#delta(from, message, now);
        break;
      case "pull":
        this.#pull(from, message);
        break;
      case "vector":
        this.#vector(from, message, now);
        break;
      default:
        message satisfies never;
    }
  }

  #delta(from: NodeId, delta: Delta<V>, now: number): void {
    const replica = this.#replicaFor(delta.owner, delta.boot);
    if (replica === undefined) return this.#missed(from, delta);
    if (from === delta.owner) replica.firstTold ??= delta.head;
    const { entriesMax, deltaEntriesMax } = this.#limits;
    if ((replica.staging ?? replica.shard).size >= entriesMax + deltaEntriesMax) {
      this.#effects.push({ type: "refused", from, reason: `shard of ${delta.owner} is too large` });
      return;
    }
    // By its head, not its end: the first parts of a whole shard end before where the old one is.
    if (delta.head > replica.shard.sequence || replica.staging !== undefined) {
      if (fits(replica.shard, delta)) this.#mergeVisible(replica, delta, from, now);
      else this.#mergeStaging(replica, delta, from, now);
    }
  }

  #mergeVisible(replica: Replica<V>, delta: Delta<V>, from: NodeId, now: number): void {
    const { shard } = replica;
    const before = shard.sequence;
    for (const replacement of shard.merge(delta)) this.#note(replacement);
    if (replica.staging !== undefined && shard.sequence >= delta.head) replica.staging = undefined;
    if (shard.sequence === before) return;
    this.#effects.push({ type: "progress", owner: shard.owner });
    replica.pullingUntilMs = 0;
    if (shard.sequence < delta.head) this.#ask(replica, from, now);
  }

  /** A delta that does not fit: the start or the next part of a whole shard, or a gap to pull. */
  #mergeStaging(replica: Replica<V>, delta: Delta<V>, from: NodeId, now: number): void {
    const { owner, boot } = delta;
    const { staging } = replica;
    if (staging !== undefined && fits(staging, delta) && delta.to > staging.sequence) {
      staging.merge(delta);
    } else if (delta.from === 0 && (staging === undefined || !fits(staging, delta))) {
      replica.staging = new Shard<V>(owner, boot);
      replica.staging.merge(delta);
    } else {
      if (delta.to > (staging ?? replica.shard).sequence) this.#ask(replica, from, now);
      return;
    }
    replica.pullingUntilMs = 0;
    const whole = replica.staging;
    if (whole === undefined) return;
    if (whole.sequence < delta.head) this.#ask(replica, from, now);
    else if (whole.sequence >= replica.shard.sequence) this.#replace(replica, whole);
  }

  /** The whole shard is here: it takes the old one's place, and readers see the difference. */
  #replace(replica: Replica<V>, whole: Shard<V>): void {
    const old = replica.shard;
    for (const entry of old.live()) {
      const latest = whole.latest(entry.key);
      if (latest === undefined || latest.deleted) this.#forget(entry);
    }
    for (const entry of whole.live()) this.#note({ before: old.latest(entry.key), after: entry });
    replica.shard = whole;
    replica.staging = undefined;
    this.#effects.push({ type: "progress", owner: whole.owner });
  }

  #pull(from: NodeId, pull: Pull): void {
    const shard = this.#visible(pull.owner);
    if (shard === undefined || shard.boot !== pull.boot) return;
    if (shard.sequence <= pull.sequence) return;
    this.#effects.push({ type: "send", to: from, message: this.#part(shard, pull) });
  }

  #vector(from: NodeId, vector: Vector, now: number): void {
    const named = new Set<NodeId>();
    for (const [owner, boot, sequence, floor] of vector.entries) {
      named.add(owner);
      this.#compare(from, { type: "pull", owner, boot, sequence, floor }, now);
    }
    if (vector.hello === true) {
      this.#effects.push({ type: "send", to: from, message: this.#ownVector(false) });
    }
    const { range } = vector;
    if (range === undefined) return;
    for (const shard of this.#visibleShards()) {
      if (named.has(shard.owner) || shard.owner === from) continue;
      if (shard.owner <= range.after || shard.owner > range.through) continue;
      const message = this.#part(shard, { sequence: 0, floor: 0 });
      this.#effects.push({ type: "send", to: from, message });
    }
  }

  /** The peer stands at `at`: send what it lacks, or ask for what we lack. */
  #compare(from: NodeId, at: Pull, now: number): void {
    if (at.owner === this.#own.owner) {
      if (at.boot === this.#own.boot) this.#pull(from, at);
      return;
    }
    const replica = this.#replicaFor(at.owner, at.boot);
    if (replica === undefined) return this.#missed(from, at);
    if (from === at.owner) replica.firstTold ??= at.sequence;
    if (replica.shard.sequence < at.sequence) this.#ask(replica, from, now);
    else this.#pull(from, at);
  }

  #ask(replica: Replica<V>, from: NodeId, now: number): void {
    if (now < replica.pullingUntilMs) return;
    replica.pullingUntilMs = now + PULL_TIMEOUT_MS;
    const { sequence, floor, owner, boot } = replica.staging ?? replica.shard;
    const message: Pull = { type: "pull", owner, boot, sequence, floor };
    this.#effects.push({ type: "send", to: from, message });
  }

  /** What a node says of itself before it is a member here is asked for when it is one. */
  #missed(from: NodeId, { owner, boot }: { readonly owner: NodeId; readonly boot: Boot }): void {
    if (from !== owner || this.#members.get(owner) === boot) return;
    this.#introductions.missed(owner);
  }

  #askWhere(id: NodeId, now: number): void {
    if (!this.#members.has(id) || this.knows(id) || !this.#introductions.mayAsk(id, now)) return;
    this.#effects.push({ type: "send", to: id, message: this.#ownVector(true) });
  }

  #catchUp(input: { owner: NodeId; boot: Boot; sequence: number }, now: number): void {
    const replica = this.#replicaFor(input.owner, input.boot);
    if (replica === undefined || replica.shard.sequence >= input.sequence) return;
    this.#ask(replica, input.owner, now);
  }

  /** The replica of a current member's present boot, made when first heard of. */
  #replicaFor(owner: NodeId, boot: Boot): Replica<V> | undefined {
    if (owner === this.#own.owner || this.#members.get(owner) !== boot) return undefined;
    const found = this.#replicas.get(owner);
    if (found !== undefined) return found;
    const shard = new Shard<V>(owner, boot);
    const made: Replica<V> = {
      firstTold: undefined,
      shard,
      staging: undefined,
      hiddenSinceMs: undefined,
      pullingUntilMs: 0,
    };
    this.#replicas.set(owner, made);
    this.#effects.push({ type: "progress", owner });
    return made;
  }

  #memberUp(id: NodeId, boot: Boot, wasThere: boolean): void {
    if (id === this.#own.owner) return;
    const wasMissed = this.#introductions.arrived(id);
    const known = this.#members.get(id) === boot;
    this.#members.set(id, boot);
    const replica = this.#replicas.get(id);
    if (replica !== undefined && replica.shard.boot !== boot) this.#drop(id, replica);
    else if (replica?.hiddenSinceMs !== undefined) {
      replica.hiddenSinceMs = undefined;
      this.#hidden -= 1;
      replica.pullingUntilMs = 0;
      for (const entry of replica.shard.live()) this.#note({ before: undefined, after: entry });
    }
    // A suspicion that passed is no return. A true arrival hears where our own shard stands and
    // answers with its own: owner to reader, so that a join costs a few messages a member. Where
    // nobody has written anything it costs none.
    if (known || !(wasThere || wasMissed || replica !== undefined || this.#own.sequence > 0))
      return;
    this.#effects.push({ type: "send", to: id, message: this.#ownVector(true) });
  }

  #memberDown(id: NodeId, boot: Boot, now: number): void {
    if (this.#members.get(id) !== boot) return;
    this.#members.delete(id);
    this.#introductions.gone(id);
    // Not every death is one: it may go on to speak, and hold us for a member all the while.
    this.#introductions.missed(id);
    const replica = this.#replicas.get(id);
    if (replica === undefined) return;
    replica.hiddenSinceMs = now;
    for (const entry of replica.shard.live()) this.#forget(entry);
    // Last in order is down last: the first hidden one in order is the one down longest.
    this.#replicas.delete(id);
    this.#replicas.set(id, replica);
    this.#hidden += 1;
    if (this.#hidden > this.#limits.hiddenShardsMax) this.#forgetLongestHidden();
  }

  #forgetLongestHidden(): void {
    for (const [id, { hiddenSinceMs }] of this.#replicas) {
      if (hiddenSinceMs === undefined) continue;
      this.#discard(id);
      return;
    }
  }

  #discard(id: NodeId): void {
    const replica = this.#replicas.get(id);
    if (replica?.hiddenSinceMs !== undefined) this.#hidden -= 1;
    this.#replicas.delete(id);
  }

  #memberLeft(id: NodeId, boot: Boot): void {
    if (this.#members.get(id) === boot) {
      this.#members.delete(id);
      this.#introductions.gone(id);
    }
    const replica = this.#replicas.get(id);
    if (replica !== undefined && replica.shard.boot === boot) this.#drop(id, replica);
  }

  #drop(id: NodeId, replica: Replica<V>): void {
    this.#discard(id);
    if (replica.hiddenSinceMs !== undefined) return;
    for (const entry of replica.shard.live()) this.#forget(entry);
  }

  #tick(peer: NodeId | undefined, now: number): void {
    for (const [id, replica] of this.#replicas) {
      const since = replica.hiddenSinceMs;
      if (since !== undefined && now - since >= this.#tombstoneMs) this.#discard(id);
    }
    if (peer === undefined || !this.#members.has(peer) || this.#isBlank()) return;
    for (const message of this.#vectors()) this.#effects.push({ type: "send", to: peer, message });
  }

  /** Nothing was ever written, as far as is known here: there is nothing to compare. */
  #isBlank(): boolean {
    if (this.#own.sequence > 0) return false;
    for (const { shard, staging } of this.#replicas.values()) {
      if (shard.sequence > 0 || staging !== undefined) return false;
    }
    return true;
  }

  #ownVector(hello: boolean): Vector {
    const { owner, boot, sequence, floor } = this.#own;
    return { type: "vector", hello, entries: [[owner, boot, sequence, floor]] };
  }

  /** The version vector of all visible shards, in messages that together cover every id. */
  *#vectors(): Generator<Vector> {
    const all: VectorEntry[] = [];
    const { owner, boot, sequence, floor } = this.#own;
    all.push([owner, boot, sequence, floor]);
    for (const [id, replica] of this.#replicas) {
      if (replica.hiddenSinceMs !== undefined) continue;
      const at = replica.staging ?? replica.shard;
      all.push([id, at.boot, at.sequence, at.floor]);
    }
    all.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    let after = "";
    for (let start = 0; start < all.length; start += this.#limits.vectorEntriesMax) {
      const entries = all.slice(start, start + this.#limits.vectorEntriesMax);
      const isLast = start + this.#limits.vectorEntriesMax >= all.length;
      const through = isLast ? END_OF_IDS : (entries.at(-1)?.[0] ?? END_OF_IDS);
      yield { type: "vector", range: { after, through }, entries };
      after = through;
    }
  }

  /** The next part of a shard for a replica at `have`, as others are told it. */
  #part(shard: Shard<V>, have: Position): Delta<V> {
    return shard.since(have, this.#limits, this.#tell) as Delta<V>;
  }

  #visible(owner: NodeId): Shard<V> | undefined {
    if (owner === this.#own.owner) return this.#own;
    const replica = this.#replicas.get(owner);
    return replica?.hiddenSinceMs === undefined ? replica?.shard : undefined;
  }

  *#visibleShards(): Generator<Shard<V>> {
    yield this.#own;
    for (const replica of this.#replicas.values()) {
      if (replica.hiddenSinceMs === undefined) yield replica.shard;
    }
  }

  /** Brings the index and the readers up to date with one write of a visible shard. */
  #note({ before, after }: Replacement<V>): void {
    const hadValue = before !== undefined && !before.deleted;
    if (hadValue) this.#claims.remove(before);
    if (!after.deleted) this.#claims.add(after);
    const { key, owner, boot } = after;
    const value = after.value as V;
    if (hadValue) {
      const previous = before.value as V;
      if (after.deleted) this.#changes.push({ type: "removed", key, previous, owner, boot });
      else if (before.sequence !== after.sequence) {
        this.#changes.push({ type: "changed", key, value, previous, owner, boot });
      }
    } else if (!after.deleted) this.#changes.push({ type: "added", key, value, owner, boot });
  }

  /** A visible entry is gone without a write: its shard was hidden, dropped or replaced. */
  #forget(entry: Entry<V>): void {
    this.#claims.remove(entry);
    const { key, owner, boot } = entry;
    this.#changes.push({ type: "removed", key, previous: entry.value as V, owner, boot });
  }
}
