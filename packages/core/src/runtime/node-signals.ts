/** nodeSignals: Signals by `process`. */
import type { Signals } from "../ports/signals.js";

/** SIGTERM and SIGINT of this process. A listener keeps Node from ending by itself: it must exit in the end. */
export function nodeSignals(): Signals {
  return {
    onTerminate: (fn) => {
      const listener = (signal: NodeJS.Signals) => {
        if (signal === "SIGTERM" || signal === "SIGINT") fn(signal);
      };
      process.on("SIGTERM", listener);
      process.on("SIGINT", listener);
      return () => {
        process.off("SIGTERM", listener);
        process.off("SIGINT", listener);
      };
    },
    exit: (code) => process.exit(code),
  };
}
