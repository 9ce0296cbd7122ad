/**
 * History lines: a history as lines of JSON, one for what happened at each moment, so that it can be written while it
 * happens and read when the writer died in the middle.
 *
 * An operation is the line of its start and, if there is one, the line of its end, under one number. A number is used
 * once in a file; lines of several files, or several processes with one clock, are read as several histories.
 */
import { invalidArgument } from "../invalid-argument.js";
import { canonicalText } from "./canonical-text.js";
import type { HistoryOperation } from "./history.js";

/** What a line says. */
export type HistoryEvent =
  | {
      readonly type: "invoke";
      readonly operation: number;
      readonly process: string | number;
      readonly key: string;
      readonly input: unknown;
      readonly at: number;
    }
  | {
      readonly type: "ok";
      readonly operation: number;
      readonly output?: unknown;
      readonly at: number;
    }
  | { readonly type: "not-applied" | "unknown"; readonly operation: number; readonly at: number };

/**
 * One event as a line, without its end.
 *
 * @throws {ERR_INVALID_ARGUMENT} a value would not come back from JSON as it is
 */
export function historyLine(event: HistoryEvent): string {
  const line = JSON.stringify(event);
  if (canonicalText(JSON.parse(line)) !== canonicalText(event)) {
    const expected = "data that JSON keeps as it is";
    throw invalidArgument(`The ${event.type} of operation ${event.operation}`, expected, line);
  }
  return line;
}

/**
 * The history that the lines tell. Operations known not to have been applied are left out; what has no end, or an unknown
 * one, ended at `Infinity`.
 *
 * @param lines a text, or its lines; empty ones are skipped
 * @throws {ERR_INVALID_ARGUMENT} a line is no event, or ends what did not start; the message names its number
 */
export function parseHistory<Input = unknown, Output = unknown>(
  lines: string | Iterable<string>,
): HistoryOperation<Input, Output>[] {
  const operations = new Map<number, HistoryOperation<Input, Output>>();
  const ended = new Set<number>();
  let number = 0;
  for (const line of typeof lines === "string" ? lines.split("\n") : lines) {
    number += 1;
    if (line.trim() === "") continue;
    const event = eventOf(line, number);
    const started = operations.get(event.operation);
    if (event.type === "invoke") {
      if (started || ended.has(event.operation)) throw noEvent(number, "a new operation's", line);
      const { process, key, input, at } = event;
      operations.set(event.operation, {
        process,
        key,
        input: input as Input,
        startedAt: at,
        endedAt: Number.POSITIVE_INFINITY,
      });
      continue;
    }
    if (!started || ended.has(event.operation)) throw noEvent(number, "an open operation's", line);
    ended.add(event.operation);
    if (event.type === "not-applied") operations.delete(event.operation);
    if (event.type !== "ok") continue;
    const output = event.output === undefined ? {} : { output: event.output as Output };
    operations.set(event.operation, { ...started, ...output, endedAt: event.at });
  }
  return [...operations.values()];
}

function eventOf(line: string, number: number): HistoryEvent {
  let found: unknown;
  try {
    found = JSON.parse(line);
  } catch {
    throw noEvent(number, "a history's", line);
  }
  const event = (found ?? {}) as Record<string, unknown>;
  const { type, operation, at, process, key } = event;
  const isEnd = type === "ok" || type === "not-applied" || type === "unknown";
  const isStart =
    type === "invoke" &&
    typeof key === "string" &&
    (typeof process === "string" || typeof process === "number");
  if ((isStart || isEnd) && Number.isSafeInteger(operation) && Number.isFinite(at)) {
    return event as unknown as HistoryEvent;
  }
  throw noEvent(number, "a history's", line);
}

function noEvent(number: number, whose: string, line: string): Error {
  const found = line.length > 120 ? `${line.slice(0, 120)}…` : line;
  return invalidArgument(`Line ${number} of a history`, `${whose} event`, found);
}
