/** StepLog: what a strategy tried and what each try answered, kept for `explain()`. Pure. */
import type { DiscoveryStep, FoundationError, Peer } from "@foundation/core";
import { discoveryLimits } from "../limits.js";

/** One thing a strategy tried. */
export interface ReportedStep extends DiscoveryStep {
  /** The runtime's monotonic clock. */
  readonly atMs: number;
}

/** What one strategy did, for people. */
export interface StrategyReport {
  readonly strategy: string;
  /** Whom it named last; `undefined` before its first answer. */
  readonly peers: readonly Peer[] | undefined;
  /** The latest steps, oldest first. */
  readonly steps: readonly ReportedStep[];
  /** How often it reported a problem, and the newest of them. */
  readonly problems: number;
  readonly lastProblem: FoundationError | undefined;
}

/** Keeps a strategy's latest steps. */
export class StepLog {
  readonly #steps: ReportedStep[] = [];
  #peers: readonly Peer[] | undefined;
  #problems = 0;
  #lastProblem: FoundationError | undefined;

  constructor(readonly strategy: string) {}

  get report(): StrategyReport {
    return {
      strategy: this.strategy,
      peers: this.#peers,
      steps: [...this.#steps],
      problems: this.#problems,
      lastProblem: this.#lastProblem,
    };
  }

  step(step: ReportedStep): void {
    this.#steps.push(step);
    if (this.#steps.length > discoveryLimits.stepsMax) this.#steps.shift();
  }

  offers(peers: readonly Peer[]): void {
    this.#peers = peers;
  }

  failed(problem: FoundationError): void {
    this.#problems += 1;
    this.#lastProblem = problem;
  }
}
