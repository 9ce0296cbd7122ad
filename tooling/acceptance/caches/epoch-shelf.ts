/**
 * EpochShelf: where the lists of a cache's nodes are committed in worlds that are wired by hand. It stands outside of the
 * nodes, is linearizable, and is reached by a node only while that one reaches more than half of all: what a group of
 * consensus is to its clients. An answer that is not heard leaves the outcome unknown.
 */
import type { EpochStore, RingEpoch } from "@foundation/cache";
import { coreErrors, type Clock } from "@foundation/core";

const WAY_MS = 1.5;
const TIMEOUT_MS = 5_000;

export class EpochShelf {
  readonly #lists = new Map<string, RingEpoch>();
  readonly #reaches: (node: string) => boolean;

  constructor(reaches: (node: string) => boolean) {
    this.#reaches = reaches;
  }

  /** The store as one start of a node has it. */
  storeOf(node: string, cache: string, clock: Clock): EpochStore {
    const pass = () => this.#pass(node, clock);
    return {
      read: async () => {
        await pass();
        const newest = this.#lists.get(cache);
        await pass();
        return newest;
      },
      replace: async (expected, next) => {
        await pass();
        const isNext = (this.#lists.get(cache)?.epoch ?? 0) === expected;
        if (isNext) this.#lists.set(cache, next);
        await pass();
        return isNext;
      },
    };
  }

  async #pass(node: string, clock: Clock): Promise<void> {
    await clock.sleep(WAY_MS);
    if (this.#reaches(node)) return;
    await clock.sleep(TIMEOUT_MS);
    const details = { timeoutMs: TIMEOUT_MS, target: "the store" };
    throw coreErrors.ERR_TIMEOUT("The store was not reached", details);
  }
}
