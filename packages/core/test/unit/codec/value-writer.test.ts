import { describe, expect, test } from "@jest/globals";
import { createCodec } from "../../../src/codec/index.js";

const codec = createCodec();
const target = new Uint8Array(400_000);

describe("writing a value into a buffer", () => {
  test("texts of every length and width are UTF-8 behind the shortest head", () => {
    for (const letter of ["x", "ä", "€", "😀", "\ud800", "x€"]) {
      for (const length of [0, 1, 5, 10, 11, 15, 16, 31, 32, 40, 41, 85, 86, 255, 256, 30_000]) {
        const text = letter.repeat(length);
        const body = Buffer.from(text);
        const head = body.length < 32 ? 1 : body.length < 256 ? 2 : body.length < 65_536 ? 3 : 5;
        const end = codec.encodeInto(text, target, 3);
        expect(end).toBe(3 + head + body.length);
        expect(body.equals(target.subarray(3 + head, end))).toBe(true);
        expect(codec.decode(target, 3, end)).toBe(body.toString());
      }
    }
  });

  test("nothing is written behind the end of the buffer, however little room there is", () => {
    const values = [
      ["text".repeat(20)],
      { key: 1, "a rather long key": 2 },
      Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i])),
      new Uint8Array(50),
      [1, 2n, 1.5, new Date(1.5e12), null, undefined, true],
      new Map([["k", -0]]),
      "ä€😀".repeat(30),
    ];
    for (const value of values) {
      const size = codec.encode(value).length;
      for (let room = 0; room < size + 40; room++) {
        const memory = new Uint8Array(room + 64).fill(0xee);
        const end = codec.encodeInto(value, memory.subarray(8, 8 + room), 0);
        expect(end === -1 || end === size).toBe(true);
        if (room < size) expect(end).toBe(-1);
        if (room >= size + 36) expect(end).toBe(size);
        expect(memory.subarray(8 + room).every((byte) => byte === 0xee)).toBe(true);
      }
    }
  });

  test("a getter that encodes something itself disturbs neither message", () => {
    const inner: Uint8Array[] = [];
    const large = "y".repeat(20_000);
    for (const own of [{ n: 1 }, { large }, new Set([1])]) {
      const value = {
        before: [1, { two: 2 }],
        get during() {
          inner.push(codec.encode(own));
          return codec.encodeInto(own, target, 0) > 0;
        },
        after: large,
      };
      const bytes = codec.encode(value);
      expect(codec.decode(bytes)).toEqual({ before: [1, { two: 2 }], during: true, after: large });
      expect(codec.decode(inner.pop() as Uint8Array)).toEqual(own);
      expect(inner).toEqual([]);
    }
  });

  test("a getter that throws after it encoded something leaves the codec usable", () => {
    const value = {
      get broken() {
        codec.encode({ within: 1 });
        throw new Error("a trap");
      },
    };
    for (let i = 0; i < 3; i++) {
      expect(() => codec.encode(value)).toThrow(
        expect.objectContaining({ code: "ERR_NOT_ENCODABLE" }),
      );
      expect(codec.decode(codec.encode({ i }))).toEqual({ i });
    }
  });

  test("what an object inherits does not travel", () => {
    const inherited: object = Object.create(
      Object.create(null, {
        theirs: { value: 1, enumerable: true },
      }) as object,
    );
    expect(codec.decode(codec.encode(Object.assign(inherited, { own: 2 })))).toEqual({ own: 2 });
    Object.defineProperty(Object.prototype, "planted", {
      value: 1,
      enumerable: true,
      configurable: true,
    });
    try {
      expect(Object.keys(codec.decode(codec.encode({ own: 2 })) as object)).toEqual(["own"]);
    } finally {
      Reflect.deleteProperty(Object.prototype, "planted");
    }
  });

  test("messages of every size stay as they are after later ones", () => {
    const sizes = [10, 8_000, 9_000, 70_000, 300, 1_200_000, 20];
    const messages = sizes.map((size) => codec.encode({ text: "z".repeat(size) }));
    expect(messages.map((bytes) => (codec.decode(bytes) as { text: string }).text.length)).toEqual(
      sizes,
    );
  });

  test("what boxing adds to a value at the limits is refused or can be read", () => {
    const small = createCodec({ depthMax: 3, valuesMax: 10 });
    for (const value of [[[[-0]]], [[new Map([[1, "\uFEFF"]])]], [[Float32Array.of(1)]]]) {
      expect(small.decode(small.encode(value))).toEqual(value);
    }
    for (let count = 0; count < 12; count++) {
      for (const item of [-0, "\uFEFFx", Int8Array.of(1), new Set()]) {
        const value = new Array<unknown>(count).fill(item);
        let bytes: Uint8Array | undefined;
        try {
          bytes = small.encode(value);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_NOT_ENCODABLE", details: { path: "$" } });
        }
        if (bytes !== undefined) expect(small.decode(bytes)).toEqual(value);
      }
    }
  });
});
