/**
 * TraceContext: W3C Trace Context (https://www.w3.org/TR/trace-context/), carried explicitly with
 * every message.
 *
 * Why explicit: an active AsyncLocalStorage quadruples the cost of every await, so the hot path
 * passes the context as a value and only user handlers run inside a scope (`trace-scope.ts`).
 *
 * Invariants: a TraceContext made here is well formed (hexadecimal, lower case, not all zero,
 * flags 0 to 255); what a peer sent is checked by the parser before it becomes one.
 */
import { coreErrors } from "../errors/errors.js";
import type { Random } from "../ports/random.js";

/** What a message carries of the trace it belongs to. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero: the span that sent the message. */
  readonly spanId: string;
  /** Bit 0: sampled. */
  readonly flags: number;
}

/** The bit of `flags` that says the trace is recorded. */
export const SAMPLED = 1;

/** Exactly as long as version 00 is, or longer with a dash: later versions may only add fields. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** A header longer than this is refused unread: no version we know needs more. */
const TRACEPARENT_CHARS_MAX = 256;
const ALL_ZERO = /^0+$/;

/**
 * The trace a `traceparent` header names, or undefined when the header is not well formed: the
 * standard wants a bad header ignored and a new trace begun, never an error.
 *
 * @example
 * ```ts
 * import { parseTraceparent } from "@foundation/core"
 *
 * const trace = parseTraceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
 * console.log(trace?.traceId)
 * ```
 */
export function parseTraceparent(header: string): TraceContext | undefined {
  if (header.length > TRACEPARENT_CHARS_MAX) return undefined;
  const match = TRACEPARENT.exec(header);
  if (match === null) return undefined;
  const [, version = "", traceId = "", spanId = "", flags = "", more] = match;
  if (version === "ff" || (version === "00" && more !== undefined)) return undefined;
  if (ALL_ZERO.test(traceId) || ALL_ZERO.test(spanId)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags, 16) };
}

/**
 * The `traceparent` header of a trace, in version 00.
 *
 * @throws {ERR_INVALID_ARGUMENT} when the trace is not well formed.
 */
export function formatTraceparent(trace: TraceContext): string {
  if (!isTraceContext(trace)) throw malformed(trace);
  return `00-${trace.traceId}-${trace.spanId}-${hexByte(trace.flags)}`;
}

/** True when the value is a well-formed TraceContext; use it on what a peer sent. */
export function isTraceContext(value: unknown): value is TraceContext {
  if (typeof value !== "object" || value === null) return false;
  const { traceId, spanId, flags } = value as Partial<Record<keyof TraceContext, unknown>>;
  return isId(traceId, 32) && isId(spanId, 16) && isByte(flags);
}

/**
 * A new trace with its first span.
 *
 * @param options.sampled whether the trace is recorded. Default: true
 */
export function newTrace(
  random: Random,
  options: { readonly sampled?: boolean } = {},
): TraceContext {
  return {
    traceId: randomId(random, 4),
    spanId: randomId(random, 2),
    flags: (options.sampled ?? true) ? SAMPLED : 0,
  };
}

/** A new span of the same trace; what it sends names it as the parent. */
export function childSpan(parent: TraceContext, random: Random): TraceContext {
  return { traceId: parent.traceId, spanId: randomId(random, 2), flags: parent.flags };
}

/** True when the trace is recorded. */
export function isSampled(trace: TraceContext): boolean {
  return (trace.flags & SAMPLED) === SAMPLED;
}

/** Ids of traces are not secrets, so the cheap source serves; all zero is the one refused value. */
function randomId(random: Random, words: number): string {
  let text = "";
  for (let i = 0; i < words; i += 1) text += random.uint32().toString(16).padStart(8, "0");
  return ALL_ZERO.test(text) ? `${text.slice(0, -1)}1` : text;
}

function isId(value: unknown, digits: number): boolean {
  return (
    typeof value === "string" &&
    value.length === digits &&
    /^[0-9a-f]+$/.test(value) &&
    !ALL_ZERO.test(value)
  );
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}

function hexByte(value: number): string {
  return value.toString(16).padStart(2, "0");
}

function malformed(trace: unknown): Error {
  const expected = "a traceId of 32 and a spanId of 16 hexadecimal digits, flags from 0 to 255";
  const found = (JSON.stringify(trace) ?? String(trace)).slice(0, 120);
  return coreErrors.ERR_INVALID_ARGUMENT(
    `trace must have ${expected}, found ${found}. Make it with newTrace or parseTraceparent.`,
    { argument: "trace", expected, found },
  );
}
