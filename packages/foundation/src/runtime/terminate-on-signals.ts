/**
 * Graceful shutdown: SIGTERM and SIGINT drain the node and leave the cluster; a second SIGINT exits at once.
 *
 * Exit codes are those of a shell: 128 + the signal's number, 0 after an orderly SIGTERM, since that is what an
 * orchestrator asked for.
 */
import type { Logger, Signals } from "@foundation/core";

const exitCodes = { SIGINT: 130, SIGTERM: 0 } as const;

/** Returns the function that ends it. */
export function terminateOnSignals(
  signals: Signals,
  logger: Logger,
  leave: () => Promise<void>,
): () => void {
  let leaving = false;
  return signals.onTerminate((signal) => {
    if (leaving) {
      if (signal === "SIGINT") signals.exit(exitCodes.SIGINT);
      return;
    }
    leaving = true;
    logger.info(`Received ${signal}: leaving the cluster (a second SIGINT exits at once)`);
    leave().then(
      () => signals.exit(exitCodes[signal]),
      (error: unknown) => {
        logger.error("Leaving the cluster failed", { error });
        signals.exit(1);
      },
    );
  });
}
