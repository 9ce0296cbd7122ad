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
import type { ClaimIndex } from "./claims.js";
import type { OwnedEffect, OwnedInput } from "./inputs.js";
import { Introductions } from "./introductions.js";
import type { Delta, OwnedMessage, Pull, Vector } from "./messages.js";
import { Replicas, type Replica } from "./replicas.js";
import { fits, Shard } from "./shard.js";
import type { Entry, Position, Tell } from "./shard.js";
import { placeOf, vectorsOf } from "./vectors.js";
import { View } from "./view.js";

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
  readonly #view = new View<V>();
  readonly #replicas: Replicas<V>;
  readonly #members = new Map<NodeId, Boot>();
  readonly #introductions = new Introductions();
  /** Our own writes up to here were broadcast. */
  #announced = 0;
  #effects: OwnedEffect<V>[] = [];

  constructor(options: OwnedStateOptions<V>) {
    this.#own = new Shard(options.self.id, options.self.boot, options.ended);
    this.#announced = this.#own.sequence;
    this.#limits = options.limits;
    this.#replicas = new Replicas(options.limits.hiddenShardsMax);
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
    return this.#view.claims;
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
    const replica = this.#replicas.visible(owner);
    if (replica === undefined) return false;
    return replica.firstTold !== undefined && replica.shard.sequence >= replica.firstTold;
  }

  handle(input: OwnedInput<V>, now: number): readonly OwnedEffect<V>[] {
    invariant(this.#effects.length === 0, "inputs are handled one at a time");
    switch (input.type) {
      case "set":
        this.#view.note(this.#own.write(input.key, input.value, false));
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
    const changes = this.#view.takeChanges();
    if (changes.length > 0) this.#effects.push({ type: "changes", changes });
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #delete(key: string): void {
    if (this.own(key) === undefined) return;
    this.#view.note(this.#own.write(key, undefined, true));
    if (this.#own.tombstones > this.#limits.tombstonesMax) {
      this.#own.compact(this.#own.halfOfTombstones());
    }
  }

  /** Tells it at once: as no other delta, it begins at zero and so fits nowhere but as a whole. */
  #clear(): void {
    if (this.#own.sequence === 0) return;
    this.#view.hide(this.#own);
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
    for (const replacement of shard.merge(delta)) this.#view.note(replacement);
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

  /** The whole shard is here: it takes the old one's place. */
  #replace(replica: Replica<V>, whole: Shard<V>): void {
    this.#view.replace(replica.shard, whole);
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
    const made = this.#replicas.make(owner, boot);
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
    else if (replica !== undefined && this.#replicas.unhide(replica))
      this.#view.show(replica.shard);
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
    this.#view.hide(replica.shard);
    this.#replicas.hide(id, replica, now);
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
    if (replica.hiddenSinceMs === undefined) this.#view.hide(replica.shard);
    this.#replicas.discard(id);
  }

  #tick(peer: NodeId | undefined, now: number): void {
    this.#replicas.discardHiddenSince(now - this.#tombstoneMs);
    if (peer === undefined || !this.#members.has(peer) || this.#isBlank()) return;
    const places = [placeOf(this.#own)];
    for (const { staging, shard } of this.#replicas.allVisible())
      places.push(placeOf(staging ?? shard));
    for (const message of vectorsOf(places, this.#limits.vectorEntriesMax)) {
      this.#effects.push({ type: "send", to: peer, message });
    }
  }

  /** Nothing was ever written, as far as is known here: there is nothing to compare. */
  #isBlank(): boolean {
    return this.#own.sequence === 0 && this.#replicas.areBlank();
  }

  #ownVector(hello: boolean): Vector {
    return { type: "vector", hello, entries: [placeOf(this.#own)] };
  }

  /** The next part of a shard for a replica at `have`, as others are told it. */
  #part(shard: Shard<V>, have: Position): Delta<V> {
    return shard.since(have, this.#limits, this.#tell) as Delta<V>;
  }

  #visible(owner: NodeId): Shard<V> | undefined {
    if (owner === this.#own.owner) return this.#own;
    return this.#replicas.visible(owner)?.shard;
  }

  *#visibleShards(): Generator<Shard<V>> {
    yield this.#own;
    for (const { shard } of this.#replicas.allVisible()) yield shard;
  }
}
