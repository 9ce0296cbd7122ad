import { afterEach, describe, expect, test } from "@jest/globals";
import { Packr } from "msgpackr/pack";
import { createCodec } from "../../../src/codec/index.js";

const codec = createCodec();
const bytesOf = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const text = (value: string): number[] => [0xa0 | value.length, ...Buffer.from(value)];

function refusal(value: unknown, options?: Parameters<typeof createCodec>[0]): [string, string] {
  try {
    createCodec(options).encode(value);
  } catch (error) {
    const { code, details } = error as { code: string; details: { path: string; found: string } };
    expect(code).toBe("ERR_NOT_ENCODABLE");
    return [details.path, details.found];
  }
  throw new Error("it was encoded");
}

function unreadable(bytes: Uint8Array, options?: Parameters<typeof createCodec>[0]): string {
  try {
    createCodec(options).decode(bytes);
  } catch (error) {
    const { code, details } = error as { code: string; details: { reason: string } };
    expect(code).toBe("ERR_NOT_DECODABLE");
    return details.reason;
  }
  throw new Error("it was decoded");
}

describe("createCodec: user code in a value", () => {
  const throwing = (): never => {
    throw new Error("a trap");
  };
  test.each<[string, unknown]>([
    ["a getter", Object.defineProperty({}, "x", { enumerable: true, get: throwing })],
    ["a proxy", new Proxy({}, { ownKeys: throwing, get: throwing, getPrototypeOf: throwing })],
    ["a proxy beside a function", [() => 1, new Proxy({}, { getPrototypeOf: throwing })]],
  ])("%s that throws is refused like what is no plain data, with the cause", (_what, value) => {
    expect(() => codec.encode({ value })).toThrow(
      expect.objectContaining({ code: "ERR_NOT_ENCODABLE" }),
    );
    expect(codec.decode(codec.encode(1))).toBe(1);
  });
});

describe("createCodec: what is kept", () => {
  const kept: [string, unknown][] = [
    ["undefined at the top", undefined],
    ["null, booleans and undefined inside", [null, true, false, undefined]],
    ["undefined fields", { a: undefined }],
    [
      "integers at every border",
      [
        0,
        127,
        128,
        255,
        256,
        65_535,
        65_536,
        2 ** 32,
        2 ** 53 - 1,
        -32,
        -33,
        -129,
        -32_769,
        -(2 ** 31) - 1,
      ],
    ],
    ["minus zero", [-0, { z: -0 }]],
    ["floats", [1.5, Number.MAX_VALUE, Number.MIN_VALUE, Infinity, -Infinity, Number.NaN]],
    ["bigints of 64 bits", [0n, -1n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 63n)]],
    ["texts", ["", "ä€😀", "x".repeat(7_000)]],
    [
      "texts that begin with a byte order mark",
      ["\uFEFF", `\uFEFF${"x".repeat(100)}`, { "\uFEFFk": 1 }],
    ],
    ["dates", [new Date(0), new Date(1_732_240_000_123), new Date(-1), new Date(8.64e15)]],
    [
      "bytes and typed arrays",
      [
        Uint8Array.of(1, 2),
        Buffer.from("hi"),
        Float32Array.of(1.5),
        BigInt64Array.of(-1n),
        new Uint16Array(300),
      ],
    ],
    [
      "maps with any key",
      new Map<unknown, unknown>([
        [1, "a"],
        ["__proto__", 2],
        [{ k: 1 }, new Map()],
        [null, [1]],
      ]),
    ],
    ["sets", { s: new Set([1, "a", [2], new Set()]) }],
    ["empty containers", [{}, [], new Map(), new Set(), new Uint8Array(0)]],
    [
      "an object with many keys",
      Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, i])),
    ],
    [
      "keys that look like other things",
      { toJSON: "no function", hasOwnProperty: 1, "": 2, "a b": 3, toString: 4 },
    ],
  ];
  test.each(kept)("%s", (_, value) => {
    expect(codec.decode(codec.encode(value))).toEqual(value);
    const boxed = new Map([["in a map", value]]);
    expect(codec.decode(codec.encode(boxed))).toEqual(boxed);
  });

  test("large texts and bytes, with every size of length", () => {
    for (const size of [65_535, 65_536, 300_000]) {
      expect(codec.decode(codec.encode("x".repeat(size)))).toBe("x".repeat(size));
      const bytes = Buffer.alloc(size, 7);
      expect(bytes.equals(codec.decode(codec.encode(bytes)) as Buffer)).toBe(true);
      expect(bytes.equals(codec.decode(codec.encode(new Uint8Array(bytes))) as Buffer)).toBe(true);
    }
  });

  test("a date that is none stays one", () => {
    expect((codec.decode(codec.encode(new Date(Number.NaN))) as Date).getTime()).toBeNaN();
  });

  test("objects without a prototype arrive as plain objects", () => {
    const value = Object.assign(Object.create(null) as object, { a: 1, toJSON: 2 });
    expect(codec.decode(codec.encode(value))).toEqual({ a: 1, toJSON: 2 });
  });

  test("encoded bytes stay as they are after later calls, and decoded bytes are a copy", () => {
    const first = codec.encode({ n: 1 });
    const copy = first.slice();
    for (let i = 0; i < 10_000; i++) codec.encode({ n: i, filler: "x".repeat(50) });
    expect(first).toEqual(copy);
    const encoded = codec.encode(Uint8Array.of(1, 2, 3));
    const decoded = codec.decode(encoded) as Uint8Array;
    encoded.fill(0);
    expect([...decoded]).toEqual([1, 2, 3]);
  });

  test("what is plain MessagePack is read by any MessagePack reader", () => {
    const value = { id: "o-1", cents: 1299, tags: ["a", "b"], at: new Date(5_000) };
    expect(new Packr({ useRecords: false }).unpack(codec.encode(value))).toEqual(value);
  });
});

