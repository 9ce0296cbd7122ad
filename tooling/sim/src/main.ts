/**
 * `npm run sim -- [--seeds N] [--nodes 3..10] [--for 60s] …`: plays the whole stack under faults, in virtual time, a seed
 * on each core. `SEED=… npm run sim` plays one again. `order.ts` has all options. `npm run sim -- overlay` and
 * `npm run sim -- consensus` are other commands: see the `main.ts` of these folders; `npm run sim -- state`, `processes` and
 * `cache` are in `worlds/`.
 *
 * Progress goes to the standard error. Each violation is printed with its seed, its virtual time, the last lines of the
 * trace and the command that replays it. The last line is one JSON object: `{ ok, aims: [{ name, target, value, met }],
 * figures?: [{ name, value }], … }`; with `--json` it is all that goes to the standard output.
 *
 * Exits 0 when every aim is met, 1 when not, 2 for arguments that are none, and when it was stopped with 128 and the signal's
 * number (130, 143, 129); then it has ended its workers and reported what was done so far.
 */
import { runConsensus } from "./consensus/main.js";
import { hunt, type Hunted } from "./hunt.js";
import { exitCodes, runCommand } from "./command.js";
import { orderOf, usage, type Order } from "./order.js";
import { runOverlay } from "./overlay/main.js";
import { aimText, atMost, figureText, reportOf, type Aim, type Figure } from "./report.js";
import { screenOf } from "./screen.js";
import { printHashes } from "./check-determinism.js";
import { selfCheck } from "./self-check.js";
import { caches } from "./worlds/caches.js";
import { processes } from "./worlds/processes.js";
import { runWorlds } from "./worlds/run-worlds.js";
import { state } from "./worlds/state.js";

const worlds = [state, processes, caches];
const [command, ...rest] = process.argv.slice(2);
const played = worlds.find(({ name }) => name === command);
if (played !== undefined) process.exitCode = await runWorlds(played, rest, process.env);
else if (command === "consensus") process.exitCode = await runConsensus(rest, process.env);
else if (command === "overlay") process.exitCode = await runOverlay(rest, process.env);
else {
  const args = process.argv.slice(2);
  process.exitCode = await runCommand({ usage, orderOf, carryOut }, args, process.env);
}

async function carryOut(order: Order, signal: AbortSignal): Promise<number> {
  const screen = screenOf(order.json);
  if (order.hashes) {
    await printHashes(order, screen, signal);
    return exitCodes.ok;
  }
  let hunted: Hunted;
  let aims: readonly Aim[];
  let figures: readonly Figure[] = [];
  if (order.checks.length > 0) ({ hunted, aims, figures } = await selfCheck(order, screen, signal));
  else {
    hunted = await hunt(order, screen, signal);
    aims = [atMost("violations", 0, hunted.failedSeeds.length)];
  }
  for (const aim of aims) screen.say(aimText(aim));
  for (const figure of figures) screen.say(figureText(figure));
  const report = reportOf(hunted, aims, signal.aborted, figures);
  console.log(JSON.stringify(report));
  return report.ok ? exitCodes.ok : exitCodes.failed;
}
