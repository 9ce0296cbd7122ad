import { describe, expect, test } from "@jest/globals";
import { FoundationError } from "../../../src/errors/index.js";
import { loggerLimits } from "../../../src/logger/limits.js";
import { safeFields } from "../../../src/logger/safe-fields.js";

describe("fields of a log line", () => {
  test("plain data passes unchanged", () => {
    const fields = { a: 1, b: "x", c: [true, null], d: { e: 2 } };
    expect(safeFields(fields)).toEqual(fields);
  });

  test("cycles, big integers, functions, symbols, bytes and not-a-numbers become text", () => {
    const cycle: Record<string, unknown> = { name: "c" };
    cycle["self"] = cycle;
    const safe = safeFields({
      cycle,
      big: 10n,
      run: function work() {},
      mark: Symbol("m"),
      bytes: new Uint8Array(5),
      nan: Number.NaN,
      none: undefined,
      map: new Map([["k", 1]]),
      set: new Set([1]),
    });
    expect(safe).toEqual({
      cycle: { name: "c", self: "[circular]" },
      big: "10n",
      run: "[function work]",
      mark: "Symbol(m)",
      bytes: "[5 bytes]",
      nan: "NaN",
      map: [["k", 1]],
      set: [1],
    });
    expect(() => JSON.stringify(safe)).not.toThrow();
  });

  test("the same object twice side by side is no cycle", () => {
    const twin = { n: 1 };
    expect(safeFields({ a: twin, b: twin })).toEqual({ a: twin, b: twin });
  });

  test("a getter, a toJSON or a proxy that throws does not reach the caller", () => {
    const hostile = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    const fields = {
      get broken(): never {
        throw new Error("no");
      },
      json: {
        toJSON: () => {
          throw new Error("no");
        },
      },
      hostile,
      fine: 1,
    };
    expect(safeFields(fields)).toMatchObject({
      broken: "[unreadable]",
      json: "[unreadable]",
      fine: 1,
    });
  });

  test("a marked secret and a value under a secret's name never show", () => {
    const marked = { [Symbol.for("foundation.secret")]: true, value: "hunter2" };
    const safe = safeFields({
      marked,
      secret: "hunter2",
      nested: { password: "hunter2", list: [marked], apiKey: "hunter2" },
      env: { FOUNDATION_SECRET: "hunter2" },
      token: 7,
    });
    expect(JSON.stringify(safe)).not.toContain("hunter2");
    expect(safe["token"]).toBe(7);
  });

  test("an error keeps its code, its details, its stack and its cause", () => {
    const error = new FoundationError({
      code: "ERR_X",
      message: "it broke",
      details: { at: 1, secret: "hunter2" },
      retryable: false,
      cause: new Error("deeper"),
    });
    expect(safeFields({ error })["error"]).toMatchObject({
      code: "ERR_X",
      message: "it broke",
      details: { at: 1, secret: "[secret]" },
      cause: { message: "deeper" },
      stack: expect.stringContaining("it broke"),
    });
  });

  test("depth, number and length are limited", () => {
    let deep: object = {};
    for (let i = 0; i < 50; i += 1) deep = { deep };
    const text = JSON.stringify(
      safeFields({
        deep,
        many: Array.from({ length: 100_000 }, () => 1),
        long: "x".repeat(1_000_000),
      }),
    );
    expect(text).toContain("[depth]");
    expect(text).toContain("[more]");
    expect(text.length).toBeLessThan(loggerLimits.stringCharsMax + 4_000);
  });

  test("a field may not overwrite the line's own names or the prototype", () => {
    const safe = safeFields({ level: "x", ...(JSON.parse('{"__proto__": {"p": 1}}') as object) });
    expect(safe).toMatchObject({ level_: "x" });
    expect(Object.getPrototypeOf(safe)).toBe(Object.prototype);
  });
});
