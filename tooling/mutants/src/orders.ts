/** Orders: what hunter and player say to each other across the border of their processes. */

import type { Swarm } from "../../acceptance/simulation/swarm.js";

/** One run. */
export interface Game {
  readonly seed: string;
  /** In the place of what the seed draws. */
  readonly swarm?: Partial<Swarm> | undefined;
  /** A group of consensus cores with so many voters, and not the whole stack. */
  readonly voters?: number;
  /** Replicated state of all types, and not the whole stack. */
  readonly isState?: boolean;
  /** Distributed processes, and not the whole stack. */
  readonly isProcesses?: boolean;
  /** Caches, and not the whole stack. */
  readonly isCaches?: boolean;
}

/** What the player is asked to do. */
export interface Orders {
  /** The name of the mutant that must be planted; undefined: none may be. */
  readonly planted: string | undefined;
  readonly games: readonly Game[];
  readonly nodesMin: number;
  readonly nodesMax: number;
  readonly forMs: number;
  /** No further seed is begun after so much processor time. */
  readonly budgetMs: number;
  /** A seed that takes longer does not end: a violation. */
  readonly seedMsMax: number;
  /** Goes on after a violation. */
  readonly all: boolean;
}

/** What the player tells: a line for each seed. */
export interface Line {
  readonly seed: string;
  /** Which check was violated, and by what; undefined when every check held. */
  readonly violation: string | undefined;
  /** Processor time in milliseconds. */
  readonly cpuMs: number;
}

/** Where the environment carries the orders. */
export const ORDERS = "MUTANT_ORDERS";
