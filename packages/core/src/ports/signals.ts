/** Signals: the operating system asking the process to stop. */
export interface Signals {
  /** Calls `fn` for each SIGTERM or SIGINT; returns the function that ends it. */
  onTerminate(fn: (signal: "SIGTERM" | "SIGINT") => void): () => void;
  /** Ends the process. */
  exit(code: number): void;
}
