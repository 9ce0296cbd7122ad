/**
 * The layer rule: imports point downwards only and the package graph has no cycle, dev dependencies
 * included. So each package installs alone, and a change has one direction in which it spreads.
 *
 * Checked on what is declared (package.json) and on what is written (imports); both must agree.
 */
import { builtinModules } from "node:module";
import type { Finding, Repository } from "./repository.js";
import { packageOf, sources } from "./repository.js";
import { imports } from "./syntax.js";

const scope = "@foundation/";

/** What each package may import; a package not listed here has no place in the house yet. */
const below: Readonly<Record<string, readonly string[]>> = {
  core: [],
  testkit: ["core"],
  // L1: none of these imports another.
  overlay: ["core"],
  discovery: ["core"],
  crdt: ["core"],
  consensus: ["core"],
  // L2: network and membership are known only as ports of core.
  registry: ["core", "crdt"],
  pubsub: ["core", "crdt"],
  cache: ["core", "crdt"],
  // L4: the one composition root.
  foundation: [
    ...["cache", "consensus", "core", "crdt", "discovery", "overlay"],
    ...["pubsub", "registry", "testkit"],
  ],
  // L5
  cli: ["consensus", "core"],
};

/** Tests of any package may use these; core's may not, so that core never depends on testkit. */
const forTests: readonly string[] = ["testkit"];

/** Modules every test gets from the root. */
const rootModules = new Set(["@foundation-tooling/jest", "@jest/globals", "fast-check", "ws"]);

interface Manifest {
  readonly name?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Every breach of the layer rule in the packages. */
export function checkLayers(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  for (const name of packages(repository)) {
    findings.push(...checkManifest(repository, name), ...checkImports(repository, name));
  }
  return [...findings, ...checkCycles(repository)];
}

/** Folder names of the packages. */
export function packages(repository: Repository): readonly string[] {
  return repository.files
    .map((path) => /^packages\/([^/]+)\/package\.json$/.exec(path)?.[1])
    .filter((name) => name !== undefined);
}

function checkManifest(repository: Repository, name: string): readonly Finding[] {
  const path = `packages/${name}/package.json`;
  const allowed = below[name];
  if (allowed === undefined) {
    return [{ path, problem: "has no layer; give it one in tooling/tidy/src/layers.ts" }];
  }
  const { dependencies = {}, devDependencies = {} } = manifest(repository, name);
  const findings: Finding[] = [];
  const inspect = (names: readonly string[], permitted: readonly string[], kind: string): void => {
    for (const each of names) {
      if (!each.startsWith(scope)) continue;
      if (permitted.includes(each.slice(scope.length))) continue;
      findings.push({ path, problem: `${kind} ${each} points sideways or upwards` });
    }
  };
  inspect(Object.keys(dependencies), allowed, "dependency");
  inspect(Object.keys(devDependencies), permittedInTests(name, allowed), "devDependency");
  return findings;
}

function permittedInTests(name: string, allowed: readonly string[]): readonly string[] {
  return name === "core" || name === "testkit" ? allowed : [...allowed, ...forTests];
}

function checkImports(repository: Repository, name: string): readonly Finding[] {
  const {
    dependencies = {},
    devDependencies = {},
    peerDependencies = {},
  } = manifest(repository, name);
  const declared = new Set([...Object.keys(dependencies), ...Object.keys(peerDependencies)]);
  const used = new Set<string>();
  const findings: Finding[] = [];
  for (const path of repository.files) {
    if (packageOf(path) !== name || !path.endsWith(".ts")) continue;
    const isTest = path.startsWith(`packages/${name}/test/`);
    if (!isTest && !path.startsWith(`packages/${name}/src/`)) continue;
    for (const { specifier, line } of imports(repository, path)) {
      // What the package's own manifest says it is.
      if (specifier.startsWith("#")) continue;
      if (specifier.startsWith(".")) {
        if (leaves(path, specifier)) {
          findings.push({ path, line, problem: `${specifier} reaches into another package` });
        }
        continue;
      }
      const module = moduleName(specifier);
      if (module === undefined || module === scope + name) continue;
      if (!isTest) used.add(module);
      const known =
        declared.has(module) || (isTest && (module in devDependencies || rootModules.has(module)));
      if (!known)
        findings.push({ path, line, problem: `imports ${module}, which is not declared` });
    }
  }
  for (const each of Object.keys(dependencies)) {
    if (sources(repository).some((path) => packageOf(path) === name) && !used.has(each)) {
      const path = `packages/${name}/package.json`;
      findings.push({ path, problem: `dependency ${each} is not imported by src/` });
    }
  }
  return findings;
}

/** True when a relative import leaves the package its file is in. */
function leaves(path: string, specifier: string): boolean {
  const folder = path.split("/").slice(0, -1);
  const up = specifier.split("/").filter((part) => part === "..").length;
  return folder.length - up < 2;
}

/** `@foundation/core/ports` → `@foundation/core`; undefined for what Node brings. */
export function moduleName(specifier: string): string | undefined {
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return undefined;
  const parts = specifier.split("/");
  return parts.slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

function checkCycles(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): void => {
    if (trail.includes(name)) {
      const cycle = [...trail.slice(trail.indexOf(name)), name].join(" → ");
      findings.push({ path: `packages/${name}/package.json`, problem: `cycle ${cycle}` });
      return;
    }
    if (done.has(name)) return;
    for (const next of neighbours(repository, name)) visit(next, [...trail, name]);
    done.add(name);
  };
  for (const name of packages(repository)) visit(name, []);
  return findings;
}

function neighbours(repository: Repository, name: string): readonly string[] {
  if (!repository.files.includes(`packages/${name}/package.json`)) return [];
  const { dependencies = {}, devDependencies = {} } = manifest(repository, name);
  return [...Object.keys(dependencies), ...Object.keys(devDependencies)]
    .filter((each) => each.startsWith(scope))
    .map((each) => each.slice(scope.length));
}

function manifest(repository: Repository, name: string): Manifest {
  return JSON.parse(repository.read(`packages/${name}/package.json`)) as Manifest;
}
