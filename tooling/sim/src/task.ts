/**
 * Task: what a worker process is asked to play, what it answers, as plain data that crosses a process border.
 *
 * Everything that can be played gives the same kind of outcome, so that one pool plays all of it.
 */
import type { ConsensusOrder } from "../../acceptance/consensus/index.js";
import type { PlayOptions } from "../../acceptance/simulation/play-seed.js";
import type { PlayCachesOptions } from "../../acceptance/caches/index.js";
import type { PlayProcessesOptions } from "../../acceptance/processes/index.js";
import type { PlayStateOptions } from "../../acceptance/state/index.js";
import type { RunCounts } from "../../acceptance/simulation/run-counts.js";

/** What to play. */
export type Task =
  /** The whole stack under faults; `trace` brings the lines of the trace back. */
  | { readonly type: "stack"; readonly options: PlayOptions; readonly trace?: boolean }
  /** The same, and if it fails, the fewest faults that make it fail. */
  | { readonly type: "shrink"; readonly options: PlayOptions }
  /** The whole stack without faults: a full mesh that forms and works. */
  | { readonly type: "crowd"; readonly options: WorldOptions }
  /** All pure cores of a node together, without connections and processes. */
  | { readonly type: "cores"; readonly options: WorldOptions }
  /** The pure core of membership alone, without faults. */
  | { readonly type: "membership"; readonly options: WorldOptions }
  /** A group of consensus cores; `shortens`: with the fewest deeds that make it fail, and their story. */
  | { readonly type: "consensus"; readonly options: ConsensusOrder; readonly shortens?: boolean }
  /** Replicated state of all types under faults. Its writes count as events. */
  | { readonly type: "state"; readonly options: PlayStateOptions }
  /** Distributed processes under faults. */
  | { readonly type: "processes"; readonly options: PlayProcessesOptions }
  /** Caches of a cluster under faults. */
  | { readonly type: "caches"; readonly options: PlayCachesOptions };

export interface WorldOptions {
  readonly seed: string;
  readonly nodes: number;
  /** Virtual milliseconds. */
  readonly forMs: number;
}

/** What became of a task. Pure cores count their messages as events. */
export interface Outcome extends RunCounts {
  /** Of the trace; undefined when the run did not come to its end. */
  readonly hash: string | undefined;
  /** Real time from the task's beginning to its end. */
  readonly wallMs: number;
  /** Processor time in between: what it would take on a machine that does nothing else. */
  readonly cpuMs: number;
  /** The most memory the worker ever held. */
  readonly rssBytesMax: number;
  /** Of many that joined before what was asked for began: how that went. */
  readonly joined?: Joined;
  /** Of a run without faults. */
  readonly falseSuspicions?: number;
  /** Asked for with `trace`. */
  readonly trace?: readonly string[];
  /** Of a group of consensus, of processes, or of caches: how often each thing happened. */
  readonly counts?: Readonly<Record<string, number>>;
}

/** The first part of a run: from its beginning until all have joined. */
export interface Joined {
  readonly virtualMs: number;
  readonly events: number;
  readonly wallMs: number;
  readonly cpuMs: number;
}

/** From a worker. It takes one task at a time. */
export type FromWorker =
  | { readonly type: "ready" }
  /** It is still at it; `line` is for the person who waits. */
  | { readonly type: "tell"; readonly line: string }
  | { readonly type: "done"; readonly outcome: Outcome; readonly rssBytes: number };

/** An outcome with nothing in it yet, of a task that did not come to its end. */
export function outcomeWithout(task: Task, violation: string, wallMs: number): Outcome {
  return {
    seed: task.options.seed,
    hash: undefined,
    nodes: 0,
    virtualMs: 0,
    events: 0,
    faults: 0,
    calls: 0,
    published: 0,
    violation,
    wallMs,
    cpuMs: 0,
    rssBytesMax: 0,
  };
}
