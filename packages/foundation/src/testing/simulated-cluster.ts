/**
 * SimulatedCluster: a user's application on simulated nodes, and everything a test may do to it. What implements it is in
 * `cluster-under-test.ts`.
 */
import type { Duration } from "@foundation/core";
import type { DiskDamage, LinkConditions, Trace } from "@foundation/testkit";
import type { ClusterNode } from "./cluster-node.js";
import type { NodesOption } from "./options.js";

type Several<
  N extends number,
  Node,
  Found extends readonly Node[] = readonly [],
> = Found["length"] extends N ? Found : Several<N, Node, readonly [...Found, Node]>;

/** As many nodes as the test asked for, so that `const [a, b, c] = sim.nodes` has no undefined ones. */
export type NodesOf<Nodes extends NodesOption, App> = Nodes extends
  | 1
  | 2
  | 3
  | 4
  | 5
  | 6
  | 7
  | 8
  | 9
  ? Several<Nodes, ClusterNode<App>>
  : Nodes extends readonly string[]
    ? { readonly [Index in keyof Nodes]: ClusterNode<App> }
    : readonly ClusterNode<App>[];

/** A node, by its handle or its name. */
export type Which = string | { readonly name: string };

export interface WaitOptions {
  /** Virtual time. @default "30s" */
  readonly within?: Duration;
}

/** How a link is worse than usual: added latency, in milliseconds, and the like. */
export type SlowLink = Partial<LinkConditions> & {
  /** Only from the first node to the second. @default false */
  readonly oneWay?: boolean;
};

/** Time and what a test waits for. Virtual time passes only while something here is awaited. */
export interface Waiting {
  /** Virtual milliseconds since the simulation began. */
  readonly now: number;
  /** Lets time pass. @throws {ERR_SIMULATION_FAILED} a node failed or an invariant broke */
  run(duration: Duration): Promise<void>;
  /**
   * Lets time pass until `check` neither throws nor gives `false` (nor a promise that does), and gives its result.
   * @throws {ERR_TIMEOUT} naming what was seen last
   */
  eventually<T>(
    check: () => T | Promise<T>,
    options?: WaitOptions & {
      /** How often it looks, in virtual time. @default "10ms" */
      readonly every?: Duration;
    },
  ): Promise<Exclude<T, false>>;
  /** Lets time pass until the promise settles. @throws {ERR_TIMEOUT} */
  settle<T>(promise: PromiseLike<T>, options?: WaitOptions): Promise<T>;
  /** Lets time pass until all nodes that are up list each other, and nobody else. @throws {ERR_TIMEOUT} */
  formed(options?: WaitOptions): Promise<void>;
  /**
   * An invariant, looked at after every 10 ms of virtual time and whenever something waited for has come: it is broken
   * when `holds` gives `false` or throws. Gives the function that ends it.
   */
  check(name: string, holds: () => unknown): () => void;
}

/** What may be done to nodes. */
export interface NodeFaults {
  /** Ends a process. `power`: its machine too, so nobody is told and unsynced bytes may be lost. @default "process" */
  crash(node: Which, options?: { readonly kind?: "process" | "power" }): void;
  /** Starts a node again; one that is up is crashed first. @default disk "kept" */
  restart(node: Which, options?: { readonly disk?: "kept" | "wiped" | "restored" }): void;
  /**
   * SIGTERM: lets the application leave, until it exits or the time is up, and then ends the process.
   * @param options.within @default "30s"
   */
  stop(node: Which, options?: WaitOptions): Promise<void>;
  /** Stops a node's event loop; what arrives waits. */
  pause(node: Which): void;
  /** Ends a pause or a suspension. */
  resume(node: Which): void;
  /** A machine stands still for a while and loses its connections; then the same process goes on. */
  suspend(node: Which, duration: Duration): void;
  /** Moves a wall clock, forwards or (with a negative number of milliseconds) backwards. */
  jumpWall(node: Which, byMs: number): void;
  /** Lets a node's monotonic clock and its timers run fast or slow: 1.1 is a tenth fast. */
  driftClock(node: Which, rate: number): void;
  /** No operation of the disk answers for so long. */
  stallDisk(node: Which, duration: Duration): void;
  /** Leaves no space on the disk, or makes room again. */
  fillDisk(node: Which, isFull: boolean): void;
  /** Damages synced bytes of one file; gives what it did. */
  corruptDisk(node: Which, options?: { readonly file?: string }): DiskDamage | undefined;
  /** Keeps an image of the disk for `restart(node, { disk: "restored" })`. */
  snapshotDisk(node: Which): void;
}

/** What may be done to the network. */
export interface LinkFaults {
  /** Cuts the links between two groups; `oneWay`: only from the first to the second. What was sent waits, as in TCP. */
  partition(
    a: Which | readonly Which[],
    b: Which | readonly Which[],
    options?: { readonly oneWay?: boolean },
  ): void;
  /** Ends the cuts between two groups and no others: the opposite of `partition`. */
  mend(
    a: Which | readonly Which[],
    b: Which | readonly Which[],
    options?: { readonly oneWay?: boolean },
  ): void;
  /** Breaks the connections between two nodes; `half`: only `b` learns of it. */
  reset(a: Which, b: Which, options?: { readonly half?: boolean }): void;
  /** Makes the link between two nodes worse than usual. @default 500 ms more latency */
  slow(a: Which, b: Which, link?: SlowLink): void;
  /** Makes every look-up of discovery fail, or no longer. */
  discoveryOut(isOut: boolean): void;
  /**
   * Ends the faults that happen by themselves, partitions, slow links, pauses, suspensions, outages, stalls, full disks and
   * wrong clocks. What faults by themselves took down starts again; what the test crashed stays down.
   */
  heal(): void;
}

/** A simulated cluster of however many nodes: for a function that takes any. */
export interface AnySimulatedCluster<App = unknown>
  extends Waiting,
    NodeFaults,
    LinkFaults,
    AsyncDisposable {
  readonly seed: string;
  readonly nodes: readonly ClusterNode<App>[];
  /** @throws {ERR_INVALID_ARGUMENT} there is none of that name */
  node(name: string): ClusterNode<App>;
  /** What happened: a hash of everything, and the last lines. */
  readonly trace: Trace;
  /** A line of the test's own in the trace. */
  note(text: string): void;
  /** Ends every node and puts the globals back. Idempotent. @throws a failure of a node that no wait has told of */
  close(): Promise<void>;
}

/**
 * A cluster in virtual time. In Node 20 close it in a `finally`, or use `forEachSeed`; from Node 24 on and in TypeScript
 * `await using sim = await simulateCluster(…)` closes it.
 */
export interface SimulatedCluster<App, Nodes extends NodesOption = NodesOption>
  extends AnySimulatedCluster<App> {
  readonly nodes: NodesOf<Nodes, App>;
}
