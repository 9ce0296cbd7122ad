/** What the processes of the formation suite and their parent tell each other. */
import type { Place } from "./contestant.js";

/** The one argument of a process that is one node, as JSON. */
export interface Task extends Place {
  readonly contestant: string;
  /** Starts its node only when it is told to, with all its modules loaded. */
  readonly waits: boolean;
}

/** When each part of a start ended, by the monotonic clock of the machine, in ms. */
export interface Phases {
  /** Node runs the first line of the program. */
  readonly runs: number;
  /** The contestant's modules are loaded. */
  readonly loaded: number;
  /** The contestant is asked to start a node … */
  readonly called: number;
  /** … and has done so. */
  readonly started: number;
  /** It lists every node. */
  readonly formed: number;
}

export type Heard =
  | { readonly type: "booted" }
  | { readonly type: "formed"; readonly phases: Phases };

export interface Told {
  readonly type: "go";
}

/** The one argument of a process that is many nodes, as JSON. */
export interface CrowdTask {
  readonly contestant: string;
  readonly nodes: number;
}

/** Many nodes in one process, from the first call on. */
export interface CrowdFound {
  /** Every node lists every node. */
  readonly formedMs: number;
  /** Every node has a link to every node; absent where that is the same. */
  readonly linkedMs?: number;
  /** For each node, with its links up: the heap with what it holds outside, and resident memory. */
  readonly heldBytes: number;
  readonly residentBytes: number;
  /** One message from one node to all others. Absent: the contestant has none of that. */
  readonly broadcast?: {
    /** Of the others, 0 to 1. */
    readonly reached: number;
    /** Until it had reached the last, or patience ended. */
    readonly tookMs: number;
  };
}

export interface CrowdHeard {
  readonly type: "found";
  readonly found: CrowdFound;
}
