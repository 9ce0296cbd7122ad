/**
 * pinoLogger: the Logger port on pino (https://getpino.io), the default of every node.
 *
 * Lines go to standard error, so that an application's own output stays clean; on a terminal as one
 * line for people, otherwise as JSON. Invariants of the port: no call throws (fields are made safe
 * first, and a failing destination is ignored) and none blocks (lines wait in a bounded buffer; what
 * does not fit is dropped). What waits is written when the process exits, also on an uncaught error,
 * and what is written while it exits is written at once.
 *
 * Nothing of pino is made, or even loaded, before the first line that is written.
 */
import type { DestinationStream, Logger as Pino } from "pino";
import { pino } from "#pino";
import { coreErrors } from "../errors/index.js";
import type { Logger, LogFields } from "../ports/logger.js";
import { loggerLimits } from "./limits.js";
import { prettyLine, type LogRecord } from "./pretty-line.js";
import { safeFields } from "./safe-fields.js";

/** The least important line that is written; `silent` writes none. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

/** Options of `pinoLogger`. */
export interface PinoLoggerOptions {
  /** @default "info" */
  readonly level?: LogLevel;
  /** One line for people instead of JSON. @default true when standard error is a terminal */
  readonly pretty?: boolean;
  /** Takes each line with its line feed. @default standard error */
  readonly destination?: { write(line: string): unknown };
}

/**
 * A logger on pino.
 *
 * @throws {ERR_INVALID_ARGUMENT} for a level that is none.
 *
 * @example
 * ```ts
 * import { pinoLogger } from "@foundation/core"
 *
 * const logger = pinoLogger({ level: "debug" }).child({ node: "orders-1" })
 * logger.info("The cluster has formed", { nodes: 3 })
 * ```
 */
export function pinoLogger(options: PinoLoggerOptions = {}): Logger {
  const { level = "info" } = options;
  if (!Object.hasOwn(ranks, level)) throw unknownLevel(level);
  if (options.destination === undefined) flushAtExit();
  let made: Pino | undefined;
  return adapt(ranks[level], () => (made ??= create(level, options)));
}

function create(level: LogLevel, options: PinoLoggerOptions): Pino {
  const terminal = options.destination === undefined && process.stderr.isTTY === true;
  const lines = options.destination ?? standardError;
  const destination: DestinationStream =
    (options.pretty ?? terminal)
      ? { write: (line) => void lines.write(prettied(line, terminal && coloursWanted())) }
      : { write: (line) => void lines.write(line) };
  const settings = {
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return pino(settings, destination);
}

const ranks: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  silent: 4,
};

function unknownLevel(level: string): Error {
  const expected = Object.keys(ranks).join(", ");
  return coreErrors.ERR_INVALID_ARGUMENT(`A logger's level is one of ${expected}; found ${level}`, {
    argument: "level",
    expected,
    found: level,
  });
}

type Level = Exclude<LogLevel, "silent">;

/** @param target is asked only for a line that is written */
function adapt(rank: number, target: () => Pino): Logger {
  const write = (level: Level, message: string, fields: LogFields | undefined): void => {
    if (ranks[level] < rank) return;
    try {
      target()[level](fields === undefined ? {} : safeFields(fields), String(message));
    } catch {
      // A destination that fails must not take the caller down: the port promises it.
    }
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    child: (fields) => {
      // As they are now, whenever its first line comes.
      const safe = safeFields(fields);
      let made: Pino | undefined;
      return adapt(rank, () => (made ??= target().child(safe)));
    },
  };
}

function prettied(line: string, colour: boolean): string {
  return `${prettyLine(JSON.parse(line) as LogRecord, { colour })}\n`;
}

function coloursWanted(): boolean {
  return process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb";
}

let shared: ReturnType<typeof pino.destination> | undefined;
let flushesAtExit = false;
let isExiting = false;

/** One stream for all loggers of the process: several would interleave parts of lines. */
const standardError = {
  write(line: string): void {
    if (shared === undefined) {
      shared = pino.destination({ fd: 2, sync: false, maxLength: loggerLimits.pendingBytesMax });
      shared.on("error", () => {
        // Standard error is gone; there is nowhere left to say so.
      });
    }
    shared.write(line);
    if (isExiting) shared.flushSync();
  },
};

/** pino writes what waits when the process exits; what is logged after that would wait for ever. */
function flushAtExit(): void {
  if (flushesAtExit) return;
  flushesAtExit = true;
  process.prependOnceListener("exit", () => {
    isExiting = true;
  });
}