describe("createCodec: what cannot be sent", () => {
  class Order {
    id = 1;
  }
  class Shelf extends Map<string, number> {}
  const cyclic: Record<string, unknown> = { a: {} };
  (cyclic["a"] as Record<string, unknown>)["back"] = cyclic;

  test.each<[string, unknown, string, RegExp]>([
    ["a function", { items: [1, 2, 3, { run: () => 1 }] }, "$.items[3].run", /function/],
    ["a symbol", [Symbol("s")], "$[0]", /symbol/],
    ["a class instance", { "an order": new Order() }, '$["an order"]', /Order/],
    ["an error", new Error("x"), "$", /Error/],
    ["a regular expression", [/x/], "$[0]", /RegExp/],
    ["a promise", [Promise.resolve()], "$[0]", /Promise/],
    ["a subclass of Map", { shelf: new Shelf() }, "$.shelf", /Shelf/],
    ["an ArrayBuffer", { raw: new ArrayBuffer(1) }, "$.raw", /ArrayBuffer/],
    ["a cycle", cyclic, "$.a.back", /back to an object/],
    ["a bigint of more than 64 bits", { n: 2n ** 64n }, "$.n", /64 bits/],
    ["something in a map", new Map([["k", () => 1]]), '$.get("k")', /function/],
    ["something in a set", new Set([() => 1]), "$.values(0)", /function/],
    ["the key constructor", { a: { constructor: 1 } }, "$.a.constructor", /not allowed/],
    ["the key __proto__", JSON.parse('{"__proto__":1}'), "$.__proto__", /not allowed/],
  ])("%s is refused with its path", (_, value, path, found) => {
    const [foundPath, what] = refusal(value);
    expect(foundPath).toBe(path);
    expect(what).toMatch(found);
  });

  test("nesting and counts beyond the limits are refused, up to them they are sent", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(codec.decode(codec.encode(nested(64)))).toEqual(nested(64));
    expect(refusal(nested(65))[1]).toMatch(/64 levels/);
    expect(refusal(nested(5_000))[1]).toMatch(/64 levels/);
    expect(refusal(new Array(100).fill(0), { valuesMax: 50 })[1]).toMatch(/more than 50 values/);
  });

  test("a refusal leaves the codec usable", () => {
    refusal({ run: () => 1 });
    expect(codec.decode(codec.encode([1]))).toEqual([1]);
  });

  test("the message never shows the value", () => {
    expect(() => codec.encode({ password: "hunter2", run: () => "hunter2" })).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining("hunter2") }),
    );
  });
});

