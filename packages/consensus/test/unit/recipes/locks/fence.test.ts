import { expect, test } from "@jest/globals";
import { createFence } from "../../../../src/index.js";

const codeOf = (run: () => void): string => {
  try {
    run();
    return "passed";
  } catch (error) {
    return String((error as { code?: string }).code);
  }
};

test("a fence lets newer tokens and the newest again pass, and refuses older ones", () => {
  const fence = createFence({ resource: "r" });
  expect([3, 3, 7, 6, 7, 8].map((token) => codeOf(() => fence.pass(token)))).toEqual([
    "passed",
    "passed",
    "passed",
    "ERR_TOKEN_STALE",
    "passed",
    "passed",
  ]);
  expect(fence.seen).toBe(8);
});

test("a fence goes on from the token that was stored", () => {
  const fence = createFence({ seen: 5 });
  expect(codeOf(() => fence.pass(4))).toBe("ERR_TOKEN_STALE");
  expect(codeOf(() => fence.pass(5))).toBe("passed");
});

test("what is no token is refused", () => {
  for (const token of [0, -1, 1.5, Number.NaN, "7" as never]) {
    expect(codeOf(() => createFence().pass(token))).toBe("ERR_INVALID_ARGUMENT");
  }
});
