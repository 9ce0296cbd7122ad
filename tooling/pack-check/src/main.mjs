/**
 * `npm run pack:check`: are the packages what a user gets? Builds and packs each one, inspects the
 * tarballs, installs each alone into an empty project outside the workspace and uses it there, then
 * runs the first example in two processes and a test of a simulated cluster, each in JavaScript and in TypeScript.
 *
 * `--json` prints one object on the last line: `{ ok, aims: [{ name, target, value, met }], sizes }`.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveCommand } from "../../run/commands.mjs";
import { environment, progress, root } from "../../run/machine.mjs";
import { ensurePnpm } from "../../run/pnpm.mjs";
import { runJavaScript, runTypeScript } from "./example.mjs";
import { inspect } from "./inspect.mjs";
import { pack, publicPackages, run } from "./packages.mjs";
import { createProject, installed, sizeOf } from "./project.mjs";
import { runSimulatedJavaScript, runSimulatedTypeScript } from "./simulated.mjs";

const json = process.argv.includes("--json");
const say = (text) => (json ? process.stderr : process.stdout).write(`${text}\n`);
const folder = mkdtempSync(join(tmpdir(), "foundation-pack-check-"));
const problems = [];
const aims = [];

try {
  const packages = publicPackages();
  await build();
  const tarballs = await packAll(packages);
  await inspectAll(tarballs);
  const sizes = useEachAlone(packages, tarballs);
  await runExamples(tarballs);
  report(sizes);
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error));
  report([]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function build() {
  progress("building");
  const pnpm = await ensurePnpm();
  const { file, args } = resolveCommand("build", ["--output-logs=errors-only"], pnpm);
  run(file, args, { cwd: root, env: environment(pnpm) });
}

/** @returns {Promise<Map<string, string>>} package name → tarball */
async function packAll(packages) {
  progress(`packing ${packages.length} packages`);
  const tarballs = new Map();
  for (const each of packages) tarballs.set(each.name, await pack(each.folder, folder));
  return tarballs;
}

async function inspectAll(tarballs) {
  let clean = 0;
  for (const [name, tarball] of tarballs) {
    const found = await inspect(tarball);
    if (found.length === 0) clean += 1;
    for (const problem of found) problems.push(`${name}: ${problem}`);
  }
  aim("packages clean under publint and are-the-types-wrong", tarballs.size, clean);
}

/** Installs every package without its siblings, except those it depends on, and uses it. */
function useEachAlone(packages, tarballs) {
  const sizes = [];
  let working = 0;
  for (const each of packages) {
    progress(`${each.name} alone`);
    const project = join(folder, "alone", each.name.split("/")[1]);
    const siblings = closure(each.name, packages);
    createProject(project, Object.fromEntries(siblings.map((name) => [name, tarballs.get(name)])));
    sizes.push(measure(project, each.name));
    const problem = use(project, each);
    if (problem) problems.push(problem);
    else working += 1;
  }
  aim("packages that work alone", packages.length, working);
  return sizes;
}

/** The package and everything of ours it depends on. */
function closure(name, packages) {
  const names = new Set([name]);
  for (const each of names) {
    const { dependencies = {} } = packages.find((candidate) => candidate.name === each) ?? {};
    for (const next of Object.keys(dependencies))
      if (next.startsWith("@foundation/")) names.add(next);
  }
  return [...names];
}

function measure(project, name) {
  const base = join(project, "node_modules");
  const own = sizeOf(join(base, name));
  const names = installed(project);
  const others = names.filter((each) => !each.startsWith("@foundation/"));
  return {
    name,
    ownBytes: own.bytes,
    ownFiles: own.files,
    installedBytes: sizeOf(base).bytes,
    thirdParty: others.length,
  };
}

