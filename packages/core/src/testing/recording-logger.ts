/** RecordingLogger: the twin of Logger that keeps its lines, so that a test can read them. */
import type { LogFields, Logger } from "../ports/logger.js";

/** One line as it was written. */
export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  /** The fields of the line and of the loggers above it. */
  readonly fields: LogFields;
}

/** A logger for tests; see `recordingLogger`. */
export interface RecordingLogger extends Logger {
  /** Everything written through this logger and its children, oldest first. */
  readonly lines: readonly LogLine[];
  /** Forgets the lines. */
  clear(): void;
}

/** A logger that keeps its lines. */
export function recordingLogger(): RecordingLogger {
  const lines: LogLine[] = [];
  return Object.assign(loggerInto(lines, {}), {
    lines,
    clear: () => {
      lines.length = 0;
    },
  });
}

function loggerInto(lines: LogLine[], above: LogFields): Logger {
  const write = (level: LogLine["level"]) => (message: string, fields?: LogFields) => {
    lines.push({ level, message, fields: { ...above, ...copied(fields) } });
  };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => loggerInto(lines, { ...above, ...copied(fields) }),
  };
}

/** A logger never throws, also when a field's getter does. */
function copied(fields: LogFields | undefined): LogFields {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(fields ?? {})) {
    try {
      copy[key] = fields?.[key];
    } catch (error) {
      copy[key] = `[threw ${String(error)}]`;
    }
  }
  return copy;
}
