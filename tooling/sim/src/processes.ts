/** Processes: the worker's program, and how this process starts one: as it was started itself. */
import { fileURLToPath } from "node:url";
import type { Order } from "./order.js";
import type { PoolSettings } from "./worker-pool.js";

const workerFile = fileURLToPath(new URL("worker.ts", import.meta.url));
export const mainFile = fileURLToPath(new URL("main.ts", import.meta.url));
export const repositoryRoot = fileURLToPath(new URL("../../../", import.meta.url));

/** In MiB. What a seed allocates dies soon, and in Node's usual 16 some lives on to be copied: worth about a tenth. */
const youngSpace = "--max-semi-space-size=32";

export function poolSettings(
  { jobs, stuckAfterMs }: Pick<Order, "jobs" | "stuckAfterMs">,
  tell: (line: string) => void,
  signal: AbortSignal,
): PoolSettings {
  const execArgv = [...process.execArgv, youngSpace];
  return { file: workerFile, execArgv, jobs, stuckAfterMs, tell, signal };
}
