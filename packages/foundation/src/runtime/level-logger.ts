/**
 * levelLogger: a logger whose level can be changed while it is in use, also that of the children it has given out.
 */
import type { Logger, LogLevel } from "@foundation/core";

const ranks: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

export interface LevelLogger extends Logger {
  /** The least important lines that are written from now on. */
  setLevel(level: LogLevel): void;
}

/** @param target writes every line it is given */
export function levelLogger(target: Logger, level: LogLevel): LevelLogger {
  const shared = { rank: ranks[level] };
  const setLevel = (next: LogLevel) => {
    shared.rank = ranks[next];
  };
  return { ...filtered(target, shared), setLevel };
}

function filtered(target: Logger, shared: { readonly rank: number }): Logger {
  return {
    debug: (message, fields) => {
      if (shared.rank <= ranks.debug) target.debug(message, fields);
    },
    info: (message, fields) => {
      if (shared.rank <= ranks.info) target.info(message, fields);
    },
    warn: (message, fields) => {
      if (shared.rank <= ranks.warn) target.warn(message, fields);
    },
    error: (message, fields) => {
      if (shared.rank <= ranks.error) target.error(message, fields);
    },
    child: (fields) => filtered(target.child(fields), shared),
  };
}
