/** ManualSignals: the twin of Signals. A test raises signals; an exit is only written down. */
import type { Signals } from "../ports/signals.js";

/** Signals for tests; see `manualSignals`. */
export interface ManualSignals extends Signals {
  /** Tells every listener of the signal, in the order they were added. */
  raise(signal: "SIGTERM" | "SIGINT"): void;
  /** The codes of every `exit`, oldest first. */
  readonly exits: readonly number[];
  /** How many listeners there are. */
  readonly listeners: number;
}

/** Signals that a test raises. */
export function manualSignals(): ManualSignals {
  const listeners = new Set<{ fn: (signal: "SIGTERM" | "SIGINT") => void }>();
  const exits: number[] = [];
  return {
    onTerminate: (fn) => {
      const listener = { fn };
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (code) => {
      exits.push(code);
    },
    raise: (signal) => {
      for (const { fn } of [...listeners]) fn(signal);
    },
    exits,
    get listeners() {
      return listeners.size;
    },
  };
}
