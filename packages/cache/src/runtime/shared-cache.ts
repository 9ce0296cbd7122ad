/**
 * SharedCache: a cache over the nodes of a cluster, as one node's callers use it.
 *
 * Values travel and are kept encoded: the limit of bytes is exact, and nobody can change what another reads. Only near
 * copies are decoded once for all callers of the node.
 */
import { assertDone, checkFunction, coreErrors, Encoded } from "@foundation/core";
import type { Duration } from "@foundation/core";
import type {
  Cache,
  CacheCallOptions,
  CacheEntry,
  CacheRecord,
  CacheStats,
  CacheTopology,
  SetOptions,
} from "../cache.js";
import type { Counters } from "../counters.js";
import { checkSharedKey, ttlOf, type Lifetime } from "../entry-times.js";
import { cacheErrors } from "../errors.js";
import { checkCallOptions, checkKeys, checkPairs, checkSetOptions } from "../given.js";
import { TIMEOUT_MS } from "../limits.js";
import { loadRecords } from "../load-records.js";
import { Computations } from "../local/computations.js";
import { freshOf, isFresh, parseFresh, textOfVersion, type Item } from "../protocol/item.js";
import { bucketOf } from "../protocol/key-hash.js";
import { nearEntry, type NearCopies, type NearQuestion } from "../protocol/near-copies.js";
import type { Replica } from "../protocol/replica.js";
import { NO_VERSION } from "../protocol/version.js";
import { deletionOf, type WriteOp } from "../protocol/write-op.js";
import { askMembers } from "./ask-members.js";
import { dumpRecords } from "./dump-records.js";
import { Leading, type Compute } from "./leading.js";
import { NearReads } from "./near-reads.js";
import { Patience } from "./patience.js";
import type { Reader } from "./reader.js";
import type { Standing } from "./standing.js";
import { TurnClock } from "./turn-clock.js";
import { Writing } from "./writing.js";
import type { World } from "./world.js";

export interface SharedCacheParts<V> {
  readonly world: World;
  readonly topology: CacheTopology;
  readonly replica: Replica;
  readonly standing: Standing;
  readonly reader: Reader;
  readonly counters: Counters;
  readonly lifetime: Lifetime;
  readonly near: NearCopies<V> | undefined;
  readonly nearTtlMs: number;
  /** Resolves when this node knows who else has the cache. */
  readonly joined: Promise<void>;
  readonly leave: () => Promise<void>;
}

/** Keys of a `getMany` in one request. */
const PAGE_KEYS = 512;

export class SharedCache<V> implements Cache<V> {
  readonly name: string;
  readonly topology: CacheTopology;
  readonly #parts: SharedCacheParts<V>;
  readonly #world: World;
  readonly #nearReads: NearReads<V>;
  readonly #writing: Writing;
  readonly #leading: Leading<V>;
  readonly #turn: TurnClock;
  /** None once the cache is closed: hits need not ask whether it is. */
  #near: NearCopies<V> | undefined;
  readonly #counters: Counters;
  readonly #computing = new Computations<V>();
  #isJoined = false;
  #closing: Promise<void> | undefined;

  constructor(parts: SharedCacheParts<V>) {
    this.#parts = parts;
    this.#world = parts.world;
    const { world, near, nearTtlMs } = parts;
    this.#nearReads = new NearReads(world, near, nearTtlMs);
    this.#writing = new Writing(parts);
    this.#leading = new Leading({ ...parts, writing: this.#writing, nearReads: this.#nearReads });
    this.#turn = new TurnClock(parts.world.clock);
    this.#near = parts.near;
    this.#counters = parts.counters;
    this.name = parts.world.name;
    this.topology = parts.topology;
    void parts.joined.then(() => {
      this.#isJoined = true;
    });
  }

  /** Short, so that all of a near hit is compiled as one piece: what is rarer is in `#lookAround`. */
  getNow(key: string): V | undefined {
    const copy = this.#near?.find(key);
    if (copy !== undefined && copy.expiresAtMs > this.#turn.seenMs) {
      this.#counters.localHits += 1;
      return copy.value;
    }
    return this.#lookAround(key);
  }

