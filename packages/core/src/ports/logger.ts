/**
 * Logger: structured log lines. `message` is a sentence for people, `fields` the data beside it.
 *
 * Guarantees: never throws, never blocks; secrets wrapped in `Secret` are redacted by every adapter.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these fields too. */
  child(fields: LogFields): Logger;
}

export type LogFields = Readonly<Record<string, unknown>>;
