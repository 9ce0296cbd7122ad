/**
 * `protocol/` is pure and synchronous: inputs in, effects out. No clock, timer, randomness, I/O,
 * logger or promise, so a test or a simulation decides everything, and a run repeats by its seed.
 */
import ts from "typescript";
import { builtinModules } from "node:module";
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

/** Globals that read the world, change it or wait for it. */
const worldly = new Set([
  "Atomics",
  "Date",
  "Promise",
  "WebSocket",
  "clearImmediate",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "fetch",
  "globalThis",
  "performance",
  "process",
  "queueMicrotask",
  "require",
  "setImmediate",
  "setInterval",
  "setTimeout",
]);

/** Every breach of purity below a folder named `protocol`. */
export function checkPurity(repository: Repository): readonly Finding[] {
  return sources(repository)
    .filter((path) => path.includes("/protocol/"))
    .flatMap((path) => [...checkModule(repository, path), ...checkBody(repository, path)]);
}

function checkModule(repository: Repository, path: string): readonly Finding[] {
  const findings: Finding[] = [];
  for (const { specifier, line, typeOnly } of imports(repository, path)) {
    if (specifier.startsWith("node:") || builtinModules.includes(specifier)) {
      findings.push({ path, line, problem: `protocol imports ${specifier}` });
    } else if (!typeOnly && /(^|\/)runtime\//.test(specifier)) {
      findings.push({ path, line, problem: `protocol imports its shell ${specifier}` });
    }
  }
  return findings;
}

function checkBody(repository: Repository, path: string): readonly Finding[] {
  const file = tree(repository, path);
  const own = declaredNames(file);
  const findings: Finding[] = [];
  const add = (node: ts.Node, what: string): void => {
    findings.push({ path, line: lineOf(file, node), problem: `protocol uses ${what}` });
  };
  walk(file, (node) => {
    if (ts.isIdentifier(node) && worldly.has(node.text) && !own.has(node.text)) {
      if (isFreeReference(node) && !isDateOfData(node)) add(node, node.text);
    } else if (
      ts.isTypeReferenceNode(node) &&
      /^Promise(Like)?$/.test(node.typeName.getText(file))
    ) {
      add(node, "a promise type");
    } else if (ts.isPropertyAccessExpression(node) && node.getText(file) === "Math.random") {
      add(node, "Math.random");
    } else if (ts.isAwaitExpression(node)) {
      add(node, "await");
    } else if (node.kind === ts.SyntaxKind.AsyncKeyword) {
      add(node, "async");
    }
  });
  return findings;
}
