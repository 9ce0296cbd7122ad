/**
 * Ports stay small and every adapter of one passes its contract.
 *
 * A port is the interface in `packages/core/src/ports` named like its file. An adapter is an
 * function that an entry point of its package exports and that says it returns that port. Both are
 * read from the sources, so a new adapter cannot be forgotten.
 */
import ts from "typescript";
import type { Finding, Repository } from "./repository.js";
import { packageOf, sources } from "./repository.js";
import { entries } from "./reachable.js";
import { imports, lineOf, tree, walk } from "./syntax.js";

const methodsMax = 8;
const folder = "packages/core/src/ports/";

/** Ports without a contract suite of their own, and why. */
const withoutContract: Readonly<Record<string, string>> = {
  Runtime: "a bundle of other ports",
};

/** Factories that keep no promise a contract could check, and why. */
const withoutPromise: Readonly<Record<string, string>> = {
  silentLogger: "writes nothing, which is all it is for",
  strategyByName: "chooses one of the strategies, which are tried themselves",
  strategyOfTopology: "chooses one of the strategies, which are tried themselves",
};

/** Factories whose contract test reaches them through another one. */
const reachedThrough: Readonly<Record<string, string>> = { memoryTransport: "memoryNetwork" };

/** An exported function that makes a port. */
export interface Adapter {
  readonly port: string;
  readonly factory: string;
  readonly path: string;
  readonly line: number;
}

/** Exported interfaces in the ports' folder with more methods than a person can implement. */
export function checkPortSizes(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  for (const path of repository.files.filter((each) => each.startsWith(folder))) {
    const file = tree(repository, path);
    walk(file, (node) => {
      if (!ts.isInterfaceDeclaration(node)) return;
      const methods = node.members.filter(isMethod).length;
      if (methods > methodsMax) {
        const problem = `port ${node.name.text} has ${methods} methods; at most ${methodsMax}`;
        findings.push({ path, line: lineOf(file, node), problem });
      }
    });
  }
  return findings;
}

/** Adapters that no contract test names. */
export function checkContracts(repository: Repository): readonly Finding[] {
  const tested = new Set<string>();
  for (const path of repository.files) {
    // What a contract is tried on may stand beside the test, where a report finds it, too.
    if (!/^packages\/[^/]+\/test\/(contract|backends)\/.*\.ts$/.test(path)) continue;
    for (const { names } of imports(repository, path)) for (const name of names) tested.add(name);
  }
  return adapters(repository)
    .filter(
      ({ port, factory }) =>
        !(port in withoutContract) &&
        !(factory in withoutPromise) &&
        !tested.has(reachedThrough[factory] ?? factory),
    )
    .map(({ port, factory, path, line }) => {
      return { path, line, problem: `${factory} makes a ${port} but no contract test imports it` };
    });
}

/** Every public function whose declared result is a port, extends one, or is a promise of one. */
export function adapters(repository: Repository): readonly Adapter[] {
  const names = portNames(repository);
  const published = publicNames(repository);
  const found: Adapter[] = [];
  for (const path of sources(repository)) {
    if (!path.startsWith("packages/") || path.startsWith(folder)) continue;
    const file = tree(repository, path);
    const extended = extensions(file);
    for (const statement of file.statements) {
      if (!ts.isFunctionDeclaration(statement) || !isExported(statement)) continue;
      const result = resultName(statement.type);
      const port = result && (extended.get(result)?.find((name) => names.has(name)) ?? result);
      const factory = statement.name?.text;
      if (port === undefined || factory === undefined || !names.has(port)) continue;
      if (!published.has(`${packageOf(path)} ${factory}`)) continue;
      if (imported(repository, path, port)) {
        found.push({ port, factory, path, line: lineOf(file, statement) });
      }
    }
  }
  return found;
}

/** What the entry points of the packages export by name, as `package name`. */
function publicNames(repository: Repository): ReadonlySet<string> {
  const names = new Set<string>();
  for (const path of entries(repository).filter((each) => repository.files.includes(each))) {
    for (const { names: exported } of imports(repository, path)) {
      for (const name of exported) names.add(`${packageOf(path)} ${name}`);
    }
  }
  return names;
}

/** `discovery-strategy.ts` declares `DiscoveryStrategy`: the names of the ports. */
export function portNames(repository: Repository): ReadonlySet<string> {
  const names = new Set<string>();
  for (const path of repository.files.filter((each) => each.startsWith(folder))) {
    const wanted = path.slice(folder.length, -".ts".length).replaceAll("-", "");
    for (const statement of tree(repository, path).statements) {
      if (!ts.isInterfaceDeclaration(statement)) continue;
      if (statement.name.text.toLowerCase() === wanted) names.add(statement.name.text);
    }
  }
  return names;
}

/** The name must come from core's ports: another type may be called the same. */
function imported(repository: Repository, path: string, port: string): boolean {
  return imports(repository, path).some(
    ({ specifier, names }) =>
      names.includes(port) &&
      (specifier.startsWith("@foundation/core") || specifier.includes("ports/")),
  );
}

/** What each interface of a file extends: an adapter may offer more than its port asks for. */
function extensions(file: ts.SourceFile): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, readonly string[]>();
  for (const statement of file.statements) {
    if (!ts.isInterfaceDeclaration(statement)) continue;
    const bases = statement.heritageClauses?.flatMap((clause) => clause.types) ?? [];
    found.set(
      statement.name.text,
      bases.map((base) => base.expression.getText(file)),
    );
  }
  return found;
}

function resultName(type: ts.TypeNode | undefined): string | undefined {
  if (type === undefined || !ts.isTypeReferenceNode(type)) return undefined;
  const name = type.typeName.getText();
  return name === "Promise" ? resultName(type.typeArguments?.[0]) : name;
}

function isExported(node: ts.FunctionDeclaration): boolean {
  return node.modifiers?.some((each) => each.kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

function isMethod(member: ts.TypeElement): boolean {
  if (ts.isMethodSignature(member)) return true;
  return (
    ts.isPropertySignature(member) &&
    member.type !== undefined &&
    ts.isFunctionTypeNode(member.type)
  );
}
