/**
 * Dead files: a source file that no entry point leads to is not part of the product. Entries are
 * what package.json exports or imports for the source condition, an app's `main.ts`, and files
 * started by URL (child processes, workers).
 */
import { posix } from "node:path";
import type { Finding, Repository } from "./repository.js";
import { sources } from "./repository.js";
import { imports, urlReferences } from "./syntax.js";

export function checkReachable(repository: Repository): readonly Finding[] {
  const all = new Set(sources(repository));
  const reached = new Set<string>();
  const queue = entries(repository).filter((path) => all.has(path));
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    const next = imports(repository, path).map(({ specifier }) => specifier);
    for (const specifier of [...next, ...urlReferences(repository, path)]) {
      const target = resolve(path, specifier);
      if (target !== undefined && all.has(target)) queue.push(target);
    }
  }
  return [...all]
    .filter((path) => !reached.has(path))
    .map((path) => ({ path, problem: "is not reached from any entry point" }));
}

/** Entry points by path: exports and `#` imports of packages, `main.ts` of apps. */
export function entries(repository: Repository): readonly string[] {
  const found: string[] = [];
  for (const path of repository.files) {
    const folder = /^((?:packages|apps)\/[^/]+)\/package\.json$/.exec(path)?.[1];
    if (folder === undefined) continue;
    found.push(`${folder}/src/main.ts`);
    const { exports = {}, imports: own = {} } = JSON.parse(repository.read(path)) as Manifest;
    for (const target of [...Object.values(exports), ...Object.values(own)]) {
      const source = typeof target === "string" ? undefined : target["@foundation/source"];
      if (source !== undefined) found.push(posix.join(folder, source));
    }
  }
  return found;
}

interface Manifest {
  readonly exports?: Targets;
  readonly imports?: Targets;
}

type Targets = Readonly<Record<string, string | Readonly<Record<string, string>>>>;

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith(".")) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, ".ts");
}
