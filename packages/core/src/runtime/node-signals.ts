/**
 * nodeSignals: Signals by `process`.
 *
 * One process may hold several nodes, each with Signals of its own, and one signal asks all of them to end. The process
 * exits when the last of those that were told has asked for it, so that no node cuts another's farewell short.
 */
import type { Signals } from "../ports/signals.js";

/** Who was told of a signal and has not asked to exit yet; one set for the process. */
const ending = new Set<Signals>();
let exitCode = 0;

/** SIGTERM and SIGINT of this process. A listener keeps Node from ending by itself: it must exit in the end. */
export function nodeSignals(): Signals {
  const signals: Signals = {
    onTerminate: (fn) => {
      const listener = (signal: NodeJS.Signals) => {
        if (signal !== "SIGTERM" && signal !== "SIGINT") return;
        ending.add(signals);
        fn(signal);
      };
      process.on("SIGTERM", listener);
      process.on("SIGINT", listener);
      return () => {
        process.off("SIGTERM", listener);
        process.off("SIGINT", listener);
      };
    },
    exit: (code) => {
      ending.delete(signals);
      // What went wrong anywhere is what the process ends with.
      exitCode = Math.max(exitCode, code);
      if (ending.size === 0) process.exit(exitCode);
    },
  };
  return signals;
}
