/** Every test file belongs to exactly one kind of test: one that belongs to none never runs, and nobody notices. */
import type { Finding, Repository } from "./repository.js";

/** `patterns`: of each kind, paths relative to the root, with `*` within a folder and `**` over folders. */
export function checkTestKinds(
  { files }: Repository,
  patterns: Readonly<Record<string, readonly string[]>>,
): readonly Finding[] {
  const kinds = Object.entries(patterns).map(
    ([kind, globs]) => [kind, globs.map(expressionOf)] as const,
  );
  const found: Finding[] = [];
  for (const path of files) {
    if (!path.endsWith(".test.ts") || path.includes("/fixtures/")) continue;
    const own = kinds.filter(([, globs]) => globs.some((glob) => glob.test(path)));
    if (own.length === 1) continue;
    const names = own.map(([kind]) => kind).join(" and ");
    const problem =
      own.length === 0
        ? "is in no jest project: it never runs. Add its folder to jest.config.mjs"
        : `is in several jest projects: ${names}`;
    found.push({ path, problem });
  }
  return found;
}

function expressionOf(glob: string): RegExp {
  const parts = glob.split("**/").map((part) =>
    part
      .split("*")
      .map((text) => text.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&"))
      .join("[^/]*"),
  );
  return new RegExp(`^${parts.join("(?:.*/)?")}$`);
}
