/**
 * safeFields: any fields as plain JSON data, whatever they hold.
 *
 * Why: a log call must never throw, and JSON throws on cycles, on BigInt and in getters; it must
 * never leak, so secrets are replaced here, before any adapter sees them; and it must stay small, so
 * depth, number and length are limited. A FoundationError keeps code and details, an error its stack.
 */
import type { LogFields } from "../ports/logger.js";
import { loggerLimits } from "./limits.js";
import { isSecretKey, isSecretValue, REDACTED } from "./redaction.js";

/** Plain JSON data. */
export type SafeValue =
  | string
  | number
  | boolean
  | null
  | readonly SafeValue[]
  | { readonly [key: string]: SafeValue };

/** Names the line itself uses; a field of that name is kept under the name with `_` behind it. */
const RESERVED = new Set(["level", "time", "msg", "pid", "hostname"]);

/** The fields as plain JSON data, secrets replaced. Never throws. */
export function safeFields(fields: LogFields): Record<string, SafeValue> {
  const walk = new Walk();
  const safe: Record<string, SafeValue> = {};
  for (const key of keysOf(fields)) {
    const value = walk.entry(fields, key, 1);
    if (value !== undefined) put(safe, RESERVED.has(key) ? `${key}_` : key, value);
  }
  return safe;
}

/** One pass over the fields of one line: it holds what is open above (cycles) and how much was taken. */
class Walk {
  readonly #open = new Set<object>();
  #taken = 0;

  entry(owner: object, key: string, depth: number): SafeValue | undefined {
    if (isSecretKey(key)) return REDACTED;
    try {
      return this.value((owner as Record<string, unknown>)[key], depth);
    } catch {
      return "[unreadable]";
    }
  }

  value(value: unknown, depth: number): SafeValue | undefined {
    switch (typeof value) {
      case "string":
        return cut(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "boolean":
        return value;
      case "undefined":
        return undefined;
      case "bigint":
        return `${value}n`;
      case "symbol":
        return cut(value.toString());
      case "function":
        return `[function ${cut(value.name)}]`;
      case "object":
        return value === null ? null : this.#object(value, depth);
      default:
        return "[unreadable]";
    }
  }

  #object(value: object, depth: number): SafeValue {
    if (isSecretValue(value)) return REDACTED;
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (this.#open.has(value)) return "[circular]";
    if (depth > loggerLimits.fieldDepthMax) return "[depth]";
    this.#open.add(value);
    try {
      return this.#inside(value, depth);
    } finally {
      this.#open.delete(value);
    }
  }

  #inside(value: object, depth: number): SafeValue {
    if (value instanceof Error) return this.#error(value, depth);
    if (Array.isArray(value) || value instanceof Set) return this.#list(value, depth);
    if (value instanceof Map) return this.#list(value.entries(), depth);
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") {
      return this.value(toJSON.call(value, ""), depth + 1) ?? null;
    }
    return this.#record(value, keysOf(value), depth);
  }

  #error(error: Error, depth: number): SafeValue {
    const keys = ["name", "code", "message", "details", "cause", "stack"];
    return this.#record(error, keys, depth);
  }

  #list(values: Iterable<unknown>, depth: number): SafeValue {
    const list: SafeValue[] = [];
    for (const value of values) {
      if (this.#full()) {
        list.push("[more]");
        break;
      }
      list.push(this.value(value, depth + 1) ?? null);
    }
    return list;
  }

  #record(value: object, keys: readonly string[], depth: number): SafeValue {
    const record: Record<string, SafeValue> = {};
    for (const key of keys) {
      if (this.#full()) {
        put(record, "…", "[more]");
        break;
      }
      const safe = this.entry(value, key, depth + 1);
      if (safe !== undefined) put(record, key, safe);
    }
    return record;
  }

  #full(): boolean {
    this.#taken += 1;
    return this.#taken > loggerLimits.fieldValuesMax;
  }
}

function keysOf(value: object): readonly string[] {
  try {
    return Object.keys(value);
  } catch {
    return [];
  }
}

/** Assignment to `__proto__` would set the prototype; a definition makes a plain property. */
function put(record: Record<string, SafeValue>, key: string, value: SafeValue): void {
  if (key !== "__proto__") record[key] = value;
  else Object.defineProperty(record, key, { value, enumerable: true });
}

function cut(text: string): string {
  const max = loggerLimits.stringCharsMax;
  return text.length <= max ? text : `${text.slice(0, max)}… (${text.length} characters)`;
}
