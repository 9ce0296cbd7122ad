/**
 * Leading: values that are computed once for all callers of a cluster.
 *
 * The primary of a key grants the computation to one node at a time and has the others look again. Where nobody can be
 * asked, the caller is served all the same, and nothing is kept.
 */
import { isFoundationError } from "@foundation/core";
import type { Cache, SetOptions } from "../cache.js";
import type { Counters } from "../counters.js";
import { TIMEOUT_MS } from "../limits.js";
import { freshOf, isFresh, parseItem, type Item } from "../protocol/item.js";
import type { WriteOp } from "../protocol/write-op.js";
import { fields, wireFailure } from "./keeper.js";
import type { NearReads } from "./near-reads.js";
import { Patience } from "./patience.js";
import type { Reader } from "./reader.js";
import { isPassing, type World } from "./world.js";
import type { Writing } from "./writing.js";

export type Compute<V> = Parameters<Cache<V>["getOrCompute"]>[1];

export interface LeadingParts<V> {
  readonly world: World;
  readonly reader: Reader;
  readonly writing: Writing;
  readonly nearReads: NearReads<V>;
  readonly counters: Counters;
  /** Resolves when this node knows who else has the cache. */
  readonly joined: Promise<void>;
}

/** After so many times of "look again" a caller is given the grant whatever the primary holds. */
const AGAINS_MAX = 3;

export class Leading<V> {
  readonly #parts: LeadingParts<V>;
  readonly #world: World;
  #isJoined = false;

  constructor(parts: LeadingParts<V>) {
    this.#parts = parts;
    this.#world = parts.world;
    void parts.joined.then(() => {
      this.#isJoined = true;
    });
  }

  /** Asks the primary until there is a value, or it is this node's turn to compute one. */
  async lead(key: string, compute: Compute<V>, options: SetOptions): Promise<V> {
    // Of who keeps the key, not of who computes: who waits for a computation asks again and again.
    let patience = new Patience(this.#world, options, TIMEOUT_MS);
    if (!this.#isJoined && !(await this.#hasJoined(patience))) {
      return this.#run(key, compute, 0, options);
    }
    for (let agains = 0; ; agains++) {
      let stale: Item | undefined;
      let reply: unknown;
      const question = this.#parts.nearReads.ask(key);
      let item: Item | undefined;
      try {
        if (this.#world.consistency === "quorum") {
          const [read] = await this.#parts.reader.read([key], patience, false);
          if (isFresh(read) && agains < AGAINS_MAX) return this.#hit(read);
          stale = read?.bytes === undefined ? undefined : read;
        }
        reply = await this.#askToLead(key, agains >= AGAINS_MAX, patience);
        item = parseItem(fields(reply)[0]);
      } catch (error) {
        if (isFoundationError(error, "ERR_TIMEOUT") && patience.isOver) {
          patience = new Patience(this.#world, options, TIMEOUT_MS);
          continue;
        }
        if (!isPassing(error)) throw error;
        // Who keeps the key cannot be reached: the caller is served all the same, and nothing is kept.
        return await this.#run(key, compute, 0, options);
      } finally {
        this.#parts.nearReads.settle(question, freshOf(item));
      }
      const [, token, isAgain] = fields(reply);
      if (isFresh(item)) return this.#hit(item);
      if (isAgain === true) continue;
      const old = item?.bytes === undefined ? stale : item;
      if (old?.bytes === undefined) return this.#run(key, compute, Number(token), options);
      if (Number(token) > 0) {
        this.#run(key, compute, Number(token), options).catch(() => undefined);
      }
      return this.#hit(old);
    }
  }

  /** False when it is not known in time who else has the cache. @throws {ERR_ABORTED} */
  async #hasJoined(patience: Patience): Promise<boolean> {
    try {
      await patience.until(this.#parts.joined);
      return true;
    } catch (error) {
      if (isFoundationError(error, "ERR_TIMEOUT")) return false;
      throw error;
    }
  }

  #askToLead(key: string, isForced: boolean, patience: Patience): Promise<unknown> {
    return patience.insist(async (leftMs, signal) => {
      const [primary, ring] = this.#parts.writing.primaryOf(key);
      const payload = [patience.viewOf(ring), key, isForced, this.#parts.nearReads.isNear];
      return this.#world.ask(primary, "lead", payload, leftMs, signal);
    });
  }

  /** Computes, and with a grant has the result kept, unless newer data came meanwhile. */
  async #run(key: string, compute: Compute<V>, token: number, options: SetOptions): Promise<V> {
    const { counters } = this.#parts;
    counters.misses += 1;
    counters.computations += 1;
    const { signal = this.#world.closed } = options;
    let value: V;
    let op: WriteOp;
    try {
      value = await compute({ key, signal });
      op = { ...this.#parts.writing.setOp(key, value, options), token };
    } catch (error) {
      if (token > 0) this.#tellFailure(key, token, signal.aborted ? null : wireFailure(error));
      throw error;
    }
    if (token <= 0) return value;
    try {
      // The caller has its value: whether it could be kept is not its business.
      await this.#parts.writing.write(op, new Patience(this.#world, undefined, TIMEOUT_MS));
      counters.writes += 1;
    } catch (error) {
      this.#world.logger.debug("What was computed for a cache could not be kept", {
        cache: this.#world.name,
        error,
      });
    }
    return value;
  }

  /** `failure`: null where the callers here gave up, which is no reason for those on other nodes to be told. */
  #tellFailure(key: string, token: number, failure: unknown): void {
    const [primary, ring] = this.#parts.writing.primaryOf(key);
    const payload = [ring.number, key, token, failure];
    // Where it does not arrive, the grant runs out.
    this.#world.ask(primary, "fail", payload, TIMEOUT_MS).catch(() => undefined);
  }

  #hit(item: Item): V {
    this.#parts.counters.remoteHits += 1;
    return this.#parts.nearReads.decode(item.bytes ?? new Uint8Array());
  }
}
