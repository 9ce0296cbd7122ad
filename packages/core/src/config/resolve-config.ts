/**
 * resolveConfig: layers in, validated options out, with the origin of every value.
 *
 * Why one engine: whatever sets an option — a default, a file, a variable, a call — is checked by the
 * one schema, and an error names the option, the layer, the expectation and the fix. Unknown options
 * are errors, because a misspelt option that is ignored is found in production.
 */
import { safeParse, type GenericSchema, type InferOutput } from "valibot";
import { REDACTED } from "../logger/redaction.js";
import type { ConfigLayer, ConfigProblem } from "./layer.js";
import { mergeLayers, pathText, type Merged } from "./merge.js";
import {
  configInvalid,
  originOf,
  ownerOf,
  plainIssues,
  refusedValues,
  unknownOptions,
} from "./problems.js";
import { isPlainObject, Shape } from "./schema-shape.js";
import { isSecretPath, plainValue } from "./shown-value.js";

/** One effective value and why it is what it is. */
export interface ExplainedValue {
  /** e.g. `processes.supervisor.within` */
  readonly path: string;
  /** Plain data; `[secret]` for a secret, `[name]` for an instance. */
  readonly value: unknown;
  /** The layer it came from; `defaults` when the schema itself filled it in. */
  readonly layer: string;
  /** The file, the variable, … it was read from. */
  readonly origin?: string;
  /** For a detected value: why it was chosen. */
  readonly evidence?: string;
}

/** A validated configuration. */
export interface ResolvedConfig<Values> {
  readonly values: Values;
  /** Every effective value with its layer, in the order of the layers' own options. */
  explain(): readonly ExplainedValue[];
}

/**
 * Merges the layers, the last one winning, and validates the result.
 *
 * A schema tells more about an option through `v.metadata({ secret: true, fix: "…" })`, and its
 * messages are read as "expected …".
 *
 * @throws {ERR_CONFIG_INVALID} listing every problem of every layer
 *
 * @example
 * ```ts
 * import { resolveConfig } from "@foundation/core/config"
 * import * as v from "valibot"
 *
 * const config = resolveConfig({
 *   schema: v.strictObject({ port: v.pipe(v.number(), v.integer("a whole number")) }),
 *   layers: [
 *     { name: "defaults", values: { port: 0 } },
 *     { name: "options", values: { port: 4100 } },
 *   ],
 * })
 * console.log(config.values.port, config.explain()[0]?.layer) // 4100 options
 * ```
 */
export function resolveConfig<const S extends GenericSchema>(options: {
  readonly schema: S;
  readonly layers: readonly ConfigLayer[];
}): ResolvedConfig<InferOutput<S>> {
  const shape = Shape.of(options.schema);
  const merged = mergeLayers(shape, options.layers);
  const parsed = safeParse(options.schema, merged.values);
  const problems: readonly ConfigProblem[] = [
    ...options.layers.flatMap((layer) => layer.problems ?? []),
    ...options.layers.flatMap((layer) => unknownOptions(shape, layer)),
    ...refusedValues(shape, merged, parsed.issues ?? []),
  ];
  if (problems.length > 0) throw configInvalid(problems);
  if (!parsed.success) throw configInvalid(plainIssues(shape, merged, parsed.issues));
  const values = parsed.output;
  return { values, explain: () => explain(shape, merged, values) };
}

/** The explanation as aligned lines: `path = value  (layer, origin: evidence)`. */
export function formatExplanation(explained: readonly ExplainedValue[]): string {
  const left = explained.map(({ path, value }) => `${path} = ${JSON.stringify(value)}`);
  const width = Math.max(0, ...left.map((text) => text.length).filter((length) => length <= 60));
  return explained
    .map(({ layer, origin, evidence }, index) => {
      const from = origin === undefined ? layer : `${layer}, ${origin}`;
      const why = evidence === undefined ? from : `${from}: ${evidence}`;
      return `${(left[index] ?? "").padEnd(width)}  (${why})`;
    })
    .join("\n");
}

function explain(shape: Shape, merged: Merged, values: unknown): readonly ExplainedValue[] {
  const explained: ExplainedValue[] = [];
  const visit = (at: Shape | undefined, value: unknown, path: readonly string[]): void => {
    const isGroup = at?.isGroup === true && isPlainObject(value) && Object.keys(value).length > 0;
    if (!isGroup) explained.push(explainValue(shape, merged, path, value));
    else
      for (const [key, each] of Object.entries(value)) visit(at.child(key), each, [...path, key]);
  };
  visit(shape, values, []);
  return explained.filter(({ value }) => value !== undefined);
}

function explainValue(
  shape: Shape,
  merged: Merged,
  path: readonly string[],
  value: unknown,
): ExplainedValue {
  const text = pathText(path);
  const layer = ownerOf(merged, path);
  const origin = layer === undefined ? undefined : originOf(layer, text);
  const evidence = layer?.evidence?.[text];
  const isHidden = value !== undefined && isSecretPath(shape, path);
  return {
    path: text,
    value: isHidden ? REDACTED : plainValue(value),
    layer: layer?.name ?? "defaults",
    ...(origin === undefined ? {} : { origin }),
    ...(evidence === undefined ? {} : { evidence }),
  };
}
