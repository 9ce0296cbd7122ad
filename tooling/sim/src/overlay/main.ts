/**
 * `npm run sim -- overlay --nodes 10000`: how HyParView and Plumtree behave at a size, in virtual time.
 *
 * Played are whole overlays, one node as the product makes it, over the simulated network; or, where there are more, the
 * pure protocol cores, on links with the manners of TCP and one shared directory. Worlds have processes of their own. The last line is one JSON object: `{ ok, aims, figures, … }`, with `--json` the only one on
 * the standard output. Exits 0 when every aim is met, 1 when not, 2 for arguments that are none, and when it was stopped
 * with 128 and the signal's number; then no process of it is left.
 */
import { availableParallelism } from "node:os";
import { performance } from "node:perf_hooks";
import type { Environment } from "../arguments.js";
import { exitCodes, runCommand, type Command } from "../command.js";
import type { Aim } from "../report.js";
import { screenOf, type Screen } from "../screen.js";
import { judge } from "./aims.js";
import { overlayOrderOf, overlayUsage, type OverlayOrder } from "./order.js";
import { playTasks } from "./play-tasks.js";
import { coreTasksOf, foundBy, lengthsOf, nameOf, type Answer } from "./task.js";
import { wholeLengthsOf, wholeTasksOf } from "./whole-tasks.js";

const MEBIBYTE = 2 ** 20;

/** @returns the exit code */
export function runOverlay(args: readonly string[], env: Environment): Promise<number> {
  return runCommand(command, args, env);
}

const command: Command<OverlayOrder> = {
  usage: overlayUsage,
  orderOf: overlayOrderOf,
  carryOut: (order, signal) => play(order, screenOf(order.json), signal),
};

async function play(order: OverlayOrder, screen: Screen, signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  const { nodes, depth, seed, quick } = order;
  const told = depth === "whole" ? wholeText(order) : coresText(order);
  screen.say(`${told} ${nodes} nodes, seed ${seed}${quick ? ", quick" : ""}.`);
  const tasks = depth === "whole" ? wholeTasksOf(order) : coreTasksOf(order);
  const answers = await playTasks(tasks, availableParallelism(), signal, (task, what) =>
    screen.tell(`  ${nameOf(task)}: ${typeof what === "string" ? what : costText(what)}`),
  );
  const { aims, figures } = judge(order, answers);
  for (const { name, value } of figures) screen.say(`· ${name}: ${value}`);
  for (const answer of answers) for (const each of foundBy(answer).findings) screen.say(each);
  screen.say(tableOf(aims));
  const ok = aims.every(({ met }) => met);
  const seconds = Math.round(performance.now() - startedMs) / 1_000;
  const cpuSeconds = Math.round(answers.reduce((sum, { cpuMs }) => sum + cpuMs, 0)) / 1_000;
  const rssBytesMax = Math.max(...answers.map((answer) => answer.rssBytesMax));
  const events = answers.reduce((sum, answer) => sum + foundBy(answer).events, 0);
  const report = { ok, aims, figures, played: depth, nodes, seed, quick, seconds, cpuSeconds };
  const directory = depth === "whole" ? "one of each node" : "one shared snapshot";
  console.log(JSON.stringify({ ...report, rssBytesMax, events, directory }));
  return ok ? exitCodes.ok : exitCodes.failed;
}

function wholeText(order: OverlayOrder): string {
  const { look, churnMs, settleMs } = wholeLengthsOf(order);
  return (
    "Whole overlays (directories, detectors, HyParView, Plumtree, handshakes and frames) over a simulated network. " +
    "A frame takes 10 to 50 ms; a crashed process is one whose host refuses connections. " +
    `Shorter than with --cores: looked at ${look.mixMs / 1_000} s after all listed all, ` +
    `churn of ${churnMs / 1_000} s, two crashes one after the other in a world, ` +
    `each ${settleMs / 1_000} s after all are there.`
  );
}

function coresText(order: OverlayOrder): string {
  const { shuffleCycles, churnMinutes, churnBroadcastEveryMs } = lengthsOf(order);
  return (
    "Pure cores of HyParView and Plumtree. One shared directory snapshot stands for the directory of each node; " +
    "links take 10 to 50 ms; a crash is noticed within 1 s. " +
    `Looked at after ${shuffleCycles} shuffle cycles; churn of ${churnMinutes} min, a broadcast every ` +
    `${churnBroadcastEveryMs / 1_000} s.`
  );
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
