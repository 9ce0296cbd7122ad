/** What the processes of the formation suite and their parent tell each other. */
import type { Place } from "./contestant.js";

/** The one argument of a process that is one node, as JSON. */
export interface Task extends Place {
  readonly contestant: string;
  /** Starts its node only when it is told to, with all its modules loaded. */
  readonly waits: boolean;
}

/** How far a process was, and what it had taken until then. */
export interface Moment {
  /** By the monotonic clock of the machine. */
  readonly atMs: number;
  /** Of the processor, since the process was started. */
  readonly cpuMs: number;
}

/** The end of each part of a start. */
export interface Phases {
  /** Node runs the first line of the program. */
  readonly runs: Moment;
  /** The contestant's modules are loaded. */
  readonly loaded: Moment;
  /** The contestant is asked to start a node … */
  readonly called: Moment;
  /** … and has done so. */
  readonly started: Moment;
  /** It lists every node. */
  readonly formed: Moment;
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
  /** Of ours, where it is not the one that nodes of this number take by themselves. */
  readonly topology?: "hyparview";
}

/** Many nodes in one process, from the first call on. */
export interface CrowdFound {
  /** Every node lists every node. */
  readonly formedMs: number;
  /** Of the processor until then, by all nodes together. */
  readonly cpuMs: number;
  /** Links that each node had then, on average. */
  readonly linksThen: number;
  /** Every node has a link to every node; absent where that is the same, or is not meant to be. */
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
