/**
 * `npm run sim -- state`, `processes` and `cache`: worlds of whole clusters under every fault, in virtual time, a seed on each
 * core.
 *
 * A violation is printed with its seed and the command that plays it again. The last line is one JSON object:
 * `{ ok, aims, figures, … }`, with `--json` the only one on the standard output. Exits 0 when every aim is met, 1 when
 * not, 2 for arguments that are none, and when it was stopped with 128 and the signal's number.
 */
import { performance } from "node:perf_hooks";
import type { Environment } from "../arguments.js";
import { runCommand } from "../command.js";
import { tellJudged } from "../judged.js";
import { stuckAfterMs } from "../limits.js";
import { poolSettings } from "../processes.js";
import { atLeast, atMost, type Aim, type Figure } from "../report.js";
import { screenOf, type Screen } from "../screen.js";
import type { Outcome, Task } from "../task.js";
import { WorkerPool } from "../worker-pool.js";
import { worldsOrderOf, worldsUsage, type WorldsDefaults, type WorldsOrder } from "./order.js";

/** One seed of a command. */
export type WorldOptions = { readonly seed: string } & Pick<
  WorldsOrder,
  "nodesMin" | "nodesMax" | "forMs"
>;

/** What is played, and what is judged of it beside that nothing was violated. */
export interface Worlds extends WorldsDefaults {
  taskOf(options: WorldOptions): Task;
  aimsOf?(outcomes: readonly Outcome[]): readonly Aim[];
  figuresOf(outcomes: readonly Outcome[]): readonly Figure[];
}

/** @returns the exit code */
export function runWorlds(
  worlds: Worlds,
  args: readonly string[],
  env: Environment,
): Promise<number> {
  return runCommand<WorldsOrder>(
    {
      usage: worldsUsage(worlds),
      orderOf: (given, from) => worldsOrderOf(worlds, given, from),
      carryOut: (order, signal) => carryOut(worlds, order, screenOf(order.json), signal),
    },
    args,
    env,
  );
}

/** A seed that is kept has what it had when it failed. */
export function withKept<Options extends WorldOptions>(
  kept: readonly Options[],
  options: WorldOptions,
): Options | WorldOptions {
  const found = kept.find(({ seed }) => seed === options.seed);
  return found === undefined ? options : { ...found, ...options };
}

async function carryOut(
  worlds: Worlds,
  order: WorldsOrder,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  const startedMs = performance.now();
  const names = namesOf(order);
  const outcomes = await playAll(worlds, order, names, screen, signal);
  screen.clear();
  const failed = outcomes.filter(({ violation }) => violation !== undefined);
  for (const { seed } of failed) screen.say(`failed: ${replayOf(worlds, order, seed)}`);
  const aims = [
    atLeast("worlds", names.length, outcomes.length),
    atMost("violations", 0, failed.length),
    ...(worlds.aimsOf?.(outcomes) ?? []),
  ];
  const figures = worlds.figuresOf(outcomes);
  const about = { seeds: names.length, failedSeeds: failed.map(({ seed }) => seed) };
  return tellJudged(screen, { aims, figures, about, startedMs }, signal);
}

function namesOf({ seed, seeds, prefix }: WorldsOrder): readonly string[] {
  return seed === undefined
    ? Array.from({ length: seeds }, (_, index) => `${prefix}-${index + 1}`)
    : [seed];
}

async function playAll(
  { taskOf }: Worlds,
  { nodesMin, nodesMax, forMs, jobs, seed: one }: WorldsOrder,
  names: readonly string[],
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  const state = { done: 0, failed: 0, virtualMs: 0 };
  const tasks = names.map((seed) => taskOf({ seed, nodesMin, nodesMax, forMs }));
  const tell = (line: string) => screen.status(line);
  const settings = { jobs, stuckAfterMs: stuckAfterMs(nodesMax, forMs) };
  const pool = new WorkerPool(poolSettings(settings, tell, signal));
  await pool.play(tasks, (outcome) => {
    outcomes.push(outcome);
    state.done += 1;
    state.virtualMs += outcome.virtualMs;
    if (outcome.violation !== undefined) {
      state.failed += 1;
      screen.say(`\n${outcome.seed}: ${outcome.violation}\n`);
    }
    if (one !== undefined) return;
    const wallMs = performance.now() - startedMs;
    screen.progress({ ...state, wallMs, total: names.length, totalWallMs: undefined });
  });
  return outcomes;
}

function replayOf({ name }: Worlds, order: WorldsOrder, seed: string): string {
  const { nodesMin, nodesMax, forMs } = order;
  return `npm run sim -- ${name} --seed ${seed} --nodes ${nodesMin}..${nodesMax} --for ${forMs}ms`;
}