/** Imports every entry point by its public name, requires it too, then constructs something. */
function use(project, { name, exports, folder: source, peerDependenciesMeta = {} }) {
  const entries = Object.keys(exports).filter((each) => each !== "./package.json");
  const names = entries.map((each) => name + each.slice(1));
  const lines = [
    'import { createRequire } from "node:module"',
    "const require = createRequire(import.meta.url)",
    // An entry may be for those who have an optional peer: alone it says that the peer is missing, and nothing else.
    `const peers = ${JSON.stringify(Object.keys(peerDependenciesMeta))}`,
    "const isPeer = ({ code, message }) =>",
    "  code === 'ERR_MODULE_NOT_FOUND' && peers.some((peer) => message.includes(`'${peer}'`))",
    `for (const entry of ${JSON.stringify(names)}) {`,
    "  try {",
    "    if (require(entry) !== undefined) await import(entry)",
    "  } catch (error) {",
    `    if (entry === "${name}" || !isPeer(error)) throw error`,
    "  }",
    "}",
  ];
  writeFileSync(join(project, "entries.mjs"), `${lines.join("\n")}\n`);
  const own = join(root, "tooling/pack-check/alone", `${source.split(/[\\/]/).at(-1)}.mjs`);
  if (!existsSync(own)) return `${name}: there is no tooling/pack-check/alone script that uses it`;
  writeFileSync(join(project, "alone.mjs"), readFileSync(own, "utf8"));
  try {
    for (const file of ["entries.mjs", "alone.mjs"]) {
      run(process.execPath, [file], { cwd: project, env: environment(), timeout: 30_000 });
    }
    return undefined;
  } catch (error) {
    return `${name} alone: ${error.message}`;
  }
}

async function runExamples(tarballs) {
  progress("the first example, in JavaScript and TypeScript");
  const project = join(folder, "example");
  const types = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).devDependencies[
    "@types/node"
  ];
  createProject(project, { ...Object.fromEntries(tarballs), "@types/node": types });
  for (const [name, attempt] of [
    ["JavaScript", runJavaScript],
    ["TypeScript (tsc --strict, 6 and 7)", runTypeScript],
  ]) {
    let value = false;
    try {
      const { problem, ms } = await attempt(project);
      value = problem === undefined;
      if (problem) problems.push(`${name} example: ${problem}`);
      else say(`✓ the first example in ${name}: both processes saw 2 nodes after ${ms} ms`);
    } catch (error) {
      problems.push(`${name} example: ${error.message}`);
    }
    aim(`the first example in two processes, ${name}`, true, value);
  }
  progress("a test of a simulated cluster, in JavaScript and TypeScript");
  for (const [name, attempt] of [
    ["JavaScript", runSimulatedJavaScript],
    ["TypeScript (tsc --strict, 6 and 7)", runSimulatedTypeScript],
  ]) {
    aim(
      `a test of a simulated cluster by node:test, ${name}`,
      true,
      passes(name, project, attempt),
    );
  }
}

function passes(name, project, attempt) {
  try {
    const { ms } = attempt(project);
    say(`✓ a test of a simulated cluster in ${name}: passed after ${ms} ms`);
    return true;
  } catch (error) {
    problems.push(`${name} test of a simulated cluster: ${error.message}`);
    return false;
  }
}

function aim(name, target, value) {
  aims.push({ name, target, value, met: value === target });
}

function report(sizes) {
  if (sizes.length > 0) say(`\n${table(sizes)}\n`);
  for (const problem of problems) say(`✗ ${problem}`);
  const ok = problems.length === 0 && aims.every(({ met }) => met);
  for (const { name, target, value, met } of aims)
    say(`${met ? "✓" : "✗"} ${name}: ${value} of ${target}`);
  if (json) process.stdout.write(`${JSON.stringify({ ok, aims, sizes, problems })}\n`);
  process.exitCode = ok ? 0 : 1;
}

function table(sizes) {
  const kilobytes = (bytes) => `${(bytes / 1024).toFixed(0)} KB`;
  const rows = [
    ["package", "own size", "files", "installed with dependencies", "third-party packages"],
  ];
  for (const each of sizes) {
    const { name, ownBytes, ownFiles, installedBytes, thirdParty } = each;
    rows.push(
      [name, kilobytes(ownBytes), ownFiles, kilobytes(installedBytes), thirdParty].map(String),
    );
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const line = (row) =>
    row
      .map((cell, column) => (column ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join("  ");
  return rows.map(line).join("\n");
}