describe("createCodec: hostile bytes", () => {
  const names = ["Function", "eval"] as const;
  const saved = Object.fromEntries(names.map((name) => [name, Reflect.get(globalThis, name)]));
  afterEach(() => {
    Object.assign(globalThis, saved);
  });

  test("nothing reaches a code generator, however often a record shape is sent", () => {
    const records = new Packr({ useRecords: true });
    const withRecords = records.pack({
      a: 1,
      b: [{ a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }, { a: 6 }],
    });
    const poison = () => {
      throw new Error("a code generator was called");
    };
    Object.assign(globalThis, { Function: poison, eval: poison });
    for (let i = 0; i < 20; i++) {
      expect(unreadable(withRecords)).toMatch(/extension of type 114/);
      expect(codec.decode(codec.encode({ i, list: [{ i }, { i }, { i }, { i }] }))).toBeDefined();
    }
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["nothing at all", bytesOf(), /cut off/],
    ["an array of 4 G values", bytesOf(0xdd, 0xff, 0xff, 0xff, 0xff), /cut off/],
    ["an object of 4 G fields", bytesOf(0xdf, 0xff, 0xff, 0xff, 0xff), /cut off/],
    ["a text of 4 G bytes", bytesOf(0xdb, 0xff, 0xff, 0xff, 0xff, 0x61), /cut off/],
    ["bytes of 4 G", bytesOf(0xc6, 0xff, 0xff, 0xff, 0xff), /cut off/],
    ["a number cut off", bytesOf(0xcb, 0, 0, 0), /cut off/],
    ["a second value behind the first", bytesOf(0x01, 0x02), /1 bytes follow/],
    ["a regular expression", new Packr({ moreTypes: true }).pack(/(a+)+$/), /type 120/],
    ["an error", new Packr({ moreTypes: true }).pack(new Error("x")), /type 101/],
    ["a reference", bytesOf(0xd6, 0x70, 0, 0, 0, 1), /type 112/],
    ["bundled strings", bytesOf(0xd6, 0x62, 0, 0, 0, 1), /type 98/],
    ["an unknown extension", bytesOf(0xd4, 0x55, 0), /type 85/],
    ["fixext 16", bytesOf(0xd8, 0x74, ...new Array<number>(16).fill(0)), /0xd8 begins no value/],
    ["a typed array of an unknown kind", bytesOf(0xc7, 2, 0x74, 77, 0), /unknown kind/],
    [
      "half an element",
      bytesOf(0xc1, 0x93, ...text("b"), ...text("Float64Array"), 0xc4, 3, 1, 2, 3),
      /multiple of 8/,
    ],
    [
      "a boxed array of an unknown kind",
      bytesOf(0xc1, 0x93, ...text("b"), ...text("toString"), 0xc4, 0),
      /unknown kind/,
    ],
    ["the boxed mark inside", bytesOf(0x91, 0xc1), /0xc1 begins no value/],
    ["the boxed mark twice", bytesOf(0xc1, 0xc1, 0x01), /0xc1 begins no value/],
    ["a number as a key", bytesOf(0x81, 0x01, 0x01), /not a string/],
    ["an object as a key", bytesOf(0x81, 0x80, 0x01), /not a string/],
    ["the key __proto__", bytesOf(0x81, ...text("__proto__"), 0x80), /__proto__/],
    ["the key constructor", bytesOf(0x81, ...text("constructor"), 0x80), /constructor/],
    ["the key prototype", bytesOf(0x81, ...text("prototype"), 0x80), /prototype/],
    [
      "a key in the long form",
      bytesOf(0x81, 0xd9, 9, ...Buffer.from("__proto__"), 0x80),
      /__proto__/,
    ],
    ["a boxed array without a tag", bytesOf(0xc1, 0x91, 0x01), /without a tag/],
    ["a boxed empty array", bytesOf(0xc1, 0x90), /without a tag/],
    ["a boxed map with half an entry", bytesOf(0xc1, 0x92, ...text("m"), 1), /without a value/],
    [
      "a boxed key that reaches a prototype",
      bytesOf(0xc1, 0x93, ...text("o"), ...text(".__proto__"), 1),
      /__proto__/,
    ],
    ["a boxed text without its guard", bytesOf(0xc1, 0x92, ...text("t"), ...text("x")), /guard/],
  ])("%s is refused", (_, bytes, reason) => {
    expect(unreadable(bytes)).toMatch(reason);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  test("nesting is refused at the limit without recursion running deep", () => {
    expect(unreadable(new Uint8Array(1_000_000).fill(0x91))).toMatch(/depthMax/);
    expect(unreadable(bytesOf(0x91, 0x91, 0x01), { depthMax: 1 })).toMatch(/depthMax/);
  });

  test("more values than the limit are refused before any is made", () => {
    const bomb = Uint8Array.from([0xdd, 0, 0x0f, 0, 0, ...new Array<number>(0xf0000).fill(0x90)]);
    const before = process.memoryUsage().heapUsed;
    expect(unreadable(bomb)).toMatch(/valuesMax/);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(20_000_000);
  });

  test("what is no Uint8Array is refused", () => {
    for (const value of [undefined, null, "text", [1], new ArrayBuffer(1)]) {
      expect(unreadable(value as unknown as Uint8Array)).toMatch(/Uint8Array/);
    }
  });
});
