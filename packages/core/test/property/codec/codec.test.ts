import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { createCodec } from "../../../src/codec/index.js";

const codec = createCodec();
const key = fc
  .string({ unit: "grapheme", maxLength: 12 })
  .filter((text) => !["__proto__", "constructor", "prototype"].includes(text));

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, -0, 0),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  fc.string({ unit: "grapheme", maxLength: 80 }),
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array(),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 6 }),
    fc.dictionary(key, tie("value"), { maxKeys: 6, noNullPrototype: true }),
    fc.array(fc.tuple(tie("value"), tie("value")), { maxLength: 4 }).map((pairs) => new Map(pairs)),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => new Set(items)),
  ),
}));

/** True when decoding gives a value or the typed refusal, and nothing else. */
function survives(bytes: Uint8Array): boolean {
  try {
    codec.decode(bytes);
    return true;
  } catch (error) {
    return (error as { code?: unknown }).code === "ERR_NOT_DECODABLE";
  }
}

describe("createCodec", () => {
  test("what was encoded is decoded as it was", () => {
    fc.assert(
      fc.property(value, (sent) => {
        expect(codec.decode(codec.encode(sent))).toEqual(sent);
      }),
      { numRuns: 500 },
    );
  });

  test("a copy is what a journey gives, shares nothing with the value, and is refused alike", () => {
    const outcome = (make: () => unknown) => {
      try {
        return { made: make() };
      } catch (error) {
        return { code: (error as { code?: unknown }).code };
      }
    };
    const anything = fc.oneof(value, fc.anything({ withBigInt: true, withSparseArray: true }));
    fc.assert(
      fc.property(anything, (sent) => {
        const copied = outcome(() => codec.copy?.(sent));
        expect(copied).toStrictEqual(outcome(() => codec.decode(codec.encode(sent))));
        if (typeof sent === "object" && sent !== null) expect(copied.made).not.toBe(sent);
      }),
      { numRuns: 1_000 },
    );
  });

  test("what a value was made of is not changed by encoding it", () => {
    fc.assert(
      fc.property(value, (sent) => {
        const before = structuredClone(sent);
        codec.encode(sent);
        expect(sent).toEqual(before);
      }),
    );
  });

  test("a value survives a second journey unchanged, byte for byte", () => {
    fc.assert(
      fc.property(value, (sent) => {
        const bytes = codec.encode(sent);
        expect(Buffer.compare(codec.encode(codec.decode(bytes)), bytes)).toBe(0);
      }),
    );
  });

  test("random bytes give a value or a typed refusal", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), survives), { numRuns: 2_000 });
  });

  test("bytes made of headers give a value or a typed refusal", () => {
    const headers = fc.constantFrom(
      ...[0x80, 0x81, 0x8f, 0x90, 0x91, 0xa1, 0xa9, 0xc1, 0xc4, 0xc7, 0xc9, 0xca, 0xcf],
      ...[0xd3, 0xd4, 0xd6, 0xd7, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0x00, 0x72, 0x73, 0x74, 0xff],
    );
    const bytes = fc.array(headers, { maxLength: 60 }).map((list) => Uint8Array.from(list));
    fc.assert(fc.property(bytes, survives), { numRuns: 2_000 });
  });

  test("a message cut off or with one bit turned gives a value or a typed refusal", () => {
    fc.assert(
      fc.property(value, fc.nat(), fc.nat(7), (sent, at, bit) => {
        const bytes = Uint8Array.from(codec.encode(sent));
        const place = at % bytes.length;
        if (!survives(bytes.slice(0, place))) return false;
        bytes[place] = (bytes[place] as number) ^ (1 << bit);
        return survives(bytes);
      }),
      { numRuns: 1_000 },
    );
  });
});
