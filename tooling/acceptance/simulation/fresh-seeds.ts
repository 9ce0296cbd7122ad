/** Fresh seeds: those that no other commit has, so that each run of a changed checkout looks somewhere else. */
import { execFileSync } from "node:child_process";

export function freshSeeds(count: number): readonly string[] {
  const commit = commitHash();
  return Array.from({ length: count }, (_, index) => `${commit}-${index + 1}`);
}

function commitHash(): string {
  try {
    const out = execFileSync("git", ["rev-parse", "--short=10", "HEAD"], { encoding: "utf8" });
    return out.trim();
  } catch {
    return "no-commit";
  }
}
