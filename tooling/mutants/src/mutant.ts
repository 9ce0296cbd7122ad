/** Mutant: one realistic bug, as a change of one source file that is made while the file is loaded. */

import type { Swarm } from "../../acceptance/simulation/swarm.js";

/** A part of the file, which must occur exactly once, and what stands there instead. */
export interface Edit {
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  /** Kebab case; part of the seeds it is hunted with. */
  readonly name: string;
  /** The source file, from the root of the repository. */
  readonly file: string;
  readonly edits: readonly Edit[];
  /** What a tired engineer would have done, and thought. */
  readonly bug: string;
  /** The promise that breaks. */
  readonly breaks: string;
  /** The weather it is hunted in, where what the seed draws would show the race too seldom. */
  readonly swarm?: Partial<Swarm>;
  /**
   * What is played: the whole stack, groups of consensus cores of 3, 5 and 7 voters in turn, replicated state of all
   * types, distributed processes, or caches.
   *
   * @default "stack"
   */
  readonly game?: "stack" | "consensus" | "state" | "processes" | "caches";
  /** Set where the simulator is known not to find it: what it would have to see. */
  readonly missed?: string;
}
