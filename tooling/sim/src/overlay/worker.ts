/** The program of a worker: plays one experiment, answers, and ends. */
import {
  playChurn,
  playCrash,
  playSteady,
  playStorm,
  playWhole,
} from "../../../acceptance/overlay/index.js";
import type { FromWorker, Played, Task } from "./task.js";

process.on("disconnect", () => process.exit());
process.once("message", (task: Task) => void serve(task));

async function serve(task: Task): Promise<void> {
  const played = await play(task);
  const { maxRSS } = process.resourceUsage();
  // In kilobytes, whatever the system.
  const cost = { cpuMs: cpuMs(), rssBytesMax: maxRSS * 1_024 };
  tell({ type: "done", answer: { ...played, ...cost } });
}

async function play(task: Task): Promise<Played> {
  switch (task.type) {
    case "storm":
      return { type: task.type, played: playStorm(task.order) };
    case "steady":
    case "small":
      return { type: task.type, played: playSteady(task.order) };
    case "crash":
      return { type: task.type, played: playCrash(task.order) };
    case "churn":
      return { type: task.type, played: playChurn(task.order) };
    case "whole":
    case "whole-small":
      return { type: task.type, played: await playWhole(task.order, tellPart) };
    default:
      return task satisfies never;
  }
}

function tellPart(what: string, virtualMs: number): void {
  const seconds = Math.round(virtualMs / 100) / 10;
  const line = `${what} after ${seconds} virtual s and ${Math.round(cpuMs() / 1_000)} s of a processor`;
  tell({ type: "tell", line });
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
