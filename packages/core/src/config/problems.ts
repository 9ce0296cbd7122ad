/**
 * What is wrong with a configuration, completely: every unknown option of every layer, and every
 * merged value the schema refuses, each with its layer and what to do about it.
 */
import type { BaseIssue } from "valibot";
import { coreErrors } from "../errors/errors.js";
import { REDACTED } from "../logger/redaction.js";
import { configLimits } from "./limits.js";
import type { ConfigLayer, ConfigProblem } from "./layer.js";
import { pathText, type Merged } from "./merge.js";
import { isPlainObject, type Shape } from "./schema-shape.js";
import { mayBeSecret, shownValue } from "./shown-value.js";
import { suggest } from "./suggestion.js";

/**
 * The options of one layer that the schema does not know, and lists or instances in the place of a
 * group: valibot takes any object for one, so they would pass as an empty group.
 */
export function unknownOptions(root: Shape, layer: ConfigLayer): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const visit = (shape: Shape | undefined, value: unknown, path: readonly string[]): void => {
    if (shape === undefined || path.length >= configLimits.depthMax) return;
    const isGroup = isPlainObject(value) && shape.isGroup;
    if (isObject(value) && !isPlainObject(value) && shape.isOnlyGroup) {
      problems.push(noGroup(root, layer, path, value));
      return;
    }
    if (!isGroup && !Array.isArray(value)) return;
    for (const [key, each] of Object.entries(value as object)) {
      const child = shape.child(key);
      const below = [...path, key];
      if (each === undefined) continue;
      if (child !== undefined) visit(child, each, below);
      else if (isGroup && !shape.isOpen) problems.push(unknownOption(root, shape, layer, below));
    }
  };
  visit(root, layer.values, []);
  return problems;
}

/** What the schema refused in the merged options; unknown ones are told by `unknownOptions`. */
export function refusedValues(
  root: Shape,
  merged: Merged,
  issues: readonly BaseIssue<unknown>[],
): readonly ConfigProblem[] {
  return issues.flatMap((issue) =>
    expanded(issue, []).map(({ path, issue: each }) => refusedValue(root, merged, path, each)),
  );
}

/** What nothing else explains: options that are known one by one and do not go together. */
export function plainIssues(
  root: Shape,
  merged: Merged,
  issues: readonly BaseIssue<unknown>[],
): readonly ConfigProblem[] {
  return issues.map((issue) => {
    const keys = (issue.path ?? []).map(({ key }) => String(key));
    const path = isUnknownKey(issue) ? keys.slice(0, -1) : keys;
    const problem = refusedValue(root, merged, path, issue);
    if (isUnknownKey(issue)) {
      return { ...problem, expected: "options that go together", found: `"${keys.at(-1)}"` };
    }
    return isPlainObject(issue.input)
      ? { ...problem, expected: "options that go together" }
      : problem;
  });
}

/** The one error that lists all problems. */
export function configInvalid(problems: readonly ConfigProblem[]): Error {
  const listed = problems.slice(0, configLimits.problemsMax);
  const lines = listed.map(
    ({ path, layer, expected, found, fix }) =>
      `  - ${path || "(all of it)"} [${layer}]: expected ${expected}, found ${found}. ${fix}`,
  );
  const more = problems.length - listed.length;
  if (more > 0) lines.push(`  - and ${more} more`);
  const count = problems.length === 1 ? "a problem" : `${problems.length} problems`;
  return coreErrors.ERR_CONFIG_INVALID(`The configuration has ${count}:\n${lines.join("\n")}`, {
    problems: listed,
  });
}

/** Where the value of a path was read, for people: a file, a variable, or the layer's name. */
export function originOf(layer: ConfigLayer, path: string): string | undefined {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const origin = layer.origins?.[at];
    if (origin !== undefined) return origin;
    if (at === "") return layer.origin;
  }
}

function unknownOption(
  root: Shape,
  shape: Shape,
  layer: ConfigLayer,
  path: readonly string[],
): ConfigProblem {
  const name = path.at(-1) ?? "";
  const group = pathText(path.slice(0, -1));
  const near = suggest(name, shape.known);
  const elsewhere = root.paths().find((known) => known === name || known.endsWith(`.${name}`));
  const nearPath = near === undefined ? undefined : pathText([...path.slice(0, -1), near]);
  const meant = nearPath ?? elsewhere;
  const known = [...shape.known].sort().join(", ");
  return {
    path: pathText(path),
    layer: layer.name,
    expected: group === "" ? "a known option" : `a known option of ${group}`,
    found: `"${name.slice(0, configLimits.shownCharsMax)}"`,
    fix:
      meant === undefined
        ? `Remove it${whereText(layer, pathText(path))}; known here: ${known}.`
        : `Did you mean "${meant}"?`,
  };
}

function noGroup(
  root: Shape,
  layer: ConfigLayer,
  path: readonly string[],
  value: unknown,
): ConfigProblem {
  const text = pathText(path);
  return {
    path: text,
    layer: layer.name,
    expected: "an object with options",
    found: mayBeSecret(root, path) ? REDACTED : shownValue(value),
    fix: `Change ${text || "it"}${whereText(layer, text)}.`,
  };
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

interface Located {
  readonly path: readonly string[];
  readonly issue: BaseIssue<unknown>;
}

/**
 * A union that refused an object is explained by what is wrong inside that object, not by the list
 * of everything the option could have been instead.
 */
function expanded(issue: BaseIssue<unknown>, above: readonly string[]): readonly Located[] {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => String(key))];
  if (isUnknownKey(issue)) return [];
  const inside = issue.issues?.filter((each) => each.path !== undefined) ?? [];
  if (inside.length === 0 || !isPlainObject(issue.input)) return [{ path, issue }];
  return inside.flatMap((each) => expanded(each, path));
}

function isUnknownKey(issue: BaseIssue<unknown>): boolean {
  return issue.expected === "never" && issue.path?.at(-1)?.origin === "key";
}

function refusedValue(
  root: Shape,
  merged: Merged,
  path: readonly string[],
  issue: BaseIssue<unknown>,
): ConfigProblem {
  const text = pathText(path);
  const layer = ownerOf(merged, path);
  const isMissing = issue.path?.at(-1)?.origin === "key";
  const value = isMissing ? undefined : issue.input;
  const isHidden = value !== undefined && mayBeSecret(root, path);
  const change = isMissing ? "Set" : "Change";
  return {
    path: text,
    layer: isMissing ? "none" : (layer?.name ?? "none"),
    expected: isMissing ? "a value" : expectedText(issue),
    found: isHidden ? REDACTED : shownValue(value),
    fix:
      root.at(path)?.metadata.fix ??
      `${change} ${text || "it"}${layer === undefined || isMissing ? "" : whereText(layer, text)}.`,
  };
}

/** A message written into the schema says it best; valibot's own begin with "Invalid". */
function expectedText(issue: BaseIssue<unknown>): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  return issue.expected ?? "a valid value";
}

/** The layer that set the path or the value around it; for a group, one that set an option in it. */
export function ownerOf(merged: Merged, path: readonly string[]): ConfigLayer | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const owner = merged.layers.get(pathText(path.slice(0, length)));
    if (owner !== undefined) return owner;
  }
  const group = path.length === 0 ? "" : `${pathText(path)}.`;
  return [...merged.layers].find(([leaf]) => leaf.startsWith(group))?.[1];
}

function whereText(layer: ConfigLayer, path: string): string {
  const origin = originOf(layer, path);
  return origin === undefined ? ` in the ${layer.name} layer` : ` in ${origin}`;
}
