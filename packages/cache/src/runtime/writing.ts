/**
 * Writing: the changes a node's callers ask for, sent to the primary of their key until it has answered.
 *
 * Invariant: when a write has been answered, this node has no near copy of the key from before it.
 */
import type { NodeId } from "@foundation/core";
import type { SetOptions } from "../cache.js";
import { checkTags, checkValue, lifetimeOf, type Lifetime } from "../entry-times.js";
import { cacheErrors } from "../errors.js";
import { bucketOf } from "../protocol/key-hash.js";
import type { Replica } from "../protocol/replica.js";
import type { Ring } from "../protocol/ring.js";
import { deletionOf, wireOfOp, type WriteOp } from "../protocol/write-op.js";
import { fields } from "./keeper.js";
import type { Patience } from "./patience.js";
import { unavailable, type World } from "./world.js";

export interface WritingParts {
  readonly world: World;
  readonly replica: Replica;
  readonly lifetime: Lifetime;
  readonly near: { withdraw(key: string): void } | undefined;
}

export class Writing {
  readonly #parts: WritingParts;
  readonly #world: World;

  constructor(parts: WritingParts) {
    this.#parts = parts;
    this.#world = parts.world;
  }

  async write(op: WriteOp, patience: Patience): Promise<readonly unknown[]> {
    const wire = wireOfOp(op);
    const reply = await patience.insist(async (leftMs, signal) => {
      const [primary, ring] = this.primaryOf(op.key);
      return this.#world.ask(primary, "write", [patience.viewOf(ring), wire], leftMs, signal);
    }, false);
    this.#parts.near?.withdraw(op.key);
    return fields(reply);
  }

  /** @throws {ERR_CACHE_ENTRY_TOO_LARGE} and for what cannot be encoded */
  setOp(key: string, value: unknown, options: SetOptions): WriteOp {
    checkValue(value);
    const { limits, codec } = this.#world;
    const { tags = [] } = options;
    checkTags(tags, limits);
    const { ttlMs, staleForMs } = lifetimeOf(options, this.#parts.lifetime);
    const bytes = codec.encode(value);
    if (bytes.length > limits.entryBytesMax || this.#parts.replica.isTooLarge(key, bytes.length)) {
      const sizeBytes = bytes.length;
      throw cacheErrors.ERR_CACHE_ENTRY_TOO_LARGE(
        `The entry "${key.slice(0, 64)}" of the cache "${this.#world.name}" has ${sizeBytes} bytes, more than one entry may have ` +
          "(limits.entryBytesMax, and maxBytes); store less under one key, or raise the limit",
        { cache: this.#world.name, sizeBytes },
      );
    }
    return { ...deletionOf(key), type: "set", bytes, freshForMs: ttlMs, staleForMs, tags };
  }

  primaryOf(key: string): readonly [NodeId, Ring] {
    const ring = this.#world.ring();
    const primary = ring?.primary(bucketOf(key));
    if (ring === undefined || primary === undefined) {
      throw unavailable(this.#world.name, "nobody keeps the key");
    }
    return [primary, ring];
  }
}
