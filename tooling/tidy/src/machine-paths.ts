/**
 * Nothing committed names one machine: no home folders, no absolute checkout, no registry. A lock
 * file with a registry's host in it would send everyone to that host.
 */
import type { Finding, Repository } from "./repository.js";

const rules: readonly { readonly pattern: RegExp; readonly what: string }[] = [
  { pattern: /(?<![\w.])\/(home|Users)\/[a-z][\w-]*\//, what: "a home folder" },
  { pattern: /(?<![\w.])\/root\/[\w.-]/, what: "root's home folder" },
  { pattern: /(?<![\w.])\/(work|workspace|builds)\/[\w.-]+\//, what: "an absolute checkout" },
  { pattern: /\b[A-Za-z]:\\\\?Users\\/, what: "a Windows home folder" },
  { pattern: /\bregistry\.(npmjs\.org|yarnpkg\.com|npmmirror\.com)\b/, what: "a registry" },
  { pattern: /^\s*(\/\/[\w.:-]+\/)?:?(registry|_authToken)\s*=/, what: "a registry setting" },
  { pattern: /\btarball:\s*https?:/, what: "a tarball's address" },
];

const text =
  /(\.(ts|mts|mjs|cjs|js|json|md|ya?ml|sh|toml|conf|txt)|\/run|(^|\/)\.[a-z]+(ignore|rc)|Dockerfile)$/;

/** Lines that only make sense on the machine they were written on. */
export function checkMachinePaths(repository: Repository): readonly Finding[] {
  const findings: Finding[] = [];
  for (const path of repository.files) {
    if (!text.test(path) || path.startsWith("tooling/tidy/")) continue;
    const lines = repository.read(path).split("\n");
    for (const [index, line] of lines.entries()) {
      for (const { pattern, what } of rules) {
        if (pattern.test(line)) findings.push({ path, line: index + 1, problem: `names ${what}` });
      }
    }
  }
  return findings;
}
