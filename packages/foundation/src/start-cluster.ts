/**
 * startCluster: from a configuration to a node of a cluster.
 *
 * It reads the configuration, has the parts assembled, waits for the first round of discovery, and hands out the handle.
 * Whatever fails on the way, what was already made is taken down in reverse.
 */
import { DisposalStack, pinoLogger, type Logger } from "@foundation/core";
import type { Cluster } from "./cluster.js";
import { loadConfig, type LoadedConfig } from "./config/load-config.js";
import type { StartOptions } from "./config/schema.js";
import { assemble } from "./runtime/assemble.js";
import { clusterHandle } from "./runtime/cluster-handle.js";
import { createLeave } from "./runtime/leave.js";
import { refuseAborted, settle } from "./runtime/settle.js";
import { terminateOnSignals } from "./runtime/terminate-on-signals.js";

/**
 * Starts this process as a node of its cluster.
 *
 * Resolves when the node listens and one round of discovery has ended; peers may still be on their way: wait for them
 * with `cluster.ready()`.
 *
 * @throws {ERR_CONFIG_INVALID} @throws {ERR_CONFIG_UNREADABLE} @throws {ERR_NAME_REQUIRED}
 * @throws {ERR_ADDRESS_IN_USE} @throws {ERR_INSECURE_LISTEN} @throws {ERR_ABORTED}
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
  const config = await loadConfig(options, process.env);
  const logger = options.logger ?? options.runtime?.logger ?? loggerOf(config);
  for (const warning of config.warnings) logger.warn(warning);
  const stack = new DisposalStack();
  try {
    refuseAborted(options.signal);
    const parts = await assemble(config, options, logger, stack);
    await settle(parts, options.signal);
    const { leave, drain } = createLeave(parts, stack);
    if (config.values.signals) {
      stack.defer(terminateOnSignals(parts.runtime.signals, logger, leave));
    }
    return clusterHandle(parts, { leave, drain });
  } catch (error) {
    await stack.close();
    throw error;
  }
}

function loggerOf({ values }: LoadedConfig): Logger {
  return pinoLogger({ level: values.log.level }).child({ cluster: values.name });
}
