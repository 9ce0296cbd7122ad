/**
 * Time, randomness and timers come from the Runtime bundle. The real ones are touched only where a
 * technology is adapted; those places are listed here, each with its reason, so that everything
 * else runs unchanged in a simulation.
 */
import ts from "typescript";
import type { Finding, Repository } from "./repository.js";
import { sources } from "./repository.js";
import {
  declaredNames,
  imports,
  isDateOfData,
  isFreeReference,
  lineOf,
  tree,
  walk,
} from "./syntax.js";

/** Folders that may touch the real world, and why. */
const adapters: readonly { readonly prefix: string; readonly why: string }[] = [
  { prefix: "packages/core/src/runtime/", why: "Node's own clock and randomness behind the ports" },
  {
    prefix: "packages/core/src/testing/virtual-clock.ts",
    why: "lets pending promises settle between two virtual instants",
  },
  { prefix: "packages/overlay/src/websocket/", why: "sockets, whose limits are in real time" },
  { prefix: "apps/", why: "applications measure what a user would see" },
];

const globals = new Set([
  "Date",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "performance",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);

/** What else reads a clock, waits or draws numbers, by module. */
const fromModules: Readonly<Record<string, readonly string[] | "all">> = {
  "node:timers": "all",
  "node:timers/promises": "all",
  "node:perf_hooks": ["performance"],
  "node:crypto": ["randomBytes", "randomFillSync", "randomInt", "randomUUID", "webcrypto"],
};

/** Uses of real time, timers and randomness outside the adapters. */
export function checkWorld(repository: Repository): readonly Finding[] {
  return sources(repository)
    .filter((path) => !adapters.some(({ prefix }) => path.startsWith(prefix)))
    .flatMap((path) => checkFile(repository, path, globals));
}

/** Waiting on the real clock in tests that must be exact: unit and property. */
export function checkSleeps(repository: Repository): readonly Finding[] {
  const timers = new Set(["setInterval", "setTimeout"]);
  return repository.files
    .filter((path) => /^(packages|apps)\/[^/]+\/test\/(unit|property)\/.*\.ts$/.test(path))
    .flatMap((path) => checkFile(repository, path, timers, ["node:timers/promises"]));
}

function checkFile(
  repository: Repository,
  path: string,
  names: ReadonlySet<string>,
  modules: readonly string[] = Object.keys(fromModules),
): readonly Finding[] {
  const file = tree(repository, path);
  const own = declaredNames(file);
  const findings: Finding[] = [];
  const add = (line: number, what: string): void => {
    findings.push({ path, line, problem: `uses ${what}; take it from the Runtime bundle` });
  };
  for (const each of imports(repository, path)) {
    const banned = modules.includes(each.specifier) ? fromModules[each.specifier] : undefined;
    if (banned === undefined || each.typeOnly) continue;
    const hits = banned === "all" ? [each.specifier] : each.names.filter((n) => banned.includes(n));
    for (const hit of hits) add(each.line, hit);
  }
  walk(file, (node) => {
    if (ts.isIdentifier(node) && names.has(node.text) && !own.has(node.text)) {
      if (isFreeReference(node) && !isDateOfData(node)) add(lineOf(file, node), node.text);
    } else if (ts.isPropertyAccessExpression(node)) {
      const text = node.getText(file);
      if (text === "Math.random" && names === globals) add(lineOf(file, node), text);
      if (/^(globalThis\.)?crypto\.(randomUUID|getRandomValues)$/.test(text) && names === globals) {
        add(lineOf(file, node), text);
      }
    }
  });
  return findings;
}
