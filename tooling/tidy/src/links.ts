/** Relative links in documents lead somewhere. Absolute links are other people's business. */
import { posix } from "node:path";
import type { Finding, Repository } from "./repository.js";

export function checkLinks(repository: Repository): readonly Finding[] {
  const known = new Set<string>(repository.files);
  for (const path of repository.files) {
    for (let folder = posix.dirname(path); folder !== "."; folder = posix.dirname(folder)) {
      known.add(folder);
    }
  }
  const findings: Finding[] = [];
  for (const path of repository.files.filter((each) => each.endsWith(".md"))) {
    for (const { target, line } of relativeLinks(repository.read(path))) {
      const resolved = posix.join(posix.dirname(path), target).replace(/\/$/, "");
      if (!known.has(resolved))
        findings.push({ path, line, problem: `links to ${target}, which is not there` });
    }
  }
  return findings;
}

function relativeLinks(markdown: string): readonly { target: string; line: number }[] {
  const found: { target: string; line: number }[] = [];
  let fenced = false;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (/^\s*```/.test(line)) fenced = !fenced;
    if (fenced) continue;
    for (const [, raw = ""] of line.matchAll(/\]\(([^)\s]+)[^)]*\)/g)) {
      const target = raw.split("#")[0] ?? "";
      if (target !== "" && !/^[a-z]+:/i.test(target)) found.push({ target, line: index + 1 });
    }
  }
  return found;
}
