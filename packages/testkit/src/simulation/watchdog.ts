/**
 * Watchdog: says which node is stuck when an event of a simulation does not end.
 *
 * A loop of promise reactions in one node freezes the process: no timer of the test runner fires, nobody can say
 * anything. So a thread of its own watches a counter in shared memory that each event raises. When it stands still, the
 * thread pauses the main one through the inspector and has it say, from inside the loop, where it is; then the process
 * ends, because nothing can be saved: to break off a loop of reactions corrupts Node's own bookkeeping.
 *
 * Time is counted in looks of the thread, so a machine that sleeps for an hour is not taken for a stuck node.
 */
import { writeSync } from "node:fs";
import { url } from "node:inspector";
import { Worker } from "node:worker_threads";
import { simulationLimits } from "./limits.js";
import { Cell, CELLS, threadSource } from "./watchdog-thread.js";

/** Kept at hand: a simulation takes it from the code of its nodes, in whose name the main thread speaks at the end. */
const write = writeSync;
const { reallyExit } = process as unknown as { readonly reallyExit: (code: number) => never };

/** Found by the thread through the inspector, in whatever frame the loop is. */
const SPEAK = Symbol.for("foundation.simulation.stuck");

/** One thread for all simulations of this copy of the module: they are open one at a time. */
let shared: Int32Array | undefined;

export class Watchdog {
  readonly #limitMs: number;
  #cells: Int32Array | undefined;

  /**
   * @param limitMs how long one event may take; 0: for ever
   * @param describe what to print, from inside the event that does not end
   */
  constructor(limitMs: number, describe: (silentMs: number) => string) {
    // Under a debugger a pause is no loop.
    this.#limitMs = url() === undefined ? limitMs : 0;
    if (this.#limitMs === 0) return;
    const speak = (): void => {
      Error.stackTraceLimit = simulationLimits.stuckFrames;
      write(2, describe(this.#limitMs));
      reallyExit(simulationLimits.stuckExitCode);
    };
    Object.defineProperty(globalThis, SPEAK, { value: speak, configurable: true });
  }

  /** An event begins. */
  beat(): void {
    const cells = this.#cells;
    if (cells) cells[Cell.beats] = ((cells[Cell.beats] as number) + 1) | 0;
  }

  /** Virtual time passes from now on. */
  start(): void {
    if (this.#limitMs === 0) return;
    this.#cells ??= thread();
    this.#cells[Cell.limitMs] = this.#limitMs;
    this.beat();
    Atomics.store(this.#cells, Cell.isRunning, 1);
  }

  stop(): void {
    if (this.#cells) Atomics.store(this.#cells, Cell.isRunning, 0);
  }

  close(): void {
    this.stop();
    if (this.#cells) Atomics.store(this.#cells, Cell.isOpen, 0);
    this.#cells = undefined;
    if (this.#limitMs > 0) Reflect.deleteProperty(globalThis, SPEAK);
  }
}

/** The memory of a thread that watches; it ends by itself when no simulation is open for a while. */
function thread(): Int32Array {
  if (shared && Atomics.compareExchange(shared, Cell.isOpen, 0, 1) === 0) return shared;
  shared = new Int32Array(new SharedArrayBuffer(CELLS * Int32Array.BYTES_PER_ELEMENT));
  shared[Cell.isOpen] = 1;
  const worker = new Worker(threadSource, {
    eval: true,
    // Not the loaders of this process: they would take longer to start than all the rest.
    execArgv: [],
    workerData: { cells: shared, limits: simulationLimits, speak: SPEAK.description },
  });
  worker.unref();
  return shared;
}
