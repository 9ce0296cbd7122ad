/** Processes: the worker's program, and how this process starts one: as it was started itself. */
import { fileURLToPath } from "node:url";
import type { Order } from "./order.js";
import type { PoolSettings } from "./worker-pool.js";

const workerFile = fileURLToPath(new URL("worker.ts", import.meta.url));
export const mainFile = fileURLToPath(new URL("main.ts", import.meta.url));
export const repositoryRoot = fileURLToPath(new URL("../../../", import.meta.url));

export function poolSettings(
  { jobs, stuckAfterMs }: Pick<Order, "jobs" | "stuckAfterMs">,
  tell: (line: string) => void,
  signal: AbortSignal,
): PoolSettings {
  return { file: workerFile, execArgv: process.execArgv, jobs, stuckAfterMs, tell, signal };
}
