/**
 * `npm run sim -- cache --seeds 1000`: caches of whole clusters under every fault, in virtual time: no stale value of a
 * quorum, and of the other kinds what each promises once nothing is wrong; one computation of a key, nothing lost or back,
 * nothing moved but what must move.
 *
 * A violation is printed with its seed and the command that plays it again. The last line is one JSON object:
 * `{ ok, aims, figures, … }`, with `--json` the only one on the standard output. Exits 0 when every aim is met, 1 when
 * not, 2 for arguments that are none, and when it was stopped with 128 and the signal's number.
 */
import { performance } from "node:perf_hooks";
import { keptSeeds, type PlayCachesOptions } from "../../../acceptance/caches/index.js";
import type { Environment } from "../arguments.js";
import { exitCodes, runCommand, type Command } from "../command.js";
import { stuckAfterMs } from "../limits.js";
import { poolSettings } from "../processes.js";
import { aimText, figureText } from "../report.js";
import { screenOf, type Screen } from "../screen.js";
import type { Outcome, Task } from "../task.js";
import { WorkerPool } from "../worker-pool.js";
import { aimsOf, figuresOf } from "./aims.js";
import { cachesOrderOf, cachesUsage, type CachesSimOrder } from "./order.js";

/** @returns the exit code */
export function runCaches(args: readonly string[], env: Environment): Promise<number> {
  return runCommand(command, args, env);
}

const command: Command<CachesSimOrder> = {
  usage: cachesUsage,
  orderOf: cachesOrderOf,
  carryOut: (order, signal) => carryOut(order, screenOf(order.json), signal),
};

async function carryOut(
  order: CachesSimOrder,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  const startedMs = performance.now();
  const names = namesOf(order);
  const outcomes = await playAll(order, names, screen, signal);
  screen.clear();
  const failed = outcomes.filter(({ violation }) => violation !== undefined);
  for (const { seed } of failed) screen.say(`failed: ${replayOf(order, seed)}`);
  const aims = aimsOf(names.length, outcomes);
  const figures = figuresOf(outcomes);
  for (const aim of aims) screen.say(aimText(aim));
  for (const figure of figures) screen.say(figureText(figure));
  const ok = !signal.aborted && aims.every(({ met }) => met);
  const report = {
    ok,
    aims,
    figures,
    seeds: names.length,
    failedSeeds: failed.map(({ seed }) => seed),
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    ...(signal.aborted && { interrupted: true }),
  };
  console.log(JSON.stringify(report));
  return ok ? exitCodes.ok : exitCodes.failed;
}

function namesOf({ seed, seeds, prefix }: CachesSimOrder): readonly string[] {
  return seed === undefined
    ? Array.from({ length: seeds }, (_, index) => `${prefix}-${index + 1}`)
    : [seed];
}

async function playAll(
  { nodesMin, nodesMax, forMs, jobs, seed: one }: CachesSimOrder,
  names: readonly string[],
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  const state = { done: 0, failed: 0, virtualMs: 0 };
  const tasks = names.map(
    (seed): Task => ({ type: "caches", options: playOf(seed, { nodesMin, nodesMax, forMs }) }),
  );
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

function replayOf({ nodesMin, nodesMax, forMs }: CachesSimOrder, seed: string): string {
  return `npm run sim -- cache --seed ${seed} --nodes ${nodesMin}..${nodesMax} --for ${forMs}ms`;
}

/** A seed that is kept has what it had when it failed. */
function playOf(
  seed: string,
  sizes: Pick<CachesSimOrder, "nodesMin" | "nodesMax" | "forMs">,
): PlayCachesOptions {
  const kept = keptSeeds.find((each) => each.seed === seed);
  return kept ? { ...kept, ...sizes } : { seed, ...sizes };
}
