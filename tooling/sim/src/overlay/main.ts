/**
 * `npm run sim -- overlay --nodes 10000`: how HyParView and Plumtree behave at a size, in virtual time.
 *
 * Played are the pure protocol cores, many in one process, on links with the manners of TCP; each experiment has a world
 * and a process of its own. The last line is one JSON object: `{ ok, aims, figures, … }`, with `--json` the only one on
 * the standard output. Exits 0 when every aim is met, 1 when not, 2 for arguments that are none, and when it was stopped
 * with 128 and the signal's number; then no process of it is left.
 */
import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import { BadOrder } from "../order.js";
import type { Aim } from "../report.js";
import { screenOf, type Screen } from "../screen.js";
import { judge } from "./aims.js";
import { overlayOrderOf, overlayUsage, type OverlayOrder } from "./order.js";
import { playTasks } from "./play-tasks.js";
import { foundBy, lengthsOf, nameOf, tasksOf, type Answer } from "./task.js";

const exitCodes = {
  ok: 0,
  failed: 1,
  badOrder: 2,
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
} as const;
const MEBIBYTE = 2 ** 20;

/** @returns the exit code */
export async function runOverlay(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  if (args.includes("--help")) {
    console.log(overlayUsage);
    return exitCodes.ok;
  }
  let order: OverlayOrder;
  try {
    order = overlayOrderOf(args, env);
  } catch (error) {
    if (!(error instanceof BadOrder)) throw error;
    console.error(`${error.message}\n${overlayUsage}`);
    return exitCodes.badOrder;
  }
  const stopping = new AbortController();
  let stopped: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      stopped ??= exitCodes[signal];
      stopping.abort();
    });
  }
  try {
    return await playCores(order, screenOf(order.json), stopping.signal);
  } catch (error) {
    if (stopped === undefined) throw error;
    return stopped;
  }
}

/** Pure cores, at any size. */
async function playCores(
  order: OverlayOrder,
  screen: Screen,
  signal: AbortSignal,
): Promise<number> {
  const startedMs = performance.now();
  const { nodes, seed, quick } = order;
  const { shuffleCycles, churnMinutes, churnBroadcastEveryMs } = lengthsOf(order);
  screen.say(
    `Pure cores of HyParView and Plumtree: ${nodes} nodes, seed ${seed}${quick ? ", quick" : ""}. ` +
      "One directory snapshot is shared by all; links take 10 to 50 ms; a crash is noticed within 1 s. " +
      `Looked at after ${shuffleCycles} shuffle cycles; churn of ${churnMinutes} min, a broadcast every ` +
      `${churnBroadcastEveryMs / 1_000} s.`,
  );
  const answers = await playTasks(tasksOf(order), availableParallelism(), signal, (task, answer) =>
    screen.tell(`  ${nameOf(task)}: ${costText(answer)}`),
  );
  const { aims, figures } = judge(order, answers);
  for (const { name, value } of figures) screen.say(`· ${name}: ${value}`);
  for (const answer of answers) for (const each of foundBy(answer).findings) screen.say(each);
  screen.say(tableOf(aims));
  const ok = aims.every(({ met }) => met);
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  const cpuSeconds = Math.round(answers.reduce((sum, { cpuMs }) => sum + cpuMs, 0)) / 1_000;
  const events = answers.reduce((sum, answer) => sum + foundBy(answer).events, 0);
  const report = { ok, aims, figures, nodes, seed, quick, seconds, cpuSeconds, events };
  console.log(JSON.stringify({ ...report, directory: "one shared snapshot" }));
  return ok ? exitCodes.ok : exitCodes.failed;
}

/** For people: an aim a line, in columns. */
function tableOf(aims: readonly Aim[]): string {
  const rows = aims.map(({ name, target, value, met }) => {
    return [name, String(target), value === null ? "not measured" : String(value), met ? "✓" : "✗"];
  });
  const all = [["aim", "bound", "measured", ""], ...rows];
  const widths = [0, 1, 2, 3].map((column) => {
    return Math.max(...all.map((row) => (row[column] ?? "").length));
  });
  const lineOf = (row: readonly string[]) => {
    return row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  };
  return all.map(lineOf).join("\n");
}

function costText(answer: Answer): string {
  const { events, virtualMs } = foundBy(answer);
  const seconds = (answer.cpuMs / 1_000).toFixed(1);
  const memory = Math.round(answer.rssBytesMax / MEBIBYTE);
  return `${virtualMs / 1_000} virtual s, ${events} events, ${seconds} s of a processor, ${memory} MiB`;
}
