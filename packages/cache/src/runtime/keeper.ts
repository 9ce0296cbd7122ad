/**
 * Keeper: what a node does for the keys it keeps: it answers reads, orders writes where it is the primary, has them copied
 * to the other owners before it acknowledges them, withdraws near copies, and says who may compute.
 *
 * Invariants: only the primary gives versions; a write is applied here before it is sent anywhere; nothing is served of a
 * bucket that is not warm, that is, of which this node may lack what was acknowledged before it became an owner.
 */
import { Encoded, fromWireError, toWireError } from "@foundation/core";
import type { NodeId } from "@foundation/core";
import { Flights } from "../protocol/flights.js";
import {
  isTexts,
  parseItem,
  parseVersion,
  wireOf,
  wireOfFresh,
  wireVersion,
  type Item,
  type WireFresh,
} from "../protocol/item.js";
import { bucketOf } from "../protocol/key-hash.js";
import { NearBook } from "../protocol/near-copies.js";
import { deleted, itemOf, type Held, type Replica } from "../protocol/replica.js";
import {
  compareVersions,
  nextHybrid,
  nextInEpoch,
  NO_VERSION,
  type Version,
} from "../protocol/version.js";
import {
  deletionOf,
  isFree,
  parseOp,
  type WriteOp,
  type WriteResult,
} from "../protocol/write-op.js";
import type { Copies } from "./copies.js";
import type { Standing } from "./standing.js";
import { checkTimely, malformed, unavailable, type World } from "./world.js";
import { coreErrors } from "@foundation/core";

/** Somebody who waits for a computation. */
interface Waiter {
  readonly node: string;
  /** With a token: it is its turn to compute. */
  readonly settle: (token: number | undefined, failure?: Error) => void;
}

/** What `lead` answers: the entry, a grant, both (a stale entry, to be computed anew), or to look again. */
export type LeadReply = readonly [item: unknown, token: number, isAgain: boolean];

export interface KeeperOptions {
  readonly world: World;
  readonly replica: Replica;
  readonly standing: Standing;
  readonly copies: Copies;
  /** A grant lasts this long; then another caller may compute. */
  readonly computeMs: number;
}

export class Keeper {
  readonly #world: World;
  readonly #replica: Replica;
  readonly #standing: Standing;
  readonly #copies: Copies;
  readonly #computeMs: number;
  readonly #flights: Flights<Waiter>;
  readonly #book: NearBook;