  #lookAround(key: string): V | undefined {
    if (this.#closing !== undefined) return undefined;
    const value = this.#atHand(key);
    if (value !== undefined) this.#countLocal();
    return value;
  }

  get(key: string, options?: CacheCallOptions): Promise<V | undefined> {
    const value = this.#atHand(key);
    if (value === undefined || this.#closing !== undefined) return this.#get(key, options);
    this.#countLocal();
    return Promise.resolve(value);
  }

  async getMany(keys: Iterable<string>, options?: CacheCallOptions): Promise<Map<string, V>> {
    checkKeys(keys);
    const patience = await this.#begin("many", options);
    const found = new Map<string, V>();
    const missing: string[] = [];
    for (const key of new Set(keys)) {
      checkSharedKey(key, this.#world.limits);
      const value = this.#atHand(key);
      if (value === undefined) missing.push(key);
      else {
        this.#countLocal();
        found.set(key, value);
      }
    }
    for (let from = 0; from < missing.length; from += PAGE_KEYS) {
      const page = missing.slice(from, from + PAGE_KEYS);
      const values = await this.#readValues(page, patience);
      for (const [index, key] of page.entries()) {
        const value = values[index];
        if (value !== undefined) found.set(key, value);
      }
    }
    return found;
  }

  async entry(key: string, options?: CacheCallOptions): Promise<CacheEntry<V> | undefined> {
    const patience = await this.#begin(key, options);
    const [item] = await this.#parts.reader.read([key], patience, false);
    if (item?.bytes === undefined) return undefined;
    const { version, freshForMs, staleForMs, tags, bytes } = item;
    const isEndless = freshForMs === Infinity;
    return {
      key,
      value: this.#nearReads.decode(bytes),
      version: textOfVersion(version),
      freshForMs: isEndless ? undefined : freshForMs,
      expiresInMs: isEndless ? undefined : freshForMs + staleForMs,
      tags,
      sizeBytes: bytes.length,
    };
  }

  async has(key: string, options?: CacheCallOptions): Promise<boolean> {
    const patience = await this.#begin(key, options);
    const [item] = await this.#parts.reader.read([key], patience, false);
    return isFresh(item);
  }

  async set(key: string, value: V, options: SetOptions = {}): Promise<void> {
    const patience = await this.#begin(key, options, checkSetOptions);
    this.#computing.supersede(key);
    await this.#writing.write(this.#writing.setOp(key, value, options), patience);
    this.#parts.counters.writes += 1;
  }

  async setMany(entries: Iterable<readonly [string, V]>, options: SetOptions = {}): Promise<void> {
    const results = await Promise.allSettled(
      checkPairs(entries).map(([key, value]) => this.set(key, value, options)),
    );
    for (const result of results) if (result.status === "rejected") throw result.reason as Error;
  }

  async delete(key: string, options?: CacheCallOptions): Promise<boolean> {
    const patience = await this.#begin(key, options);
    this.#computing.supersede(key);
    const [, existed] = await this.#writing.write(deletionOf(key), patience);
    this.#parts.counters.deletions += existed === true ? 1 : 0;
    return existed === true;
  }

  async touch(key: string, ttl?: Duration, options?: CacheCallOptions): Promise<boolean> {
    const patience = await this.#begin(key, options);
    const freshForMs = ttl === undefined ? this.#parts.lifetime.ttlMs : ttlOf(ttl);
    const op: WriteOp = { ...deletionOf(key), type: "touch", freshForMs, staleForMs: undefined };
    const [, existed] = await this.#writing.write(op, patience);
    return existed === true;
  }

  async getOrCompute(key: string, compute: Compute<V>, options: SetOptions = {}): Promise<V> {
    checkFunction("getOrCompute", "compute", compute);
    const value = this.#atHand(key);
    if (value !== undefined && this.#closing === undefined) {
      this.#countLocal();
      return value;
    }
    this.#admit(key, options, checkSetOptions);
    // How long is each caller's own: what runs for all ends when nobody waits any more.
    const { signal: _, timeout: __, ...shared } = options;
    const lead = (_isCurrent: () => boolean, signal: AbortSignal) =>
      this.#leading.lead(key, compute, { ...shared, signal });
    // What runs may have begun before a write that this caller must see: the primary knows, and has it wait or look again.
    const isAlone = this.#world.consistency === "quorum";
    return this.#computing.join(key, this.#world.clock, options, lead, isAlone);
  }

  async update(
    key: string,
    change: (current: V | undefined) => V | undefined,
    options: SetOptions = {},
  ): Promise<V | undefined> {
    checkFunction("update", "change", change);
    const patience = await this.#begin(key, options, checkSetOptions);
    const attempts = this.#world.limits.updateAttemptsMax;
    for (let attempt = 0; attempt < attempts; attempt++) {
      const [item] = await this.#parts.reader.read([key], patience, false);
      const isThere = item?.bytes !== undefined;
      const current = isThere && isFresh(item) ? this.#nearReads.decode(item.bytes) : undefined;
      const next = change(current);
      assertDone(next, { call: "update", of: `cache "${this.name}"`, done: "written" });
      const op = next === undefined ? deletionOf(key) : this.#writing.setOp(key, next, options);
      const expected = isThere ? item.version : NO_VERSION;
      const [type] = await this.#writing.write({ ...op, expected }, patience);
      if (type === "conflict") continue;
      this.#computing.supersede(key);
      this.#parts.counters.writes += 1;
      return next;
    }
    throw cacheErrors.ERR_CACHE_CONFLICT(
      `Others changed "${key.slice(0, 64)}" in the cache "${this.name}" ${attempts} times between reading and writing it; ` +
        "try again later, or let fewer writers share one key",
      { cache: this.name, attempts },
    );
  }

  async invalidateTag(tag: string, options?: CacheCallOptions): Promise<number> {
    const patience = await this.#begin(tag, options);
    this.#computing.supersedeAll();
    const replies = await askMembers(this.#world, "untag", [tag], patience);
    return replies.reduce<number>((sum, count) => sum + (typeof count === "number" ? count : 0), 0);
  }

  async clear(options?: CacheCallOptions): Promise<void> {
    const patience = await this.#begin("all", options);
    this.#computing.supersedeAll();
    await askMembers(this.#world, "clear", [], patience);
    // Only now: before, a near copy could have come from a primary that was not empty yet.
    await askMembers(this.#world, "near", [], patience);
  }

  dump(options?: CacheCallOptions): AsyncIterable<CacheRecord<V>> {
    return dumpRecords(this.#world, () => this.#begin("all", options));
  }

  load(
    records: Iterable<CacheRecord<V>> | AsyncIterable<CacheRecord<V>>,
    options: CacheCallOptions = {},
  ): Promise<number> {
    return loadRecords(this, records, options);
  }

  stats(): CacheStats {
    const { replica, near, counters } = this.#parts;
    const entries = replica.size + (near?.size ?? 0);
    return counters.read(entries, replica.sizeBytes + (near?.sizeBytes ?? 0));
  }

  close(): Promise<void> {
    this.#computing.supersedeAll();
    this.#near = undefined;
    this.#closing ??= this.#parts.leave();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A near copy, or this node's own one where that may be read. */
  #atHand(key: string): V | undefined {
    const { near, replica, standing, topology } = this.#parts;
    const copy = near?.find(key);
    if (copy !== undefined) {
      if (copy.expiresAtMs > this.#turn.now()) return copy.value;
      near?.expire(key);
    }
    if (this.#world.consistency === "quorum") return undefined;
    const bucket = bucketOf(key);
    if (!standing.serves(bucket)) return undefined;
    if (topology !== "replicated" && !standing.isPrimary(this.#world.self, bucket))
      return undefined;
    const nowMs = this.#turn.now();
    const held = replica.get(key, nowMs);
    if (held === undefined || held.freshUntilMs <= nowMs) return undefined;
    const value = this.#nearReads.decode(held.bytes);
    // This node sees each change of its own copies, and withdraws what was decoded of them.
    near?.keep(nearEntry(key, bucket, value, held.freshUntilMs, held.bytes.length));
    return value;
  }

  /** Asks for the value at once: the way that nearly every call goes has one promise besides the request's own. */
  #get(key: string, options: CacheCallOptions | undefined): Promise<V | undefined> {
    if (!this.#isJoined || this.#world.consistency === "quorum")
      return this.#getByItem(key, options);
    const { reader } = this.#parts;
    let patience: Patience;
    try {
      patience = this.#admit(key, options);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    const question = this.#nearReads.ask(key);
    return reader.get(key, question !== undefined, patience, patience.timeoutMs).then(
      (reply) => this.#got(question, reply),
      (failure: unknown) => this.#getAgain(key, question, patience, failure),
    );
  }

  async #getAgain(
    key: string,
    question: NearQuestion | undefined,
    patience: Patience,
    failure: unknown,
  ): Promise<V | undefined> {
    const { reader } = this.#parts;
    const isNear = question !== undefined;
    const ask = (leftMs: number) => reader.get(key, isNear, patience, leftMs);
    let reply: unknown;
    try {
      reply = await patience.insist(ask, true, failure);
    } catch (error) {
      this.#nearReads.settle(question, undefined);
      throw error;
    }
    return this.#got(question, reply);
  }

  /** What `Keeper.get` has answered, of this node or of another one. */
  #got(question: NearQuestion | undefined, reply: unknown): V | undefined {
    const value =
      question === undefined ? this.#valueOf(reply) : this.#nearValueOf(question, reply);
    if (value === undefined) this.#counters.misses += 1;
    else this.#counters.remoteHits += 1;
    return value;
  }

  #valueOf(reply: unknown): V | undefined {
    return reply instanceof Encoded
      ? this.#nearReads.decode(reply.bytes)
      : (reply as V | undefined);
  }

  #nearValueOf(question: NearQuestion, reply: unknown): V | undefined {
    const found = parseFresh(reply);
    this.#nearReads.settle(question, found);
    return found && this.#nearReads.valueOf(question.key, found.bytes);
  }

  /** The same where it has to be waited for first, or a quorum has to be asked. */
  async #getByItem(key: string, options: CacheCallOptions | undefined): Promise<V | undefined> {
    const patience = await this.#begin(key, options);
    const [value] = await this.#readValues([key], patience);
    return value;
  }

  async #readValues(
    keys: readonly string[],
    patience: Patience,
  ): Promise<readonly (V | undefined)[]> {
    const { reader, counters } = this.#parts;
    const reads = this.#nearReads;
    const questions = keys.map((key) => reads.ask(key));
    let items: readonly (Item | undefined)[] = [];
    try {
      items = await reader.read(keys, patience, reads.isNear);
    } finally {
      for (const [index, question] of questions.entries()) {
        reads.settle(question, freshOf(items[index]));
      }
    }
    return keys.map((key, index) => {
      const item = items[index];
      if (!isFresh(item)) {
        counters.misses += 1;
        return undefined;
      }
      counters.remoteHits += 1;
      return reads.valueOf(key, item.bytes);
    });
  }

  /** Once this node knows who else has the cache. */
  async #begin(
    key: string,
    options: CacheCallOptions | undefined,
    check = checkCallOptions,
  ): Promise<Patience> {
    const patience = this.#admit(key, options, check);
    if (!this.#isJoined) await patience.until(this.#parts.joined);
    return patience;
  }

  #admit(key: string, options: CacheCallOptions | undefined, check = checkCallOptions): Patience {
    if (this.#closing !== undefined) {
      throw coreErrors.ERR_CLOSED(`The cache "${this.name}" is closed on this node`, {
        what: this.name,
      });
    }
    checkSharedKey(key, this.#world.limits);
    check(this.name, options);
    if (options?.signal?.aborted === true) {
      const target = `the cache "${this.name}"`;
      throw coreErrors.ERR_ABORTED("The caller gave up before it began", { target });
    }
    return new Patience(this.#world, options, TIMEOUT_MS);
  }

  #countLocal(): void {
    this.#counters.localHits += 1;
  }
}
