/**
 * LiveConfig: the configuration in force, which a patch can replace while the node runs.
 *
 * A patch is validated as any layer is; then either all of it is put into force or none. What a change would have to be
 * carried into, and cannot be, needs a restart: the error names each such path.
 */
import { coreErrors } from "@foundation/core";
import type { ExplainedValue } from "@foundation/core/config";
import type { ClusterConfig } from "../config/cluster-config.js";
import type { EffectiveConfig } from "../config/effective-config.js";
import { foundationErrors } from "../errors.js";

/** Carries a changed option into the running parts; the configuration it is given is the new one. */
export type Carrier = (next: EffectiveConfig) => void;

/** The options that may change while running, and who is told. */
export type Carriers = ReadonlyMap<string, Carrier>;

export interface LiveConfig {
  readonly values: EffectiveConfig["values"];
  readonly insecureNotice: string | undefined;
  explain(): readonly ExplainedValue[];
  /** @throws {ERR_CONFIG_INVALID} @throws {ERR_RESTART_REQUIRED} nothing of the patch was put into force */
  reconfigure(patch: ClusterConfig, carriers: Carriers): void;
}

export function liveConfig(first: EffectiveConfig): LiveConfig {
  let current = first;
  return {
    get values() {
      return current.values;
    },
    get insecureNotice() {
      return current.insecureNotice;
    },
    explain: () => current.explain(),
    reconfigure(patch, carriers) {
      const next = current.patched(checked(patch));
      const changed = changedPaths(current.values, next.values);
      const fixed = changed.filter((path) => !carriers.has(path));
      if (fixed.length > 0) throw restartRequired(fixed, [...carriers.keys()]);
      for (const path of changed) carriers.get(path)?.(next);
      current = next;
    },
  };
}

function checked(patch: unknown): Readonly<Record<string, unknown>> {
  if (typeof patch === "object" && patch !== null && !Array.isArray(patch)) {
    return patch as Record<string, unknown>;
  }
  const expected = "an object with options, as startCluster takes them";
  const found = patch === null ? "null" : Array.isArray(patch) ? "an array" : typeof patch;
  throw coreErrors.ERR_INVALID_ARGUMENT(`The patch must be ${expected}, found ${found}`, {
    argument: "patch",
    expected,
    found,
  });
}

type Group = Readonly<Record<string, unknown>>;

/** The options whose values differ; a list or an instance is one value. */
function changedPaths(before: Group, after: Group, above = ""): readonly string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => {
    const [was, is] = [before[key], after[key]];
    const path = `${above}${key}`;
    if (isGroup(was) && isGroup(is)) return changedPaths(was, is, `${path}.`);
    return isEqual(was, is) ? [] : [path];
  });
}

function isEqual(was: unknown, is: unknown): boolean {
  if (was === is) return true;
  const areLists = Array.isArray(was) && Array.isArray(is);
  return areLists && JSON.stringify(was) === JSON.stringify(is);
}

function isGroup(value: unknown): value is Group {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain && !Object.values(value).some((each) => typeof each === "function");
}

function restartRequired(paths: readonly string[], changeable: readonly string[]): Error {
  const [verb, them] = paths.length === 1 ? ["changes", "it"] : ["change", "them"];
  return foundationErrors.ERR_RESTART_REQUIRED(
    `${paths.join(", ")} ${verb} only with a restart of the node, and nothing was changed. Set ${them} where the node ` +
      `reads its configuration and start it again. What may change while it runs: ${changeable.join(", ")}.`,
    { paths, changeable },
  );
}
