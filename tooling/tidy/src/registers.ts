/**
 * Lists kept by hand that must be complete: the README's table of packages, and the numbers of decisions.
 */
import type { Finding, Repository } from "./repository.js";

const decisions = /^docs\/decisions\/(\d{4})-[a-z0-9-]+\.md$/;

/** Published packages that the README's table does not list, and those it lists that are gone. */
export function checkPackageTable(repository: Repository): readonly Finding[] {
  const path = "README.md";
  const text = repository.files.includes(path) ? repository.read(path) : "";
  const listed = new Set(
    [...text.matchAll(/^\| \[.*?\]\(packages\/([a-z-]+)\)/gm)].map(([, p]) => p),
  );
  const there = new Set(
    repository.files.flatMap((file) => /^packages\/([^/]+)\/package\.json$/.exec(file)?.[1] ?? []),
  );
  return [
    ...[...there].filter((name) => !listed.has(name)).map((name) => `lacks packages/${name}`),
    ...[...listed]
      .filter((name) => !there.has(name ?? ""))
      .map((name) => `lists packages/${name}, which is gone`),
  ].map((what) => ({ path, problem: `the table of packages ${what}` }));
}

/** Decisions without a number of their own, `NNNN-title.md`. */
export function checkDecisions(repository: Repository): readonly Finding[] {
  const owners = new Map<string, string>();
  return repository.files
    .filter((path) => path.startsWith("docs/decisions/"))
    .flatMap((path) => {
      const number = decisions.exec(path)?.[1];
      if (number === undefined) return [{ path, problem: "is not named NNNN-title.md" }];
      const owner = owners.get(number);
      owners.set(number, owner ?? path);
      return owner === undefined ? [] : [{ path, problem: `has the number of ${owner}` }];
    });
}
