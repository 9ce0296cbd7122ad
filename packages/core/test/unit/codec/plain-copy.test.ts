import { describe, expect, test } from "@jest/globals";
import { createCodec } from "../../../src/codec/index.js";
import { copySimple, NOT_SIMPLE } from "../../../src/codec/plain-copy.js";
import { codecLimits } from "../../../src/codec/limits.js";

const simple = (value: unknown) => copySimple(value, codecLimits);

describe("a copy without bytes", () => {
  test("is made of objects and arrays of texts, numbers and the like", () => {
    const value = { id: 7, tags: ["a", "é"], at: { none: null, not: undefined, no: -0 }, ok: true };
    expect(simple(value)).toStrictEqual(value);
    expect(simple(value)).not.toBe(value);
    expect(simple([[1], { a: [{}] }])).toStrictEqual([[1], { a: [{}] }]);
  });

  test("is left to the codec for everything else", () => {
    const others = [new Date(0), new Map(), new Set(), Buffer.alloc(1), 7n, () => 1, Symbol("x")];
    for (const other of others) expect(simple({ other })).toBe(NOT_SIMPLE);
    for (const text of ["\ud800", "a\udfff"]) {
      expect(simple({ text })).toBe(NOT_SIMPLE);
      expect(simple({ [text]: 1 })).toBe(NOT_SIMPLE);
    }
    expect(simple(JSON.parse('{"__proto__":1}'))).toBe(NOT_SIMPLE);
    expect(simple({ constructor: 1 })).toBe(NOT_SIMPLE);
    expect(simple(Object.create(null))).toBe(NOT_SIMPLE);
  });

  test("is never made beyond the codec's limits, which says what is wrong", () => {
    const few = createCodec({ depthMax: 2, valuesMax: 10 });
    const refused = expect.objectContaining({ code: "ERR_NOT_ENCODABLE" });
    expect(() => few.copy?.({ a: { b: {} } })).toThrow(refused);
    expect(() => few.copy?.(Array.from({ length: 20 }, () => 1))).toThrow(refused);
    const circular: unknown[] = [];
    circular.push(circular);
    expect(() => createCodec().copy?.(circular)).toThrow(refused);
  });

  test("of a value that throws while it is read says so", () => {
    const bad = {
      get a(): never {
        throw new Error("mine");
      },
    };
    expect(() => createCodec().copy?.(bad)).toThrow(
      expect.objectContaining({ code: "ERR_NOT_ENCODABLE" }),
    );
  });

  test("holes of an array become undefined, as on the way", () => {
    // eslint-disable-next-line no-sparse-arrays
    expect(Object.keys(simple([1, , 3]) as object)).toEqual(["0", "1", "2"]);
  });
});
