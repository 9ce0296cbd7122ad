/**
 * NearReads: what other nodes answer, decoded for the callers of this one, and kept near where a cache does that.
 */
import type { Codec } from "@foundation/core";
import type { Fresh } from "../protocol/item.js";
import { bucketOf } from "../protocol/key-hash.js";
import { nearEntry, type NearCopies, type NearQuestion } from "../protocol/near-copies.js";
import type { World } from "./world.js";

export class NearReads<V> {
  readonly #world: World;
  readonly #codec: Codec;
  readonly #near: NearCopies<V> | undefined;
  readonly #ttlMs: number;

  /** @param ttlMs the longest that a copy is believed */
  constructor(world: World, near: NearCopies<V> | undefined, ttlMs: number) {
    this.#world = world;
    this.#codec = world.codec;
    this.#near = near;
    this.#ttlMs = ttlMs;
  }

  get isNear(): boolean {
    return this.#near !== undefined;
  }

  /** To be called before the key is asked for; undefined where nothing is kept near. */
  ask(key: string): NearQuestion | undefined {
    return this.#near?.ask(key);
  }

  /** To be called once with each question, whatever became of it. */
  settle(question: NearQuestion | undefined, found: Fresh | undefined): void {
    if (question === undefined) return;
    const isKept = found !== undefined && !question.isDirty;
    this.#near?.settle(question, isKept ? this.#entryOf(question.key, found) : undefined);
  }

  /** The value that was just settled: the kept one, or decoded for this caller alone. */
  valueOf(key: string, bytes: Uint8Array): V {
    return this.#near?.find(key)?.value ?? this.decode(bytes);
  }

  decode(bytes: Uint8Array): V {
    return this.#codec.decode(bytes) as V;
  }

  #entryOf(key: string, { bytes, freshForMs }: Fresh) {
    const expiresAtMs = this.#world.clock.now() + Math.min(this.#ttlMs, freshForMs);
    return nearEntry(key, bucketOf(key), this.decode(bytes), expiresAtMs, bytes.length);
  }
}
