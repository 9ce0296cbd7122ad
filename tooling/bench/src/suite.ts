/**
 * What a benchmark is. A suite measures contestants side by side in one run and judges its aims, most
 * of them ratios of two medians of that run: an absolute number says more about the machine than
 * about the code.
 *
 * Invariants: a contestant that cannot run is named with its reason, and every aim that needs it is
 * not met; nothing is left out silently.
 */
import type { Report } from "./report.js";

/** What a command line asks of any suite. */
export interface RunOptions {
  /** Readings of each contestant, of which the median is taken. */
  readonly repetitions: number;
  /** How often the whole suite may run while the machine is disturbed; 1 to 3. */
  readonly repeats: number;
  /** Shorter measurements: to see that everything runs, not to judge. */
  readonly quick: boolean;
  /** Only these contestants; the first contestant of the suite always runs. Absent: all. */
  readonly only?: readonly string[];
  readonly say: (line: string) => void;
}

/** What `npm run bench -- <name>` starts. */
export interface Benchmark {
  readonly name: string;
  run(options: RunOptions): Promise<Report>;
}

/** What is measured of every contestant. */
export interface Measure {
  /** With its unit, e.g. `events/s`. */
  readonly name: string;
  /** How many it is shown with. */
  readonly decimals: number;
}

/** One number of one contestant, from one repetition. */
export interface Reading {
  readonly contestant: string;
  /** The name of a Measure. */
  readonly measure: string;
  readonly value: number;
  /** Share of all processors that other processes used meanwhile, 0 to 1. Absent: not known. */
  readonly foreign?: number;
}

export interface Aim {
  readonly measure: string;
  readonly of: string;
  /**
   * By whose median that of `of` is divided; of several, by the best: the largest for `at least`,
   * the smallest for `at most`. Absent: the median itself is judged.
   */
  readonly against?: string | readonly string[];
  readonly bound: "at least" | "at most";
  readonly target: number;
  /** Contestants for which the same is shown beside and not judged. */
  readonly beside?: readonly string[];
}

/** A suite of contestants that are measured one after the other, interleaved. */
export interface Suite {
  readonly name: string;
  /** Ours is the first. */
  readonly contestants: readonly string[];
  readonly measures: readonly Measure[];
  readonly aims: readonly Aim[];
  /** Called before the first reading, e.g. to install; what it starts, the disposer ends. */
  prepare?(chosen: readonly string[], say: RunOptions["say"]): Promise<AsyncDisposable>;
  /** Measures one contestant once. @throws {Unavailable} when it cannot run on this machine */
  measure(contestant: string, options: RunOptions): Promise<readonly Reading[]>;
}

/** A contestant cannot run on this machine; the message says why and what to do. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}
