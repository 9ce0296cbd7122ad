/** What a process under attack must not do, counted: throw into the void, or report a bug of its own. */
import type { Logger } from "@foundation/core";

/** Lines kept to be shown. */
const SHOWN_MAX = 5;

export interface Crashes {
  count: number;
  /** The first few, to be looked for. */
  readonly shown: string[];
}

/** Counts uncaught exceptions and unhandled rejections of this process, instead of ending it. */
export function watchProcess(): Crashes {
  const crashes: Crashes = { count: 0, shown: [] };
  process.on("uncaughtException", (error) => note(crashes, error.stack ?? error.message));
  process.on("unhandledRejection", (reason) => {
    note(crashes, reason instanceof Error ? (reason.stack ?? reason.message) : String(reason));
  });
  return crashes;
}

export function note(crashes: Crashes, what: string): void {
  crashes.count += 1;
  if (crashes.shown.length < SHOWN_MAX) crashes.shown.push(what.slice(0, 600));
}

/** Silent, but what the node itself calls a bug counts as a crash. */
export function watchingLogger(crashes: Crashes): Logger {
  const quiet = () => {};
  const logger: Logger = {
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (text, fields) => {
      if (text.includes("bug")) note(crashes, `${text}: ${JSON.stringify(fields)}`);
    },
    child: () => logger,
  };
  return logger;
}