  constructor({ world, replica, standing, copies, computeMs }: KeeperOptions) {
    this.#world = world;
    this.#replica = replica;
    this.#standing = standing;
    this.#copies = copies;
    this.#computeMs = computeMs;
    const { limits } = world;
    this.#book = new NearBook(limits.nearKeysMax);
    this.#flights = new Flights({
      flightsMax: limits.flightsMax,
      waitersMax: limits.flightWaitersMax,
      tagFloorsMax: limits.tagFloorsMax,
    });
  }

  /**
   * `[epoch, key]` → the value itself where one is fresh, otherwise undefined, which no value is. `[epoch, key, true]`, of who
   * will keep a near copy → `[bytes, freshForMs]` or undefined.
   */
  get(payload: unknown, from: NodeId): unknown {
    const [epoch, key, isNear] = fields(payload);
    if (typeof key !== "string") throw malformed(this.#world.name, "get");
    this.#standing.check(epoch);
    const bucket = bucketOf(key);
    const near = isNear === true ? from : undefined;
    if (this.#standing.serves(bucket)) return this.#getNow(key, near);
    return this.#standing.warm([bucket]).then(() => {
      this.#checkServes(bucket);
      return this.#getNow(key, near);
    });
  }

  /** `[epoch, keys, isNear]` → for each key `[item or null, floor]`. */
  read(payload: unknown, from: NodeId): unknown {
    const [epoch, keys, isNear] = fields(payload);
    if (!isTexts(keys)) throw malformed(this.#world.name, "read");
    this.#standing.check(epoch);
    const cold = keys.find((key) => !this.#standing.serves(bucketOf(key)));
    if (cold === undefined) return this.#readNow(keys, isNear === true ? from : undefined);
    return this.#standing
      .warm(keys.map(bucketOf))
      .then(() => this.#readNow(keys, isNear === true ? from : undefined));
  }

  /** `[epoch, op]` → `[type, existed]`. */
  async write(payload: unknown): Promise<unknown> {
    const [epoch, wire] = fields(payload);
    const op = parseOp(wire);
    if (op === undefined) throw malformed(this.#world.name, "write");
    this.#standing.check(epoch);
    await this.#lead(op.key);
    const result = await this.#commit(op);
    return [result.type, result.type === "done" && result.existed];
  }

  /** `[epoch, key, isForced, isNear]` → LeadReply. */
  async lead(payload: unknown, from: NodeId, signal?: AbortSignal): Promise<LeadReply> {
    const [epoch, key, isForced, isNear] = fields(payload);
    if (typeof key !== "string") throw malformed(this.#world.name, "lead");
    this.#standing.check(epoch);
    await this.#lead(key);
    const nowMs = this.#world.clock.now();
    const held = this.#replica.get(key, nowMs);
    const isFresh = held !== undefined && held.freshUntilMs > nowMs;
    // Of a quorum no single node says what is there: who asks reads again.
    const item =
      held !== undefined && this.#world.consistency === "eventual"
        ? wireOf(itemOf(held, nowMs))
        : null;
    if (isFresh && isForced !== true) {
      if (isNear === true) this.#noteNear(key, from);
      return item === null ? [null, 0, true] : [item, 0, false];
    }
    return this.#join(key, from, held, item, signal);
  }

  /** `[epoch, key, token, error]`: a computation failed; all who wait are told. Null: it was given up; the next computes. */
  fail(payload: unknown): unknown {
    const [, key, token, error] = fields(payload);
    if (typeof key !== "string" || typeof token !== "number") {
      throw malformed(this.#world.name, "fail");
    }
    if (error === null) {
      const nowMs = this.#world.clock.now();
      const next = this.#flights.giveUp(key, token, nowMs, this.#computeMs);
      next?.waiter.settle(next.token);
      return null;
    }
    const failure = fromWireError(error);
    for (const waiter of this.#flights.end(key, token)) waiter.settle(undefined, failure);
    return null;
  }

  /** `[epoch, items]` from the primary, or from a reader of a quorum → true, or the version that is in the way. */
  copy(payload: unknown, from: NodeId): unknown {
    const [epoch, wires] = fields(payload);
    this.#standing.check(epoch);
    const items = parseItems(wires);
    if (items === undefined) throw malformed(this.#world.name, "copy");
    checkTimely(this.#world, items.map(versionOf));
    const { name, consistency } = this.#world;
    for (const item of items) {
      const bucket = bucketOf(item.key);
      if (consistency === "eventual" && !this.#standing.isPrimary(from, bucket)) {
        throw unavailable(name, "this node sees another primary of the key");
      }
      const known = this.#replica.item(item.key, this.#world.clock.now());
      if (this.#replica.apply(item, this.#world.clock.now())) continue;
      const inTheWay = known?.version ?? this.#replica.floor(bucket);
      const isAbove = compareVersions(inTheWay, item.version) > 0;
      const isOwn = consistency === "quorum" && inTheWay.writer === item.version.writer;
      if (isAbove && !isOwn) return wireVersion(inTheWay);
    }
    return true;
  }

  /**
   * `[epoch, items]` of a repair, from whoever held them: taken where they are newer. `[epoch, items, [bucket, deleted, keys]]`:
   * and all else of the bucket is given up to the version `deleted`, but for the keys.
   */
  mend(payload: unknown): unknown {
    const [, wires, wireDeleted] = fields(payload);
    const items = parseItems(wires);
    if (items === undefined) throw malformed(this.#world.name, "mend");
    checkTimely(this.#world, items.map(versionOf));
    const nowMs = this.#world.clock.now();
    for (const item of items) this.#replica.apply(item, nowMs);
    if (wireDeleted === undefined) return true;
    const [bucket, version, keys] = fields(wireDeleted);
    const deleted = parseVersion(version);
    if (deleted === undefined || !this.#standing.isBucket(bucket) || !isTexts(keys)) {
      throw malformed(this.#world.name, "mend");
    }
    checkTimely(this.#world, [deleted]);
    this.#replica.giveUp(bucket, new Set(keys), deleted);
    return true;
  }

  /** `[epoch, tag]` → how many entries this node had deleted. */
  async untag(payload: unknown): Promise<unknown> {
    const [epoch, tag] = fields(payload);
    if (typeof tag !== "string") throw malformed(this.#world.name, "untag");
    this.#standing.check(epoch);
    this.#flights.invalidate(tag);
    const existed = await Promise.all(
      this.#replica.tagged(tag).map((key) => this.#deleteSomewhere(key)),
    );
    return existed.filter(Boolean).length;
  }

  /** `[epoch]`: empties the buckets this node is the primary of. */
  async clear(payload: unknown): Promise<unknown> {
    const [epoch] = fields(payload);
    this.#standing.check(epoch);
    for (const waiter of this.#flights.supersedeAll()) waiter.settle(undefined);
    const buckets = this.#standing.primaryOf();
    await this.#standing.warm(buckets);
    // Others may lead some of them since.
    this.#standing.check(epoch);
    const wiped = buckets.map((bucket) => {
      const version = this.#nextVersion(bucket);
      this.#replica.giveUp(bucket, new Set(), version);
      return [bucket, version] as const;
    });
    await this.#copies.wipe(wiped);
    return true;
  }

  /** `[epoch, [bucket, version][]]` from the primary: everything up to the version is gone. */
  wipe(payload: unknown): unknown {
    const [epoch, wires] = fields(payload);
    this.#standing.check(epoch);
    if (!Array.isArray(wires)) throw malformed(this.#world.name, "wipe");
    for (const wire of wires as unknown[]) {
      const [bucket, wireFloor] = fields(wire);
      const floor = parseVersion(wireFloor);
      if (floor === undefined || !this.#standing.isBucket(bucket)) {
        throw malformed(this.#world.name, "wipe");
      }
      checkTimely(this.#world, [floor]);
      this.#replica.giveUp(bucket, new Set(), floor);
    }
    return true;
  }

  /** A node is gone: what it computed, the next in line computes. */
  lost(node: NodeId): void {
    const nowMs = this.#world.clock.now();
    for (const { waiter, token } of this.#flights.lost(node, nowMs, this.#computeMs)) {
      waiter.settle(token);
    }
  }

  /** The ring has changed: who waits here for a key of another node's must ask there. */
  release(): void {
    for (const waiter of this.#flights.supersedeAll()) waiter.settle(undefined);
  }

  #readNow(keys: readonly string[], near: NodeId | undefined): unknown {
    const nowMs = this.#world.clock.now();
    return keys.map((key) => {
      const bucket = bucketOf(key);
      this.#checkServes(bucket);
      // Counted as used, since it is.
      const held = this.#replica.get(key, nowMs);
      const item = held === undefined ? this.#replica.item(key, nowMs) : itemOf(held, nowMs);
      if (near !== undefined && held !== undefined) this.#noteNear(key, near);
      return [item === undefined ? null : wireOf(item), wireVersion(this.#replica.floor(bucket))];
    });
  }

  #getNow(key: string, near: NodeId | undefined): Encoded | WireFresh | undefined {
    const nowMs = this.#world.clock.now();
    const held = this.#replica.get(key, nowMs);
    if (held === undefined || held.freshUntilMs <= nowMs) return undefined;
    if (near === undefined) return new Encoded(held.bytes);
    this.#noteNear(key, near);
    return wireOfFresh(held.bytes, held.freshUntilMs - nowMs);
  }

  #checkServes(bucket: number): void {
    if (this.#standing.serves(bucket)) return;
    throw unavailable(this.#world.name, "this node does not keep the key");
  }

  #noteNear(key: string, node: NodeId): void {
    const displaced = this.#book.note(key, node);
    if (displaced === undefined) return;
    void this.#copies.withdraw(displaced.key, displaced.nodes);
  }

  /** Resolves when this node may act as the key's primary. */
  async #lead(key: string): Promise<void> {
    const bucket = bucketOf(key);
    if (!this.#standing.serves(bucket)) await this.#standing.warm([bucket]);
    if (this.#standing.isPrimary(this.#world.self, bucket)) return;
    throw unavailable(this.#world.name, "this node is not the primary of the key");
  }

  /** Applies, copies, withdraws; then tells who waited. Nothing is awaited before the entry is in place. */
  async #commit(op: WriteOp): Promise<WriteResult> {
    const nowMs = this.#world.clock.now();
    const current = this.#replica.get(op.key, nowMs);
    if (op.token !== 0 && !this.#flights.mayFill(op.key, op.token, op.tags)) {
      for (const waiter of this.#flights.end(op.key, op.token)) waiter.settle(undefined);
      return { type: "superseded" };
    }
    if (op.expected !== undefined && !isExpected(op, current)) return { type: "conflict" };
    const existed = current !== undefined;
    if (op.type === "touch" && current === undefined) return { type: "done", existed };
    let item = this.#itemOf(op, current);
    this.#replica.apply(item, nowMs);
    const waiters = this.#flights.supersede(op.key);
    try {
      const withdrawn = this.#copies.withdraw(op.key, this.#book.take(op.key));
      for (;;) {
        const inTheWay = await this.#copies.spread(item);
        if (inTheWay === undefined || this.#isReplaced(item)) break;
        // Another node took itself for the primary, or this one did before it started again, with a clock ahead: go above.
        this.#replica.see(bucketOf(op.key), inTheWay);
        item = { ...item, version: this.#nextVersion(bucketOf(op.key)) };
        this.#replica.apply(item, nowMs);
      }
      await withdrawn;
    } finally {
      for (const waiter of waiters) waiter.settle(undefined);
    }
    return { type: "done", existed };
  }

  /** True when the key was written here again since: the copies of that one count. */
  #isReplaced({ key, version }: Item): boolean {
    const known = this.#replica.item(key, this.#world.clock.now());
    return known !== undefined && compareVersions(known.version, version) > 0;
  }

  #itemOf(op: WriteOp, current: Held | undefined): Item {
    const { key } = op;
    const version = this.#nextVersion(bucketOf(key));
    if (op.type === "delete") return deleted(key, version);
    if (op.type === "set" && op.bytes !== undefined) {
      const { bytes, freshForMs, staleForMs = 0, tags } = op;
      return { key, version, bytes, freshForMs, staleForMs, tags };
    }
    if (current === undefined) throw unavailable(this.#world.name, "there is nothing to touch");
    const { bytes, tags, expiresAtMs, freshUntilMs } = current;
    const staleForMs = expiresAtMs === Infinity ? 0 : expiresAtMs - freshUntilMs;
    return { key, version, bytes, freshForMs: op.freshForMs, staleForMs, tags };
  }

  #nextVersion(bucket: number) {
    const { clock, self, consistency, ring } = this.#world;
    const seen = this.#replica.top(bucket);
    if (consistency === "eventual") return nextHybrid(seen, clock.wallNow(), self);
    return nextInEpoch(ring()?.number ?? 0, seen, self);
  }

  #join(
    key: string,
    node: NodeId,
    held: Held | undefined,
    item: unknown,
    signal: AbortSignal | undefined,
  ): LeadReply | Promise<LeadReply> {
    if (held !== undefined && this.#flights.isUnderWay(key, this.#world.clock.now())) {
      return [item, 0, false];
    }
    const target = `the computation of "${key.slice(0, 64)}"`;
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(coreErrors.ERR_ABORTED("The caller waits no longer", { target }));
        return;
      }
      const waiter: Waiter = {
        node,
        settle: (token, failure) => {
          signal?.removeEventListener("abort", onAbort);
          if (failure !== undefined) reject(failure);
          else resolve(token === undefined ? [null, 0, true] : [null, token, false]);
        },
      };
      const onAbort = () => {
        this.#flights.leave(key, waiter);
        reject(coreErrors.ERR_ABORTED("The caller waits no longer", { target }));
      };
      const nowMs = this.#world.clock.now();
      const joined = this.#flights.join(key, waiter, nowMs, this.#computeMs);
      if (joined.type === "waiting") signal?.addEventListener("abort", onAbort, { once: true });
      // Too many: it may compute, and nothing is kept of it.
      else resolve([item, joined.type === "granted" ? joined.token : -1, false]);
    });
  }

  /** Deletes a key here or where its primary is. */
  async #deleteSomewhere(key: string): Promise<boolean> {
    const bucket = bucketOf(key);
    if (!this.#standing.isPrimary(this.#world.self, bucket)) {
      return this.#copies.deleteAt(deletionOf(key));
    }
    const result = await this.#commit(deletionOf(key));
    return result.type === "done" && result.existed;
  }
}

function isExpected({ expected = NO_VERSION }: WriteOp, current: Held | undefined): boolean {
  if (current === undefined) return isFree(expected);
  return compareVersions(current.version, expected) === 0;
}

function versionOf({ version }: Item): Version {
  return version;
}

function parseItems(wires: unknown): readonly Item[] | undefined {
  if (!Array.isArray(wires)) return undefined;
  const items = wires.map(parseItem);
  return items.every((item) => item !== undefined) ? items : undefined;
}

export function fields(payload: unknown): readonly unknown[] {
  return Array.isArray(payload) ? payload : [];
}

/** An error as it goes to the primary of a computation. */
export function wireFailure(error: unknown): unknown {
  return toWireError(error);
}
