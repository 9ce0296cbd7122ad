/** The program of a worker: plays one experiment, answers, and ends. */
import { playChurn, playCrash, playSteady, playStorm } from "../../../acceptance/overlay/index.js";
import type { Answer, Played, Task } from "./task.js";

process.on("disconnect", () => process.exit());
process.once("message", (task: Task) => {
  const played = play(task);
  const { user, system } = process.cpuUsage();
  const { maxRSS } = process.resourceUsage();
  // In kilobytes, whatever the system.
  const cost = { cpuMs: (user + system) / 1_000, rssBytesMax: maxRSS * 1_024 };
  const answer: Answer = { ...played, ...cost };
  process.send?.(answer);
});

function play(task: Task): Played {
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
    default:
      return task satisfies never;
  }
}
