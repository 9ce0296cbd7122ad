/**
 * Counts a jest run honestly: a file that could not run is a failure, a skip has a reason, and with
 * `REQUIRE_ALL=1` a skip is a failure too. Pure: results in, numbers and names out.
 */

const noReason = "no reason given";

/**
 * @typedef {{ passed: number, failed: number, skipped: Record<string, number>, failures: string[] }} Tally
 * @typedef {{
 *   testFilePath: string,
 *   testExecError?: unknown,
 *   failureMessage?: string | null,
 *   numFailingTests?: number,
 *   testResults: readonly { status: string, fullName: string }[],
 * }} FileResult
 */

/** @returns {Tally} */
export function emptyTally() {
  return { passed: 0, failed: 0, skipped: {}, failures: [] };
}

/**
 * @param {readonly FileResult[]} files
 * @param {{ requireAll: boolean, filtered: boolean, name?: (path: string) => string }} options
 *   `filtered`: a name pattern was given, so tests it left out are not skips
 * @returns {Tally}
 */
export function tally(files, { requireAll, filtered, name = (path) => path }) {
  const total = emptyTally();
  for (const file of files) {
    const path = name(file.testFilePath);
    for (const result of file.testResults) {
      if (result.status === "passed") total.passed += 1;
      else if (result.status === "failed") fail(total, `${path} › ${result.fullName}`);
      else skip(total, path, result, { requireAll, filtered });
    }
    if (couldNotRun(file)) fail(total, `${path} could not run`);
  }
  return total;
}

/** Adds `b` to `a` and returns `a`. @param {Tally} a @param {Tally} b */
export function add(a, b) {
  a.passed += b.passed;
  a.failed += b.failed;
  a.failures.push(...b.failures);
  for (const [reason, count] of Object.entries(b.skipped)) {
    a.skipped[reason] = (a.skipped[reason] ?? 0) + count;
  }
  return a;
}

/** The closing lines: skips with their reasons when there are any, then `N passed, N failed`. */
export function closing(/** @type {Tally} */ total) {
  const reasons = Object.entries(total.skipped);
  const count = reasons.reduce((sum, [, each]) => sum + each, 0);
  const lines = [];
  if (count > 0) {
    lines.push(`${count} skipped (${reasons.map(([why, each]) => `${why} × ${each}`).join(", ")})`);
  }
  lines.push(`${total.passed} passed, ${total.failed} failed`);
  return lines;
}

/** A syntax error, an empty suite, a failed hook or a leaked handle: no test of it says "failed". */
function couldNotRun(file) {
  const someTestFailed = file.testResults.some((result) => result.status === "failed");
  return !someTestFailed && Boolean(file.testExecError ?? file.failureMessage);
}

function fail(total, what) {
  total.failed += 1;
  total.failures.push(what);
}

function skip(total, path, result, { requireAll, filtered }) {
  const reason = /\[needs ([^\]]+)\]/.exec(result.fullName)?.[1];
  if (filtered && !reason) return;
  if (requireAll) {
    fail(total, `${path} › ${result.fullName} was skipped, and REQUIRE_ALL=1 allows no skip`);
    return;
  }
  const key = reason ?? noReason;
  total.skipped[key] = (total.skipped[key] ?? 0) + 1;
}
