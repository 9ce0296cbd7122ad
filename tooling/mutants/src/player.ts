/**
 * Player: the process that plays one mutant's seeds until one of them is violated.
 *
 * It takes its order from the environment and tells what happens in lines of JSON. Time is counted
 * in processor time, so that a busy machine changes no verdict; a thread of its own watches over
 * it, because a bug may leave virtual time at one instant for ever, where no timer runs any more.
 */
import { writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { playCaches } from "../../acceptance/caches/index.js";
import { playConsensus } from "../../acceptance/consensus/index.js";
import { playProcesses } from "../../acceptance/processes/index.js";
import { playSeed } from "../../acceptance/simulation/play-seed.js";
import { playState } from "../../acceptance/state/index.js";
import { ORDERS, type Game, type Line, type Orders } from "./orders.js";
import { PLANTED } from "./plant.mjs";

const { [ORDERS]: text } = process.env;
if (text !== undefined) await play(JSON.parse(text) as Orders);

async function play(orders: Orders): Promise<void> {
  const found = (globalThis as Record<string, unknown>)[PLANTED];
  if (found !== orders.planted) {
    throw new Error(`Planted is ${String(found)}, expected ${String(orders.planted)}`);
  }
  const watch = watchdog(orders.seedMsMax);
  for (const game of orders.games) {
    const { seed } = game;
    const startMs = cpuMs();
    if (startMs > orders.budgetMs) break;
    watch.begins(seed);
    const violation = await violationOf(game, orders);
    tell({ seed, violation, cpuMs: cpuMs() - startMs });
    if (violation !== undefined && !orders.all) break;
  }
  await watch.end();
}

async function violationOf(
  { seed, voters, isState = false, isProcesses = false, isCaches = false, swarm = {} }: Game,
  { nodesMin, nodesMax, forMs }: Orders,
): Promise<string | undefined> {
  if (voters !== undefined) {
    const { violation } = await playConsensus({ seed, voters });
    return violation && `${violation.check}: ${violation.what}`;
  }
  if (isCaches) return (await playCaches({ seed, nodesMin, nodesMax, forMs })).violation;
  if (isProcesses) return (await playProcesses({ seed, nodesMin, nodesMax, forMs })).violation;
  if (isState) return (await playState({ seed, nodesMin, nodesMax, forMs })).violation;
  const { failure } = await playSeed({ seed, swarm, nodesMin, nodesMax, forMs });
  return failure && `${failure.check}: ${failure.what}`;
}

function tell(line: Line): void {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1_000);
}

/** Ends this process when a seed takes too long, after telling so. */
function watchdog(seedMsMax: number): { begins(seed: string): void; end(): Promise<unknown> } {
  const code = `
    const { parentPort, workerData } = require("node:worker_threads");
    const { writeSync } = require("node:fs");
    const cpuMs = () => { const u = process.cpuUsage(); return Math.round((u.user + u.system) / 1000); };
    let seed, startMs = Infinity;
    parentPort.on("message", (next) => { seed = next; startMs = cpuMs(); });
    setInterval(() => {
      const spentMs = cpuMs() - startMs;
      if (!(spentMs > workerData)) return;
      const violation = "does not end: " + spentMs + " ms of processor time";
      writeSync(1, JSON.stringify({ seed, violation, cpuMs: spentMs }) + "\\n");
      process.kill(process.pid, "SIGKILL");
    }, 250);`;
  const worker = new Worker(code, { eval: true, execArgv: [], workerData: seedMsMax });
  worker.unref();
  return {
    begins: (seed) => worker.postMessage(seed),
    end: () => worker.terminate(),
  };
}
