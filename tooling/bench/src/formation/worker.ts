/** One node in a process of its own: starts, at once or when it is told to, and tells when it lists all. */
import { systemMs } from "../processes/system-time.js";
import { catalogue } from "./catalogue.js";
import type { Heard, Moment, Task } from "./messages.js";

const runs = now();
const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const task = JSON.parse(process.argv[2] ?? "{}") as Task;
const contestant = await catalogue[task.contestant]?.(task);
if (contestant === undefined) throw new Error(`There is no contestant ${task.contestant}`);
const loaded = now();
if (task.waits) {
  const told = new Promise((resolve) => process.once("message", resolve));
  tell({ type: "booted" });
  await told;
}
const called = now();
const { full } = await contestant.start(task);
const started = now();
await full;
tell({ type: "formed", phases: { runs, loaded, called, started, formed: now() } });

function now(): Moment {
  const { user, system } = process.cpuUsage();
  return { atMs: systemMs(), cpuMs: (user + system) / 1_000 };
}
