/** How a value of the configuration is shown to people: short, on one line, and without secrets. */
import { isSecretKey, isSecretValue, REDACTED } from "../logger/redaction.js";
import { configLimits } from "./limits.js";
import { isPlainObject, type Shape } from "./schema-shape.js";

/** True when the option at the end of the path, or a group around it, is secret. */
export function isSecretPath(shape: Shape, path: readonly string[]): boolean {
  return path.some((key, index) => {
    const isSecretOption = shape.at(path.slice(0, index + 1))?.metadata.secret === true;
    return isSecretOption || isSecretKey(key);
  });
}

/** True also for a group with a secret option in it: what stands in its place may be that secret. */
export function mayBeSecret(shape: Shape, path: readonly string[]): boolean {
  if (isSecretPath(shape, path)) return true;
  const group = path.length === 0 ? undefined : shape.at(path);
  return group?.paths().some((below) => isSecretPath(group, below.split("."))) === true;
}

/** The value for an error message, cut to one short line. */
export function shownValue(value: unknown): string {
  const text = value === undefined ? "nothing" : (JSON.stringify(plainValue(value)) ?? "nothing");
  const max = configLimits.shownCharsMax;
  return text.length <= max ? text : `${text.slice(0, max)}…`;
}

/** The value as plain data: instances and functions by their name, secrets replaced. */
export function plainValue(value: unknown, depth = 0): unknown {
  if (isSecretValue(value)) return REDACTED;
  if (typeof value === "function") return `[function ${value.name}]`;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "number" && !Number.isFinite(value)) return `${value}`;
  if (typeof value === "symbol") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (depth >= configLimits.depthMax) return "[depth]";
  if (Array.isArray(value)) return value.map((each) => plainValue(each, depth + 1));
  if (!isPlainObject(value) || Object.values(value).some(isFunction)) return instanceName(value);
  const entries = Object.entries(value).map(([key, each]) => [
    key,
    isSecretKey(key) ? REDACTED : plainValue(each, depth + 1),
  ]);
  return Object.fromEntries(entries) as unknown;
}

function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

/** A strategy or an adapter made by a factory calls itself something; else its class must do. */
function instanceName(value: object): string {
  const { name } = value as { name?: unknown };
  const kind = value.constructor?.name ?? "Object";
  return typeof name === "string" ? `[${kind === "Object" ? "" : `${kind} `}${name}]` : `[${kind}]`;
}
