/**
 * startCluster: from a configuration to a node of a cluster.
 *
 * It reads the configuration, has the parts assembled, waits for the first round of discovery, and hands out the handle.
 * Whatever fails on the way, what was already made is taken down in reverse. SIGTERM and SIGINT are heard from the moment
 * there is something to take down: while the node starts they end the start.
 */
import {
  ambientRuntime,
  DisposalStack,
  nodeRuntime,
  pinoLogger,
  type Logger,
  type Runtime,
} from "@foundation/core";
import type { Cluster } from "./cluster.js";
import { loadConfig, type LoadedConfig } from "./config/load-config.js";
import type { StartOptions } from "./config/cluster-config.js";
import { assemble, type Outside } from "./runtime/assemble.js";
import { clusterHandle } from "./runtime/cluster-handle.js";
import { createLeave } from "./runtime/leave.js";
import { levelLogger } from "./runtime/level-logger.js";
import { refuseAborted, settle } from "./runtime/settle.js";
import { terminateOnSignals } from "./runtime/terminate-on-signals.js";

/**
 * Starts this process as a node of its cluster.
 *
 * Resolves when the node listens and one round of discovery has ended; peers may still be on their way: wait for them
 * with `cluster.ready()`.
 *
 * @throws {ERR_CONFIG_INVALID} @throws {ERR_CONFIG_UNREADABLE} @throws {ERR_NAME_REQUIRED}
 * @throws {ERR_ADDRESS_IN_USE} @throws {ERR_ABORTED}
 *
 * @example
 * ```ts
 * import { startCluster } from "@foundation/foundation"
 *
 * const cluster = await startCluster()
 * await cluster.ready({ nodes: 3, timeout: "30s" })
 * console.log(cluster.nodes().map((node) => node.name))
 * await cluster.leave()
 * ```
 */
export async function startCluster(options: StartOptions = {}): Promise<Cluster> {
  refuseAborted(options.signal);
  // Asked before anything is awaited: it is the simulated node whose code called.
  const ambient = ambientRuntime();
  const outside: Partial<Runtime> = { ...ambient, ...options.runtime };
  const config = await loadConfig(options, process.env, outside);
  const { logger, ...levels } = loggerOf(options.logger ?? outside.logger, config);
  for (const warning of config.warnings) logger.warn(warning);
  const complete = nodeRuntime({ ...outside, logger });
  const runtime = ambient && !keepsState(config, options) ? withoutStorage(complete) : complete;
  const stack = new DisposalStack();
  const interrupt = new AbortController();
  let startEnded = () => {};
  const ended = new Promise<void>((resolve) => {
    startEnded = resolve;
  });
  let leave = () => {
    interrupt.abort("the process was asked to end");
    return ended;
  };
  if (config.values.signals) {
    stack.defer(terminateOnSignals(runtime.signals, logger, () => leave()));
  }
  const { signal = interrupt.signal } = options;
  const giveUp = AbortSignal.any([signal, interrupt.signal]);
  try {
    const cluster = await open(config, { runtime, ...levels }, stack, giveUp);
    leave = cluster.leave;
    const handles = runtime.host?.handles;
    handles?.add(cluster);
    stack.defer(() => handles?.delete(cluster));
    return cluster;
  } catch (error) {
    await takeDown(stack, runtime);
    throw error;
  } finally {
    startEnded();
  }
}

async function open(
  config: LoadedConfig,
  outside: Outside,
  stack: DisposalStack,
  giveUp: AbortSignal,
): Promise<Cluster> {
  refuseAborted(giveUp);
  const parts = await assemble(config, outside, stack);
  await settle(parts, giveUp);
  return clusterHandle(parts, createLeave(parts, stack));
}

/** What failed to start is what the caller is told; what then failed to close is only logged. */
async function takeDown(stack: DisposalStack, { logger }: Runtime): Promise<void> {
  try {
    await stack.close();
  } catch (error) {
    logger.warn("After a start that failed, something could not be closed", { error });
  }
}

/** A simulated node has a disk; as on a real one, only who names a directory or brings a storage uses it. */
function keepsState({ values }: LoadedConfig, { runtime }: StartOptions): boolean {
  return values.dataDir !== undefined || runtime?.storage !== undefined;
}

function withoutStorage({ storage: _, ...runtime }: Runtime): Runtime {
  return runtime;
}

/** The application's logger as it is; one of our own has a level that can be changed. */
function loggerOf(
  given: Logger | undefined,
  { values }: LoadedConfig,
): { readonly logger: Logger } & Pick<Outside, "setLevel"> {
  if (given !== undefined) return { logger: given };
  const lines = pinoLogger({ level: "debug" }).child({ cluster: values.name });
  const { setLevel, ...logger } = levelLogger(lines, values.log.level);
  return { logger, setLevel };
}
