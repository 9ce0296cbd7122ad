/**
 * Signals: the operating system asking the process to stop.
 *
 * Guarantees: listeners are called in the order they were added, for each signal again. Several holders may listen in
 * one process; whoever was told of a signal says with `exit` that it is done.
 */
export interface Signals {
  /** Calls `fn` for each SIGTERM or SIGINT; returns the function that ends it. */
  onTerminate(fn: (signal: "SIGTERM" | "SIGINT") => void): () => void;
  /** Ends the process, once every other holder that was told of a signal has asked for it too. */
  exit(code: number): void;
}
