/**
 * The reporter of every jest run: one line per test file as it ends, failures in full, and a last
 * line `N passed, N failed` that a script can read (jest's own summary changes with its version).
 *
 * It also guards the end of the run. A file that leaves a handle open fails by the environment beside
 * this file; should the run still not exit, that is a failure with the open handles named.
 * `--forceExit` is never used: it would hide exactly that. (Jest kills a worker that takes half a
 * second to exit. On a busy machine a healthy one does, so that alone proves nothing.)
 *
 * With `FOUNDATION_TALLY` set to a file, the tally is written there as JSON and the caller prints
 * the closing line (`npm test` adds its other steps to it).
 */
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import { closing, tally } from "./tally.mjs";

const limits = { exitMs: 10_000, stillRunningMs: 20_000 };
const forcedExit = "failed to exit gracefully";

export default class Reporter {
  #config;
  #done = 0;
  #forced = false;
  #running = new Map();
  #ticker;
  #consoleError = console.error;

  constructor(globalConfig) {
    this.#config = globalConfig;
  }

  onRunStart() {
    // The only trace jest leaves of a killed worker is this message in the parent process.
    console.error = (...args) => {
      if (args.some((each) => String(each).includes(forcedExit))) this.#forced = true;
      this.#consoleError.apply(console, args);
    };
    this.#ticker = setInterval(() => this.#tell(), limits.stillRunningMs).unref();
  }

  onTestFileStart(test) {
    this.#running.set(test.path, Date.now());
  }

  onTestFileResult(test, result, aggregated) {
    this.#running.delete(test.path);
    this.#done += 1;
    const ok = result.numFailingTests === 0 && !result.testExecError && !result.failureMessage;
    const seconds = ((result.perfStats.end - result.perfStats.start) / 1000).toFixed(1);
    const kind = test.context.config.displayName?.name ?? "";
    const place = `${this.#done}/${aggregated.numTotalTestSuites}`;
    const count = result.testResults.length;
    print(`${ok ? "✓" : "✗"} [${place}] ${kind} ${this.#name(test.path)} (${count}, ${seconds} s)`);
    if (result.console?.length && !ok) {
      for (const { type, message } of result.console) print(`  console.${type}: ${message}`);
    }
    if (result.failureMessage) print(result.failureMessage);
  }

  onRunComplete(_contexts, aggregated) {
    clearInterval(this.#ticker);
    console.error = this.#consoleError;
    const total = tally(aggregated.testResults, {
      requireAll: process.env.REQUIRE_ALL === "1",
      filtered: Boolean(this.#config.testNamePattern),
      name: (path) => this.#name(path),
    });
    if (aggregated.runExecError) addFailure(total, `the run: ${aggregated.runExecError.message}`);
    if (aggregated.wasInterrupted) addFailure(total, "the run was interrupted");
    if (this.#forced && total.failed === 0)
      print("A worker was slow to exit and was killed; no file had left a handle.");
    this.#finish(total);
    this.#failed = total.failed > 0;
    this.#guardExit(total);
  }

  #failed = false;

  /** Jest asks this for the exit code; a skip under REQUIRE_ALL=1 must count. */
  getLastError() {
    return this.#failed ? new Error("some tests failed") : undefined;
  }

  #guardExit(total) {
    setTimeout(() => {
      const handles = process.getActiveResourcesInfo().join(", ") || "unknown";
      addFailure(total, `the run did not exit ${limits.exitMs / 1000} s after its last test`);
      print(`✗ ${total.failures.at(-1)}. Open handles: ${handles}.`);
      print("  A test left a server, socket, timer or child process open: close it in the test.");
      this.#finish(total);
      process.exit(1);
    }, limits.exitMs).unref();
  }

  #finish(total) {
    const file = process.env.FOUNDATION_TALLY;
    if (file) {
      writeFileSync(file, JSON.stringify(total));
      return;
    }
    if (total.failures.length > 0)
      print(`\nFailed:\n${total.failures.map((f) => `  ${f}`).join("\n")}`);
    for (const line of closing(total)) print(line);
  }

  /** Long files say that they are still running, so a slow run never looks like a dead one. */
  #tell() {
    for (const [path, startedAt] of this.#running) {
      print(`… ${this.#name(path)} running for ${Math.round((Date.now() - startedAt) / 1000)} s`);
    }
  }

  #name(path) {
    return relative(this.#config.rootDir, path);
  }
}

function addFailure(total, what) {
  total.failed += 1;
  total.failures.push(what);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}
