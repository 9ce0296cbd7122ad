/**
 * `npm run sim -- state --seeds 1000`: replicated state of all types on whole clusters under every fault, in virtual time.
 *
 * A violation is printed with its seed and the command that plays it again. The last line is one JSON object:
 * `{ ok, aims, figures, … }`, with `--json` the only one on the standard output. Exits 0 when every aim is met, 1 when
 * not, 2 for arguments that are none, and when it was stopped with 128 and the signal's number.
 */
import { performance } from "node:perf_hooks";
import type { Environment } from "../arguments.js";
import { exitCodes, runCommand, type Command } from "../command.js";
import { stuckAfterMs } from "../limits.js";
import { poolSettings } from "../processes.js";
import { aimText, atLeast, atMost, figureText, type Figure } from "../report.js";
import { screenOf, type Screen } from "../screen.js";
import type { Outcome, Task } from "../task.js";
import { WorkerPool } from "../worker-pool.js";
import { stateOrderOf, stateUsage, type StateSimOrder } from "./order.js";

/** @returns the exit code */
export function runState(args: readonly string[], env: Environment): Promise<number> {
  return runCommand(command, args, env);
}

const command: Command<StateSimOrder> = {
  usage: stateUsage,
  orderOf: stateOrderOf,
  carryOut: (order, signal) => carryOut(order, screenOf(order.json), signal),
};

async function carryOut(
  order: StateSimOrder,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  const startedMs = performance.now();
  const names = namesOf(order);
  const outcomes = await playAll(order, names, screen, signal);
  screen.clear();
  const failed = outcomes.filter(({ violation }) => violation !== undefined);
  for (const { seed } of failed) screen.say(`failed: ${replayOf(order, seed)}`);
  const aims = [
    atLeast("worlds", names.length, outcomes.length),
    atMost("violations", 0, failed.length),
  ];
  const sum = (of: "virtualMs" | "events" | "cpuMs") =>
    outcomes.reduce((total, outcome) => total + outcome[of], 0);
  const figures: Figure[] = [
    { name: "virtual minutes", value: Math.round(sum("virtualMs") / 60_000) },
    { name: "writes", value: sum("events") },
    { name: "processor seconds", value: Math.round(sum("cpuMs") / 1_000) },
  ];
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

function namesOf({ seed, seeds, prefix }: StateSimOrder): readonly string[] {
  return seed === undefined
    ? Array.from({ length: seeds }, (_, index) => `${prefix}-${index + 1}`)
    : [seed];
}

async function playAll(
  { nodesMin, nodesMax, forMs, jobs, seed: one }: StateSimOrder,
  names: readonly string[],
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const startedMs = performance.now();
  const outcomes: Outcome[] = [];
  const state = { done: 0, failed: 0, virtualMs: 0 };
  const tasks = names.map(
    (seed): Task => ({ type: "state", options: { seed, nodesMin, nodesMax, forMs } }),
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

function replayOf({ nodesMin, nodesMax, forMs }: StateSimOrder, seed: string): string {
  return `npm run sim -- state --seed ${seed} --nodes ${nodesMin}..${nodesMax} --for ${forMs}ms`;
}
