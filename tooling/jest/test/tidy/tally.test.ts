/** The closing line counts honestly. */
import { expect, test } from "@jest/globals";
import { add, closing, emptyTally, tally } from "../../src/tally.mjs";

const file = (statuses: readonly string[], extra: object = {}) => ({
  testFilePath: "a.test.ts",
  testResults: statuses.map((status, index) => ({ status, fullName: `test ${index}` })),
  ...extra,
});
const lenient = { requireAll: false, filtered: false };

test("passed and failed tests are counted and failures are named", () => {
  const total = tally([file(["passed", "failed", "passed"])], lenient);
  expect(closing(total)).toEqual(["2 passed, 1 failed"]);
  expect(total.failures).toEqual(["a.test.ts › test 1"]);
});

test("a file that could not run is a failure although no test of it failed", () => {
  const total = tally([file([], { testExecError: { message: "syntax" } })], lenient);
  expect(closing(total)).toEqual(["0 passed, 1 failed"]);
});

test("a file with a failed test is not counted once more for its failure message", () => {
  const total = tally([file(["failed"], { failureMessage: "…" })], lenient);
  expect(total.failed).toBe(1);
});

test("skips are counted by reason, on a line before the last", () => {
  const skipped = (fullName: string) => ({ status: "pending", fullName });
  const results = {
    testFilePath: "a.test.ts",
    testResults: [
      skipped("x [needs network namespaces]"),
      skipped("y [needs network namespaces]"),
      skipped("z"),
    ],
  };
  expect(closing(tally([results], lenient))).toEqual([
    "3 skipped (network namespaces × 2, no reason given × 1)",
    "0 passed, 0 failed",
  ]);
});

test("where everything is required a skip is a failure", () => {
  const total = tally([file(["pending"])], { requireAll: true, filtered: false });
  expect(closing(total)).toEqual(["0 passed, 1 failed"]);
});

test("tests left out by a name pattern are not skips, even where everything is required", () => {
  const total = tally([file(["pending", "passed"])], { requireAll: true, filtered: true });
  expect(closing(total)).toEqual(["1 passed, 0 failed"]);
});

test("tallies of several runs add up", () => {
  const total = add(emptyTally(), tally([file(["passed", "pending"])], lenient));
  add(total, tally([file(["failed", "pending"])], lenient));
  expect(closing(total)).toEqual(["2 skipped (no reason given × 2)", "1 passed, 1 failed"]);
});
