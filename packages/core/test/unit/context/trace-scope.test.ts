import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, describe, expect, test } from "@jest/globals";
import { currentTrace, runWithTrace, type TraceContext } from "../../../src/context/index.js";

const KEY = Symbol.for("foundation.trace-scope");
const trace = (digit: string): TraceContext => ({
  traceId: digit.repeat(32),
  spanId: digit.repeat(16),
  flags: 1,
});

afterEach(() => {
  delete (globalThis as Record<symbol, unknown>)[KEY];
});

describe("the ambient trace", () => {
  test("is nothing outside a scope, and asking for it does not switch anything on", () => {
    expect(currentTrace()).toBeUndefined();
    expect(runWithTrace(undefined, () => 7)).toBe(7);
    expect(KEY in globalThis).toBe(false);
  });

  test("follows the awaits of the function it was opened around", async () => {
    const seen = await runWithTrace(trace("a"), async () => {
      await Promise.resolve();
      await new Promise((done) => setImmediate(done));
      return currentTrace();
    });
    expect(seen).toEqual(trace("a"));
    expect(currentTrace()).toBeUndefined();
  });

  test("an inner scope hides the outer one only while it runs", () => {
    runWithTrace(trace("a"), () => {
      runWithTrace(trace("b"), () => expect(currentTrace()).toEqual(trace("b")));
      expect(currentTrace()).toEqual(trace("a"));
    });
  });

  test("concurrent scopes do not see each other", async () => {
    const run = (digit: string) =>
      runWithTrace(trace(digit), async () => {
        await Promise.resolve();
        return currentTrace()?.traceId[0];
      });
    expect(await Promise.all([run("a"), run("b"), run("c")])).toEqual(["a", "b", "c"]);
  });

  test("is shared with another copy of the package in the same process", () => {
    const other = new AsyncLocalStorage<TraceContext>();
    (globalThis as Record<symbol, unknown>)[KEY] = other;
    other.run(trace("d"), () => expect(currentTrace()).toEqual(trace("d")));
  });

  test("what the function throws comes out unchanged", () => {
    const failure = new Error("mine");
    expect(() =>
      runWithTrace(trace("a"), () => {
        throw failure;
      }),
    ).toThrow(failure);
  });
});
