/**
 * prettyLine: a log record as one line for people, e.g.
 * `09:41:07.250 warn  The peer refused us  peer=orders-2 code=ERR_WRONG_SECRET`.
 *
 * Control characters are escaped, so what a peer sent can neither forge a line nor move the cursor.
 * Only the stack of an unexpected error takes further lines, indented: a developer needs it.
 */
import type { SafeValue } from "./safe-fields.js";

/** A line as pino writes it, parsed. */
export type LogRecord = { readonly [key: string]: SafeValue };

const HIDDEN = new Set(["level", "time", "msg", "pid", "hostname"]);
const COLOURS: Readonly<Record<string, string>> = {
  debug: "\u001b[90m",
  info: "\u001b[36m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};
const DIM = "\u001b[2m";
const RESET = "\u001b[0m";

/** The record as a line (without a line feed at its end). */
export function prettyLine(record: LogRecord, options: { readonly colour: boolean }): string {
  const paint = (colour: string, text: string): string =>
    options.colour ? `${colour}${text}${RESET}` : text;
  const level = text(record["level"]);
  const fields: string[] = [];
  let stack = "";
  for (const [key, value] of Object.entries(record)) {
    if (HIDDEN.has(key)) continue;
    fields.push(`${paint(DIM, `${visible(key)}=`)}${shown(value)}`);
    stack ||= stackOf(value);
  }
  const parts = [
    paint(DIM, timeOf(text(record["time"]))),
    paint(COLOURS[level] ?? "", visible(level).padEnd(5)),
    visible(text(record["msg"])),
  ];
  const line = parts.join(" ");
  return (fields.length === 0 ? line : `${line}  ${fields.join(" ")}`) + stack;
}

/** `2026-01-01T09:41:07.250Z` → `09:41:07.250`: UTC, so that lines of several nodes can be compared. */
function timeOf(iso: string): string {
  return visible(iso.slice(11, 23));
}

function shown(value: SafeValue): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? visible(value) : quoted(value);
  if (isError(value)) {
    const name = text(value["code"] ?? value["name"]);
    return quoted(`${name}: ${text(value["message"])}`);
  }
  return visible(JSON.stringify(value));
}

/** An expected error (with a code) explains itself; any other one needs its stack. */
function stackOf(value: SafeValue): string {
  if (!isError(value) || value["code"] !== undefined) return "";
  const frames = text(value["stack"])
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  return frames.map((frame) => `\n    ${visible(frame.trim())}`).join("");
}

function isError(value: SafeValue): value is { readonly [key: string]: SafeValue } {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    "message" in value &&
    "stack" in value
  );
}

function text(value: SafeValue | undefined): string {
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
}

function quoted(value: string): string {
  return visible(JSON.stringify(value));
}

/** C0 and C1 controls, and the separators and overrides that change how text is laid out. */
const STEERING = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function visible(value: string): string {
  return value.replace(
    STEERING,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
