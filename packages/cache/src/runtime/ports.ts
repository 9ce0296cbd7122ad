/** What shared caches need of their node. */
import { nodeRuntime } from "@foundation/core";
import type { Broadcast, Membership, Messenger, Runtime } from "@foundation/core";

export interface CachePorts {
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
  /** Clock, random, logger and meter; what is missing is Node's own. */
  readonly runtime?: Partial<Runtime> | undefined;
}

/** The ports with nothing missing. */
export interface ResolvedCachePorts extends CachePorts {
  readonly runtime: Pick<Runtime, "clock" | "random" | "logger" | "meter">;
}

export function resolvePorts<O extends CachePorts>(options: O): O & ResolvedCachePorts {
  return { ...options, runtime: nodeRuntime(options.runtime) };
}

/**
 * The committed lists of a cache's nodes, for `consistency: "quorum"`, as a node follows them: one list for each epoch.
 */
export interface EpochSource {
  /** The newest list this node knows; undefined: none was committed yet, or it is on its way. */
  current(): RingEpoch | undefined;
  /** Monotonic time (`Clock.now`) at which this node last began to ask whether that list is the newest, and it was. */
  confirmedAtMs(): number;
  /** Calls `listener` when a newer list is known; returns the function that ends it. */
  subscribe(listener: () => void): () => void;
}

export interface RingEpoch {
  /** Grows with each list. */
  readonly epoch: number;
  /** Starts of nodes, `seatOf` each: a node that started again is another one, since it has forgotten. */
  readonly members: readonly string[];
  /** The list of the epoch before, where it is known: whom entries are taken over from. */
  readonly previous?: readonly string[] | undefined;
}
