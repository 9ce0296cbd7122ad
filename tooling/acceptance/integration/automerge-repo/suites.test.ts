/** Runs automerge-repo's published suites under vitest, for which they are written, and counts what passed. */
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";

const run = promisify(execFile);
const here = import.meta.dirname;
const vitest = join(
  dirname(createRequire(import.meta.url).resolve("vitest/package.json")),
  "vitest.mjs",
);

/** What vitest's reporter says. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
}

async function report(): Promise<Report> {
  const config = join(here, "vitest.config.mjs");
  const { NODE_OPTIONS: _jest, ...env } = process.env;
  const order = [vitest, "run", "--config", config, "--reporter=json"];
  const { stdout } = await run(process.execPath, order, { env, maxBuffer: 2 ** 24 });
  return JSON.parse(stdout.slice(stdout.indexOf("{"))) as Report;
}

describe("automerge-repo's own suites", () => {
  test("pass unmodified, on a cluster as network, on a disk and in memory as storage", async () => {
    const { numPassedTests, numFailedTests, numPendingTests } = await report();
    // 7 of networks, 11 of storages, twice.
    expect({ numPassedTests, numFailedTests, numPendingTests }).toEqual({
      numPassedTests: 29,
      numFailedTests: 0,
      numPendingTests: 0,
    });
  }, 60_000);
});
