/** What a node process of the fail-over suite and its parent tell each other. */

/** The one argument of a process, as JSON. */
export interface NodeTask {
  /** Addresses of others; none for the first node. */
  readonly peers: readonly string[];
}

export type Told =
  /** Start so many processes, all of them here. */
  | { readonly type: "start"; readonly count: number }
  /** Say when this node knows so many members. */
  | { readonly type: "meet"; readonly members: number }
  /** Say when it knows so many names. */
  | { readonly type: "know"; readonly names: number }
  /** Ask every process until it is answered from elsewhere than that node. */
  | { readonly type: "probe"; readonly count: number; readonly gone: string }
  /** Call so often a second, all processes in turn, until told to stop. */
  | { readonly type: "call"; readonly count: number; readonly perSecond: number }
  | { readonly type: "stop-calling" }
  /** Move all that runs here to that node, so many at once. */
  | { readonly type: "move"; readonly count: number; readonly to: string; readonly atOnce: number };

export type Heard =
  | { readonly type: "up"; readonly id: string; readonly address: string }
  | { readonly type: "started"; readonly tookMs: number }
  | { readonly type: "met" | "known" }
  /** When each process answered, by the monotonic clock of the machine. */
  | { readonly type: "answered"; readonly atMs: readonly number[] }
  | Called
  | Moved;

/** What became of the calls. */
export interface Called {
  readonly type: "called";
  readonly calls: number;
  /** By the code of the error. */
  readonly failed: Readonly<Record<string, number>>;
  readonly seconds: number;
  /** From the call to its answer. */
  readonly p99Ms: number;
  readonly worstMs: number;
}

export interface Moved {
  readonly type: "moved";
  /** From the moment when a process ran nothing more until it ran elsewhere. */
  readonly pausesMs: readonly number[];
  readonly failed: readonly string[];
  readonly tookMs: number;
}
