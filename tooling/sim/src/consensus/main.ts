/**
 * `npm run sim -- consensus --seeds 2000 --voters 3,5,7`: groups of Raft cores under every fault, in virtual time.
 *
 * A violation is printed with its seed, the command that plays it again, and the shortest story that was found. The last
 * line is one JSON object: `{ ok, aims, figures, … }`, with `--json` the only one on the standard output. Exits 0 when
 * every aim is met, 1 when not, 2 for arguments that are none, and when it was stopped with 128 and the signal's number;
 * then no process of it is left.
 */
import { performance } from "node:perf_hooks";
import type { ConsensusOrder } from "../../../acceptance/consensus/index.js";
import type { Environment } from "../arguments.js";
import { runCommand, type Command } from "../command.js";
import { tellJudged } from "../judged.js";
import { huntLimits, stuckAfterMs } from "../limits.js";
import { poolSettings } from "../processes.js";
import { screenOf, type Screen } from "../screen.js";
import type { Outcome, Task } from "../task.js";
import { WorkerPool } from "../worker-pool.js";
import { judge, type GroupsPlayed } from "./aims.js";
import { consensusOrderOf, consensusUsage, type ConsensusSimOrder } from "./order.js";

/** @returns the exit code */
export function runConsensus(args: readonly string[], env: Environment): Promise<number> {
  return runCommand(command, args, env);
}

const command: Command<ConsensusSimOrder> = {
  usage: consensusUsage,
  orderOf: consensusOrderOf,
  carryOut: (order, signal) => carryOut(order, screenOf(order.json), signal),
};

async function carryOut(
  order: ConsensusSimOrder,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  const startedMs = performance.now();
  const worlds = worldsOf(order);
  const played = await playAll(order, worlds, screen, signal);
  screen.clear();
  const failed = worlds.filter((_, index) => played[index]?.violation !== undefined);
  for (const world of failed) screen.say(`failed: ${replayOf(world)}`);
  await tellStories(order, failed.slice(0, huntLimits.shrunkSeedsMax), screen, signal);
  const done: GroupsPlayed = {
    worlds: worlds.length,
    outcomes: played.filter((outcome) => outcome !== undefined),
  };
  const about = {
    seeds: order.seed === undefined ? order.seeds : 1,
    voters: order.voters,
    failedSeeds: failed.map(({ seed, voters }) => `${seed} with ${voters}`),
  };
  return tellJudged(screen, { ...judge(done), about, startedMs }, signal);
}

/** One after the other a seed with each number of voters, so that what is stopped has played all of them. */
function worldsOf(order: ConsensusSimOrder): readonly ConsensusOrder[] {
  const { seed, seeds, prefix, voters, forMs } = order;
  const names =
    seed === undefined ? Array.from({ length: seeds }, (_, i) => `${prefix}-${i + 1}`) : [seed];
  return names.flatMap((name) => voters.map((count) => ({ seed: name, voters: count, forMs })));
}

async function playAll(
  order: ConsensusSimOrder,
  worlds: readonly ConsensusOrder[],
  screen: Screen,
  signal: AbortSignal,
): Promise<readonly (Outcome | undefined)[]> {
  const startedMs = performance.now();
  const played: (Outcome | undefined)[] = worlds.map(() => undefined);
  const state = { done: 0, failed: 0, virtualMs: 0 };
  const tasks = worlds.map((options): Task => ({ type: "consensus", options }));
  await poolOf(order, screen, signal).play(tasks, (outcome, index) => {
    played[index] = outcome;
    state.done += 1;
    state.virtualMs += outcome.virtualMs;
    if (outcome.violation !== undefined) {
      state.failed += 1;
      screen.say(`\n${outcome.violation}\n`);
    }
    const wallMs = performance.now() - startedMs;
    if (order.seed !== undefined) return;
    screen.progress({ ...state, wallMs, total: worlds.length, totalWallMs: undefined });
  });
  return played;
}

/** The first that failed, with what suffices to make them fail. */
async function tellStories(
  order: ConsensusSimOrder,
  failed: readonly ConsensusOrder[],
  screen: Screen,
  signal: AbortSignal,
): Promise<void> {
  if (failed.length === 0 || signal.aborted) return;
  screen.tell("looking for the fewest deeds that make the first of them fail");
  const tasks = failed.map((options): Task => ({ type: "consensus", options, shortens: true }));
  await poolOf(order, screen, signal).play(tasks, ({ violation }) => {
    if (violation !== undefined) screen.say(`\n${violation}\n`);
  });
}

function poolOf(
  { jobs, forMs }: ConsensusSimOrder,
  screen: Screen,
  signal: AbortSignal,
): WorkerPool {
  const stuck = stuckAfterMs(1, forMs);
  const tell = (line: string) => screen.status(line);
  return new WorkerPool(poolSettings({ jobs, stuckAfterMs: stuck }, tell, signal));
}

function replayOf({ seed, voters, forMs }: ConsensusOrder): string {
  return `npm run sim -- consensus --seed ${seed} --voters ${voters} --for ${forMs}ms`;
}
