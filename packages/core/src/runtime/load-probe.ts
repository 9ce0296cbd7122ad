/**
 * loadProbe: how busy this process is, each time since it was last asked.
 *
 * A simulated node shares its process with all the others, so it has no load of its own: it is always idle.
 */
import { availableParallelism, totalmem } from "node:os";
import { performance } from "node:perf_hooks";
import type { NodeLoad, Runtime } from "../ports/index.js";

const idle: NodeLoad = { eventLoop: 0, processor: 0, memory: 0 };

/**
 * A function that gives the load since it was last called. Of a runtime with a simulated host it is always 0.
 *
 * @example
 * ```ts
 * import { loadProbe } from "@foundation/core"
 *
 * const probe = loadProbe()
 * setInterval(() => console.log(probe().eventLoop), 5_000)
 * ```
 */
export function loadProbe({ host }: Pick<Runtime, "host"> = {}): () => NodeLoad {
  if (host !== undefined) return () => idle;
  const processors = availableParallelism();
  const machineBytes = totalmem();
  let loop = performance.eventLoopUtilization();
  let used = process.cpuUsage();
  let at = performance.now();
  return () => {
    const loopNow = performance.eventLoopUtilization();
    const usedNow = process.cpuUsage();
    const now = performance.now();
    const usedMs = (usedNow.user + usedNow.system - used.user - used.system) / 1_000;
    const load = {
      eventLoop: share(performance.eventLoopUtilization(loopNow, loop).utilization),
      processor: share(usedMs / Math.max(1, now - at) / processors),
      memory: share(process.memoryUsage.rss() / machineBytes),
    };
    loop = loopNow;
    used = usedNow;
    at = now;
    return load;
  };
}

/** Two digits are enough, and a clock that is coarse never makes more of it than there is. */
function share(value: number): number {
  return Math.round(Math.min(1, Math.max(0, value)) * 100) / 100;
}
