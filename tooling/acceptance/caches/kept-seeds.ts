/** Kept seeds: worlds of caches that failed once, with what they found. Each is played again by the tests. */
import type { PlayCachesOptions } from "./play-caches.js";

export interface KeptSeed extends PlayCachesOptions {
  /** One sentence: what was wrong. */
  readonly found: string;
}

const SIZE = { nodesMin: 3, nodesMax: 5, forMs: 15_000 };

export const keptSeeds: readonly KeptSeed[] = [
  {
    ...{ seed: "c-5", ...SIZE },
    found:
      "copies that stayed for ever with a node that was an owner for a moment; and a clear that was acknowledged though " +
      "who took over from a node that left had been asked before it did",
  },
  {
    ...{ seed: "c-42", ...SIZE },
    found:
      "a quorum's caller who was given what another caller of its node had begun to compute before a newer write",
  },
  {
    ...{ seed: "c-131", ...SIZE },
    found:
      "a primary that had started again and gave versions below what the other owners had given up: its copies were refused " +
      "and counted as taken, so that its crash lost what was acknowledged",
  },
];
