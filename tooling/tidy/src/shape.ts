/**
 * The shape every package has: a README, tests, and a manifest that says the same as its
 * neighbours'. Also names that say nothing (`utils`, `helpers`, `common`, `manager`) and tests that
 * were narrowed or silenced and forgotten.
 */
import ts from "typescript";
import { packages } from "./layers.js";
import type { Finding, Repository } from "./repository.js";
import { sources } from "./repository.js";
import { lineOf, tree, walk } from "./syntax.js";

interface Manifest {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly license?: string;
  readonly sideEffects?: boolean;
  readonly engines?: { readonly node?: string };
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, unknown>> };
}

/** What is missing from, or different in, a package's folder. */
export function checkShape(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  const versions = new Set<string | undefined>();
  for (const name of packages(repository)) {
    const base = `packages/${name}`;
    const manifest = JSON.parse(repository.read(`${base}/package.json`)) as Manifest;
    versions.add(manifest.version);
    for (const problem of checkManifest(name, manifest)) {
      findings.push({ path: `${base}/package.json`, problem });
    }
    if (!repository.files.includes(`${base}/README.md`)) {
      findings.push({ path: base, problem: "has no README.md" });
    }
    if (
      !repository.files.some(
        (path) => path.startsWith(`${base}/test/`) && path.endsWith(".test.ts"),
      )
    ) {
      findings.push({ path: base, problem: "has no tests" });
    }
  }
  if (versions.size > 1) findings.push({ path: "packages", problem: "versions differ" });
  return findings;
}

function checkManifest(name: string, manifest: Manifest): readonly string[] {
  const problems: string[] = [];
  const expect = (ok: boolean, what: string): void => {
    if (!ok) problems.push(what);
  };
  expect(manifest.name === `@foundation/${name}`, "name is not @foundation/<folder>");
  expect(manifest.type === "module", 'type is not "module"');
  expect(manifest.sideEffects === false, "sideEffects is not false");
  expect(manifest.license === "Apache-2.0", "license is not Apache-2.0");
  expect(manifest.engines?.node === ">=20.19", "engines.node is not >=20.19");
  expect(
    manifest.files?.join() === "dist,README.md,LICENSE",
    "files are not dist, README, LICENSE",
  );
  for (const [entry, target] of Object.entries(manifest.exports ?? {})) {
    if (typeof target === "string") continue;
    const order = Object.keys(target).join();
    expect(order === "@foundation/source,types,default", `${entry} has conditions ${order}`);
  }
  const published = JSON.stringify(manifest.publishConfig?.exports ?? null);
  const stripped = JSON.stringify(manifest.exports ?? {}, (key, value: unknown) =>
    key === "@foundation/source" ? undefined : value,
  );
  expect(
    published === stripped,
    "publishConfig.exports is not exports without the source condition",
  );
  return problems;
}

/** File and folder names that say nothing about what is inside. */
export function checkNames(repository: Repository): readonly Finding[] {
  const empty = /(^|[/-])(utils?|helpers?|common|managers?|misc)(\.|\/|$)/;
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/;
  const findings: Finding[] = [];
  for (const path of sources(repository)) {
    const inside = path.split("/src/")[1] ?? "";
    if (empty.test(inside)) findings.push({ path, problem: "has a name that says nothing" });
    if (!inside.split("/").every((part) => kebab.test(part))) {
      findings.push({ path, problem: "is not kebab-case" });
    }
  }
  return findings;
}

/** `.only` left behind, and skips without a declared requirement. */
export function checkFocus(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  for (const path of repository.files.filter((each) => each.endsWith(".test.ts"))) {
    const file = tree(repository, path);
    walk(file, (node) => {
      const what = focused(node);
      if (what !== undefined) findings.push({ path, line: lineOf(file, node), problem: what });
    });
  }
  return findings;
}

function focused(node: ts.Node): string | undefined {
  if (
    ts.isPropertyAccessExpression(node) &&
    /^(test|it|describe)(\.|$)/.test(node.expression.getText())
  ) {
    if (node.name.text === "only") return `narrows the run with ${node.getText()}`;
    if (node.name.text === "skip" || node.name.text === "todo") {
      return `silences a test with ${node.getText()}; declare what it needs with requires()`;
    }
  }
  if (
    ts.isCallExpression(node) &&
    /^(fit|fdescribe|xit|xtest|xdescribe)$/.test(node.expression.getText())
  ) {
    return `narrows or silences the run with ${node.expression.getText()}`;
  }
  return undefined;
}
