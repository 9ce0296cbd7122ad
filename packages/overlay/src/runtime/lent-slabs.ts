/**
 * LentSlabs: the slabs in which links gather what they write, and the end of those nobody needs.
 *
 * Why: a link that has once been busy, if only while a cluster formed, has a slab of up to 96 KiB. With a thousand
 * links that was most of what a node held. So whoever has more than a quiet link keeps is looked at
 * now and then, and gives it up when it has written nothing since the last look.
 *
 * Invariants: a writer is here once, from when it takes a large slab until it has given it up; with
 * none of them no timer runs.
 */
import type { Clock, Timer } from "@foundation/core";
import { FRAME } from "../limits.js";
import type { BatchWriter, SlabMemory } from "../protocol/batch.js";
import type { MemoryPool } from "./memory-pool.js";

export class LentSlabs implements SlabMemory {
  readonly #clock: Clock;
  readonly #pool: MemoryPool;
  readonly #writers = new Set<BatchWriter>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(clock: Clock, pool: MemoryPool) {
    this.#clock = clock;
    this.#pool = pool;
  }

  take(bytes: number): Uint8Array {
    return this.#pool.take(bytes);
  }

  lent(to: BatchWriter): void {
    if (this.#closed) return;
    this.#writers.add(to);
    this.#arm();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#writers.clear();
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimer(FRAME.slabRestMs, () => {
      this.#timer = undefined;
      for (const writer of this.#writers) if (writer.rest()) this.#writers.delete(writer);
      if (this.#writers.size > 0) this.#arm();
    });
  }
}
