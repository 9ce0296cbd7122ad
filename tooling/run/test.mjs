/**
 * `npm test`: every check of the repository, one after the other, ending with `N passed, N failed`.
 *
 * Each step that is not a jest run (type check, lint, format, build, package checks) counts as one
 * in the closing line. A failed step does not hide the following ones. With arguments, only jest
 * runs, and the arguments are jest's: `npm test -- packages/core`.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { add, closing, emptyTally } from "../jest/src/tally.mjs";
import { fastKinds, resolveCommand, slowKinds } from "./commands.mjs";
import { environment, progress, root } from "./machine.mjs";
import { ensurePnpm } from "./pnpm.mjs";

/** A jest run that is over and does not exit, or never ends, is killed: what it counted is told nevertheless. */
const limits = { exitMs: 30_000, runMs: 40 * 60_000, pollMs: 1_000 };

const args = process.argv.slice(2);
const pnpm = await ensurePnpm();
const total = emptyTally();
const startedAt = Date.now();

if (args.length > 0) {
  // The smoke tests are about the built packages; everything else runs from the sources.
  if (args.includes("smoke")) await runStep("build", "build", ["--output-logs=errors-only"]);
  await runJest("jest", args);
} else {
  await runStep("types", "typecheck");
  await runStep("lint", "lint");
  await runStep("format", "format:check");
  await runStep("build", "build", ["--output-logs=errors-only"]);
  await runStep("packages", "pack:lint");
  await runJest("fast tests", ["--selectProjects", ...fastKinds]);
  // One at a time: these start processes and measure time, and must not compete with each other.
  await runJest("slow tests", ["--maxWorkers=1", "--selectProjects", ...slowKinds]);
}

const seconds = Math.round((Date.now() - startedAt) / 1000);
if (total.failures.length > 0) {
  console.log(`\nFailed:\n${total.failures.map((each) => `  ${each}`).join("\n")}`);
}
console.log(`\nDone in ${seconds} s`);
for (const line of closing(total)) console.log(line);
process.exitCode = total.failed > 0 ? 1 : 0;

/** One check that passes or fails as a whole. Its output is shown as it comes. */
async function runStep(name, command, extra = []) {
  progress(`${name} …`);
  const began = Date.now();
  const code = await exec(resolveCommand(command, extra, pnpm));
  const took = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${code === 0 ? "✓" : "✗"} ${name} (${took} s)`);
  if (code === 0) total.passed += 1;
  else addFailure(`${name}: see above, or run "npm run ${command}"`);
}

/** A jest run, whose tally comes back through a file: the last words of a dead run are no number. */
async function runJest(name, jestArgs) {
  progress(`${name} …`);
  const folder = mkdtempSync(join(tmpdir(), "foundation-test-"));
  const file = join(folder, "tally.json");
  try {
    const command = resolveCommand("jest", jestArgs, pnpm);
    const code = await exec({ ...command, env: { FOUNDATION_TALLY: file } }, endlessness(file));
    const counted = readTally(file);
    if (counted) add(total, counted);
    else addFailure(`${name}: jest ended with exit code ${code} before it could report`);
    if (counted && code !== 0 && counted.failed === 0) {
      addFailure(`${name}: jest ended with exit code ${code} although no test failed`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Says, asked again and again, why a jest run has to be killed. */
function endlessness(tallyFile) {
  const began = Date.now();
  let tallied;
  return () => {
    const now = Date.now();
    if (existsSync(tallyFile)) tallied ??= now;
    if (now - tallied > limits.exitMs)
      return `it did not exit ${limits.exitMs / 1000} s after its last test`;
    if (now - began > limits.runMs) return `it ran longer than ${limits.runMs / 60_000} minutes`;
    return undefined;
  };
}

function readTally(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function addFailure(what) {
  total.failed += 1;
  total.failures.push(what);
}

/** Runs a command with the terminal's own streams; resolves to its exit code, never rejects. */
function exec({ file, args: commandArgs, env = {} }, mustEnd = () => undefined) {
  return new Promise((resolve) => {
    const options = { cwd: root, env: { ...environment(pnpm), ...env }, stdio: "inherit" };
    const child = spawn(file, commandArgs, options);
    const forward = (signal) => child.kill(signal);
    process.once("SIGTERM", forward);
    const watch = setInterval(() => {
      const why = mustEnd();
      if (why === undefined) return;
      clearInterval(watch);
      addFailure(`the run was killed: ${why}`);
      child.kill("SIGKILL");
    }, limits.pollMs);
    child.once("error", (error) => {
      clearInterval(watch);
      console.error(error.message);
      resolve(1);
    });
    child.once("exit", (code, signal) => {
      clearInterval(watch);
      process.off("SIGTERM", forward);
      if (signal) addFailure(`the run was ended by ${signal}`);
      resolve(code ?? 1);
    });
  });
}
