/**
 * What the tidy checks look at: a set of text files by path. The checkout is one; a test plants a
 * violation in another that lives in memory, so every check is proven to find what it is for.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Repository {
  /** Paths relative to the root, with `/`, sorted. */
  readonly files: readonly string[];
  /** @throws when there is no such file. */
  read(path: string): string;
}

/** One thing a check found wrong. */
export interface Finding {
  readonly path: string;
  readonly line?: number;
  readonly problem: string;
}

const skipped = new Set([".cache", ".git", ".tools", ".turbo", "coverage", "dist", "node_modules"]);

/** The files of a checkout; what is installed, built or cached is not part of it. */
export function checkout(root: string): Repository {
  const files: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skipped.has(entry.name)) visit(path);
      } else if (entry.isFile()) {
        files.push(path);
      }
    }
  };
  visit("");
  files.sort();
  return { files, read: (path) => readFileSync(join(root, path), "utf8") };
}

/** A repository in memory, for the checks' own tests. */
export function planted(contents: Readonly<Record<string, string>>): Repository {
  return {
    files: Object.keys(contents).sort(),
    read(path) {
      const text = contents[path];
      if (text === undefined) throw new Error(`There is no planted file ${path}`);
      return text;
    },
  };
}

/** `packages/core/src/a.ts` → `core`; undefined outside `packages/`. */
export function packageOf(path: string): string | undefined {
  return /^packages\/([^/]+)\//.exec(path)?.[1];
}

/** TypeScript sources of the packages and apps, without their tests. */
export function sources(repository: Repository): readonly string[] {
  return repository.files.filter((path) => /^(packages|apps)\/[^/]+\/src\/.*\.ts$/.test(path));
}

/** One line per finding, for a test's failure message. */
export function explain(findings: readonly Finding[]): string {
  return findings
    .map(({ path, line, problem }) => `${path}${line === undefined ? "" : `:${line}`} ${problem}`)
    .join("\n");
}
