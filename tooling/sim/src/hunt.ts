/**
 * hunt: plays the seeds of an order on all cores, prints what it finds in the order of the seeds, and looks for the
 * fewest faults that make the first failures fail.
 */
import { performance } from "node:perf_hooks";
import type { PlayOptions } from "../../acceptance/simulation/play-seed.js";
import { InOrder } from "./in-order.js";
import { huntLimits } from "./limits.js";
import type { Order } from "./order.js";
import { poolSettings } from "./processes.js";
import type { Screen } from "./screen.js";
import { playsOf } from "./seeds.js";
import type { Outcome, Task } from "./task.js";
import { WorkerPool } from "./worker-pool.js";

/** What was played until the end, or until it was stopped. */
export interface Hunted {
  readonly played: readonly Outcome[];
  readonly failedSeeds: readonly string[];
  readonly wallMs: number;
}

export async function hunt(order: Order, screen: Screen, signal: AbortSignal): Promise<Hunted> {
  const run = new Hunt(order, screen, signal);
  await run.play();
  await run.shrinkFailures();
  return run.result;
}

class Hunt {
  readonly #order: Order;
  readonly #screen: Screen;
  readonly #signal: AbortSignal;
  readonly #startedMs = performance.now();
  readonly #played: Outcome[] = [];
  readonly #failed: PlayOptions[] = [];
  /** Those that came to their end: only a whole run can be shrunk. */
  readonly #shrinkable: PlayOptions[] = [];
  #wallMs = 0;
  /** Of everything that is done, also what waits for earlier seeds to be printed. */
  #done = 0;
  #failures = 0;
  #virtualMs = 0;

  constructor(order: Order, screen: Screen, signal: AbortSignal) {
    this.#order = order;
    this.#screen = screen;
    this.#signal = signal;
  }

  get result(): Hunted {
    const failedSeeds = this.#failed.map(({ seed }) => seed);
    return { played: this.#played, failedSeeds, wallMs: this.#wallMs };
  }

  async play(): Promise<void> {
    const plays: PlayOptions[] = [];
    const inOrder = new InOrder<{ outcome: Outcome; options: PlayOptions }>((each) =>
      this.#print(each.outcome, each.options),
    );
    const pool = this.#pool();
    await pool.play(this.#tasks(plays), (outcome, index) => {
      this.#count(outcome);
      inOrder.add(index, { outcome, options: plays[index] as PlayOptions });
    });
    inOrder.flush();
    this.#wallMs = performance.now() - this.#startedMs;
    this.#screen.clear();
  }

  async shrinkFailures(): Promise<void> {
    const { shrink = process.stderr.isTTY || this.#order.seed !== undefined } = this.#order;
    const first = this.#shrinkable.slice(0, huntLimits.shrunkSeedsMax);
    if (!shrink || first.length === 0 || this.#signal.aborted) return;
    const which = first.map(({ seed }) => seed).join(", ");
    this.#screen.tell(`looking for the fewest faults that make it fail: ${which}`);
    const inOrder = new InOrder<Outcome>(({ violation }) => this.#screen.say(`\n${violation}\n`));
    const tasks = first.map((options) => ({ type: "shrink", options }) as const);
    await this.#pool().play(tasks, (outcome, index) => inOrder.add(index, outcome));
    inOrder.flush();
    const rest = this.#shrinkable.length - first.length;
    if (rest > 0) this.#screen.say(`${rest} more failed: SEED=… npm run sim shrinks any of them.`);
  }

  #pool(): WorkerPool {
    const tell = (line: string) => this.#screen.status(line);
    return new WorkerPool(poolSettings(this.#order, tell, this.#signal));
  }

  /** Hands out plays, and writes down which: until there are none, the time is over, or one has failed. */
  *#tasks(plays: PlayOptions[]): Generator<Task, void> {
    const { wallMs = Number.POSITIVE_INFINITY, untilFailure, trace } = this.#order;
    for (const options of playsOf(this.#order)) {
      if (untilFailure && this.#failures > 0) return;
      if (performance.now() - this.#startedMs >= wallMs) return;
      plays.push(options);
      yield { type: "stack", options, trace };
    }
  }

  #count({ violation, virtualMs }: Outcome): void {
    this.#done += 1;
    this.#virtualMs += virtualMs;
    if (violation !== undefined) this.#failures += 1;
    if (this.#order.seed !== undefined) return;
    this.#screen.progress({
      done: this.#done,
      failed: this.#failures,
      virtualMs: this.#virtualMs,
      wallMs: performance.now() - this.#startedMs,
      total: this.#order.count,
      totalWallMs: this.#order.wallMs,
    });
  }

  #print(outcome: Outcome, options: PlayOptions): void {
    const { verbose, seed } = this.#order;
    const { violation, trace, hash } = outcome;
    this.#played.push(outcome);
    if (trace) this.#screen.say(trace.join("\n"));
    if (violation !== undefined) {
      this.#failed.push(options);
      if (hash !== undefined) this.#shrinkable.push(options);
      this.#screen.say(`\n${withReplay(violation, options)}\n`);
    }
    if (verbose || (seed !== undefined && violation === undefined)) {
      this.#screen.say(summaryOf(outcome));
    }
  }
}

/** One line about a seed. */
export function summaryOf(outcome: Outcome): string {
  const { seed, nodes, virtualMs, faults, calls, published, events, hash, violation } = outcome;
  const end = violation === undefined ? "nothing wrong" : "FAILED";
  return (
    `seed ${seed}: ${nodes} nodes, ${(virtualMs / 1_000).toFixed(1)} virtual seconds, ` +
    `${faults} faults, ${calls} calls, ${published} published, ${events} events, ` +
    `hash ${hash ?? "none"}: ${end}`
  );
}

/** A worker that was lost could not say how its seed is replayed. */
export function withReplay(violation: string, options: PlayOptions): string {
  const { seed, nodesMin, nodesMax, forMs } = options;
  if (violation.includes(`SEED=${seed} `)) return violation;
  const range = `--nodes ${nodesMin}..${nodesMax} --for ${forMs / 1_000}s`;
  return `${violation}\nreplay: SEED=${seed} npm run sim -- ${range}`;
}
