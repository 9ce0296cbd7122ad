/**
 * environmentLayer: options from environment variables, e.g. `FOUNDATION_CLUSTER=kubernetes`.
 *
 * A mapping names each variable's option and how its text is read; a text that cannot be read is a
 * problem that `resolveConfig` lists with all others. An empty variable counts as not set, since
 * container tools cannot leave one out. A variable that looks like a misspelt one is a warning, not
 * an error: other programs may use the same prefix.
 */
import { parseDuration, type Duration } from "../duration.js";
import { REDACTED } from "../logger/redaction.js";
import type { ConfigLayer, ConfigProblem } from "./layer.js";
import { shownValue } from "./shown-value.js";
import { suggest } from "./suggestion.js";

/** How the text of a variable is read. */
export type EnvironmentValueType = "string" | "secret" | "number" | "boolean" | "list" | "duration";

/** What a variable sets. */
export interface EnvironmentVariable {
  /** The option, e.g. `security.secret`. */
  readonly path: string;
  /** `list` is separated by commas; `duration` is `5s` or milliseconds. @default "string" */
  readonly type?: EnvironmentValueType;
}

/** Variable name → what it sets; a bare text is the path of a string option. */
export type EnvironmentMapping = Readonly<Record<string, EnvironmentVariable | string>>;

/** The layer, and what looked like a mistake in the environment. */
export interface EnvironmentLayer extends ConfigLayer {
  /** One sentence for each variable that looks like a misspelt one of the mapping. */
  readonly warnings: readonly string[];
}

/**
 * Reads the variables of the mapping.
 *
 * @example
 * ```ts
 * import { environmentLayer } from "@foundation/core/config"
 *
 * const layer = environmentLayer(process.env, {
 *   FOUNDATION_CLUSTER: "cluster",
 *   FOUNDATION_PORT: { path: "port", type: "number" },
 *   FOUNDATION_SECRET: { path: "security.secret", type: "secret" },
 * })
 * ```
 */
export function environmentLayer(
  env: Readonly<Record<string, string | undefined>>,
  mapping: EnvironmentMapping,
): EnvironmentLayer {
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const problems: ConfigProblem[] = [];
  for (const [name, target] of Object.entries(mapping)) {
    const { path, type = "string" } = typeof target === "string" ? { path: target } : target;
    const text = env[name]?.trim();
    if (text === undefined || text === "") continue;
    origins[path] = name;
    try {
      place(values, path.split("."), READERS[type](text));
    } catch {
      problems.push(unreadable(name, path, type, text));
    }
  }
  return { name: "environment", values, origins, problems, warnings: misspelt(env, mapping) };
}

const READERS: Readonly<Record<EnvironmentValueType, (text: string) => unknown>> = {
  string: (text) => text,
  secret: (text) => text,
  number: (text) => finite(Number(text)),
  boolean: (text) => readBoolean(text.toLowerCase()),
  list: (text) =>
    text
      .split(",")
      .map((each) => each.trim())
      .filter((each) => each !== ""),
  duration: (text) =>
    parseDuration((/^\d+(\.\d+)?$/.test(text) ? Number(text) : text) as Duration, "the variable"),
};

const EXPECTED: Readonly<Record<EnvironmentValueType, string>> = {
  string: "a text",
  secret: "a text",
  number: "a number",
  boolean: "true or false (also 1/0, yes/no, on/off)",
  list: "values separated by commas",
  duration: 'a duration such as "250ms" or "5s", or a number of milliseconds',
};

function finite(value: number): number {
  if (Number.isFinite(value)) return value;
  throw new RangeError("not a number");
}

function readBoolean(text: string): boolean {
  if (["true", "1", "yes", "on"].includes(text)) return true;
  if (["false", "0", "no", "off"].includes(text)) return false;
  throw new RangeError("not a boolean");
}

function place(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let group = values;
  for (const key of path.slice(0, -1)) {
    const next = (group[key] ?? {}) as Record<string, unknown>;
    group[key] = next;
    group = next;
  }
  group[path.at(-1) ?? ""] = value;
}

function unreadable(
  name: string,
  path: string,
  type: EnvironmentValueType,
  text: string,
): ConfigProblem {
  return {
    path,
    layer: "environment",
    expected: EXPECTED[type],
    found: type === "secret" ? REDACTED : shownValue(text),
    fix: `Change the variable ${name}, or unset it.`,
  };
}

function misspelt(
  env: Readonly<Record<string, string | undefined>>,
  mapping: EnvironmentMapping,
): readonly string[] {
  const known = Object.keys(mapping);
  const prefixes = new Set(known.map((name) => `${name.split("_", 1)[0]}_`));
  return Object.keys(env).flatMap((name) => {
    const isOurs = [...prefixes].some((prefix) => name.startsWith(prefix));
    if (!isOurs || Object.hasOwn(mapping, name)) return [];
    const prefix = name.slice(0, name.indexOf("_") + 1);
    const rests = known.filter((each) => each.startsWith(prefix));
    const near = suggest(
      name.slice(prefix.length),
      rests.map((each) => each.slice(prefix.length)),
    );
    if (near === undefined) return [];
    return [`The variable ${name} is not known and was ignored. Did you mean ${prefix}${near}?`];
  });
}
