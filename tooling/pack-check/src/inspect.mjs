/**
 * Looks at one packed tarball with the eyes of its users: publint (does the manifest say what the
 * files are), are-the-types-wrong (does every resolver find code and matching types), and our own
 * promise that the source condition and the tests stay at home.
 */
import { readFileSync } from "node:fs";
import { createPackageFromTarballData, checkPackage } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";

/** CommonJS callers get the ESM build through require(esm); that is the design, not a problem. */
const accepted = new Set(["CJSResolvesToESM"]);
/** Resolvers from before `exports` existed see nothing of an ESM-only package, by design. */
const ignoredResolutions = new Set(["node10", "node16-cjs"]);

/**
 * @param {string} tarball path of a .tgz
 * @returns {Promise<string[]>} problems, as sentences; empty when clean
 */
export async function inspect(tarball) {
  const data = new Uint8Array(readFileSync(tarball));
  const pkg = createPackageFromTarballData(data);
  return [...(await lint(data)), ...(await checkTypes(pkg)), ...leftovers(pkg)];
}

async function lint(data) {
  const buffer = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, pkg, { color: false })}`);
}

async function checkTypes(pkg) {
  const { types, problems = [] } = await checkPackage(pkg);
  if (!types) return ["attw: the package has no types"];
  return problems
    .filter((problem) => !accepted.has(problem.kind))
    .filter((problem) => !ignoredResolutions.has(problem.resolutionKind))
    .map(
      (problem) => `attw: ${problem.kind} at ${problem.entrypoint ?? problem.typesFileName ?? "?"}`,
    );
}

function leftovers(pkg) {
  const problems = [];
  const files = pkg.listFiles();
  const base = `/node_modules/${pkg.packageName}/`;
  const manifest = pkg.readFile(`${base}package.json`);
  for (const word of ["@foundation/source", "workspace:", "catalog:"]) {
    if (manifest.includes(word)) problems.push(`package.json still contains "${word}"`);
  }
  for (const wanted of ["README.md", "LICENSE"]) {
    if (!files.includes(base + wanted)) problems.push(`${wanted} is missing`);
  }
  const allowed = new RegExp(
    `^${base}(dist/|package\\.json$|README\\.md$|LICENSE$|CHANGELOG\\.md$)`,
  );
  for (const file of files) if (!allowed.test(file)) problems.push(`${file} should not be packed`);
  return problems;
}
