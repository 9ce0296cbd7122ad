/**
 * createSimulator: a whole cluster in one process, decided by a seed.
 *
 * All nodes share one virtual clock whose heap is ordered by (time, sequence). After each event every promise reaction
 * and every end of turn runs before the next one, so the order of everything follows from the seed and a run can be
 * replayed exactly. Nodes run real code: what they ask of the world comes through their Runtime.
 *
 * Nodes share the modules of the process, and with them module state: what belongs to a node must not be kept there.
 */
import type { Duration, FoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { VirtualClock } from "@foundation/core/testing";
import type { DiskFaults, HostFaults, NetworkFaults } from "./faults.js";
import type { LinkConditions } from "./link-conditions.js";
import { SeededSimulator } from "./seeded-simulator.js";
import type { SimulatedApp, SimulatedNode } from "./simulated-node.js";
import type { Trace } from "./trace.js";

/** What a simulated world is made of. */
export interface SimulatorOptions {
  /** Decides everything. */
  readonly seed: number | string;
  /** How links behave unless told otherwise. @default a quiet local network */
  readonly conditions?: LinkConditions;
  /** Each disk operation takes up to so long, in milliseconds. @default 1 */
  readonly diskLatencyMsMax?: number;
  /** Keeps every timer and frame among the lines of the trace. @default false */
  readonly verbose?: boolean;
  /**
   * What is refused in code of nodes. "usual": real timers, chance, threads and input and output by the functions that
   * give them. "thorough": also every other way to them, at the price of async hooks. @default "usual"
   */
  readonly guard?: "usual" | "thorough";
  /**
   * How long one event may take in real time, in milliseconds, before the process is ended with ERR_SIMULATION_STUCK on
   * stderr and exit code 70; 0: for ever, as it is under a debugger. @default 10_000
   */
  readonly watchdogMs?: number;
}

/** A cluster in virtual time. */
export interface Simulator<App> extends HostFaults, DiskFaults, NetworkFaults {
  /** As text, whatever it was given as. */
  readonly seed: string;
  /** The world's clock: for what happens outside of nodes. */
  readonly clock: VirtualClock;
  /** Chance for the test itself; nodes and network have their own. */
  readonly random: Random;
  /** What happened: a hash of everything, and the last lines. */
  readonly trace: Trace;
  /** In the order they were added. */
  readonly nodes: readonly SimulatedNode<App>[];
  /** What went wrong in nodes, the first 1,000: escapes, uncaught errors, rejections nobody handled. */
  readonly failures: readonly FoundationError[];
  /** Ends of connections that are open in living nodes. */
  readonly openConnections: number;
  /**
   * Adds a node and starts its application when time passes.
   * @param name a-z 0-9 and -
   * @throws {ERR_INVALID_ARGUMENT} the name is none, or taken; or there are 10,000 nodes
   */
  addNode(name: string, app: SimulatedApp<App>): SimulatedNode<App>;
  /** @throws {ERR_INVALID_ARGUMENT} there is none of that name, as in everything that is done to a node */
  node(name: string): SimulatedNode<App>;
  /**
   * Ends cuts, link conditions, pauses, suspensions, skew and drift of clocks, outages, stalls and full disks. Crashed
   * nodes stay down.
   */
  heal(conditions?: LinkConditions): void;
  /** A line of the test's own in the trace. */
  note(kind: string, text: string, node?: string): void;
  /** Calls `fn` after so many virtual milliseconds, outside of all nodes. */
  at(delayMs: number, fn: () => void): void;
  /** Lets time pass. @throws the first failure of a node */
  run(duration: Duration): Promise<void>;
  /**
   * Lets time pass until the condition holds, looking every 100 ms of it; false when it does not within that time.
   * @throws the first failure of a node
   */
  until(condition: () => boolean, within: Duration): Promise<boolean>;
  /**
   * Lets time pass until the promise settles.
   * @param options.within virtual time @default "60s"
   * @throws {ERR_TIMEOUT} saying what nodes wait for, or a node's failure
   */
  settle<T>(promise: Promise<T>, options?: { readonly within?: Duration }): Promise<T>;
  /** Ends every node, and takes away guard and watchdog. One simulation is open at a time. Idempotent. */
  close(): void;
}

/**
 * A simulated world without nodes. It takes the process: what escapes is guarded in all of it until `close()`.
 *
 * @throws {Error} while another simulation is open
 *
 * @example
 * ```ts
 * import { createSimulator } from "@foundation/testkit"
 *
 * const sim = createSimulator<{ ticks: number }>({ seed: 1 })
 * const node = sim.addNode("a", ({ runtime }) => {
 *   const app = { ticks: 0 }
 *   runtime.clock.setTimer(1_000, () => { app.ticks += 1 })
 *   return app
 * })
 * await sim.run("5s")
 * console.log(node.app?.ticks, sim.trace.hash) // 1 and sixteen digits
 * sim.close()
 * ```
 */
export function createSimulator<App = unknown>(options: SimulatorOptions): Simulator<App> {
  return new SeededSimulator<App>(options);
}
