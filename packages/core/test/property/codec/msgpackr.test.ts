/**
 * msgpackr is what the codec is measured against: what MessagePack can tell apart is the same bytes, and either reads
 * what the other wrote.
 */
import { isDeepStrictEqual } from "node:util";
import { describe, test } from "@jest/globals";
import fc from "fast-check";
import { Packr } from "msgpackr/pack";
import { createCodec } from "../../../src/codec/index.js";
import { KEY_BYTES_MAX } from "../../../src/codec/key-table.js";

const codec = createCodec();
const reference = new Packr({
  useRecords: false,
  moreTypes: true,
  variableMapSize: true,
  copyBuffers: true,
  useToJSON: false,
});
/** Writes maps with a head of 16 bits and some floats in 32: other ways to write the same. */
const other = new Packr({ useRecords: false, moreTypes: true, useFloat32: 4, useToJSON: false });

const isPlainText = (text: string): boolean => !text.startsWith("\uFEFF");
const texts = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 70 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 70 }),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.constantFrom(40, 41, 255, 256, 65_535, 65_536).map((length) => "x".repeat(length)),
  fc.nat(400).map((length) => "ä€".repeat(length)),
);
const keys = fc.oneof(
  fc.constantFrom("id", "a", "", "name", "createdAt", "timestamp", "x".repeat(31), "x".repeat(32)),
  fc.string({ unit: "grapheme-ascii", maxLength: 36 }),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);
const isKey = (key: string): boolean =>
  isPlainText(key) && !["__proto__", "constructor", "prototype"].includes(key);

const leaf = fc.oneof(
  fc.constantFrom(undefined, null, true, false, 0, 127, 128, 255, 256, 65_535, 65_536),
  fc.constantFrom(-1, -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), 2 ** 31, 2 ** 32 - 1),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double().filter((number) => !Object.is(number, -0)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
  texts.filter(isPlainText),
  fc.date({ noInvalidDate: true }),
  fc.integer({ min: 0, max: 2 ** 32 + 5 }).map((seconds) => new Date(seconds * 1000)),
  fc.uint8Array({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(keys.filter(isKey), tie("value"), { maxKeys: 20, noNullPrototype: true }),
  ),
}));

const runs = { numRuns: 300 };

describe("the codec beside msgpackr", () => {
  test("plain values are the same bytes", () => {
    fc.assert(
      fc.property(value, (sent) => {
        return Buffer.compare(codec.encode(sent), reference.pack(sent)) === 0;
      }),
      runs,
    );
  });

  test("msgpackr reads what the codec wrote", () => {
    fc.assert(
      fc.property(value, (sent) => {
        return isDeepStrictEqual(reference.unpack(codec.encode(sent)), sent);
      }),
      runs,
    );
  });

  test("the codec reads what msgpackr wrote, in either of its ways to write it", () => {
    fc.assert(
      fc.property(value, (sent) => {
        return [reference, other].every((packr) => {
          const bytes = packr.pack(sent);
          return isDeepStrictEqual(codec.decode(bytes), packr.unpack(bytes));
        });
      }),
      runs,
    );
  });

  test("a value written into a buffer is the same, wherever it stands and whatever stood there", () => {
    fc.assert(
      fc.property(value, fc.nat(40), fc.nat(40), (sent, before, room) => {
        const alone = codec.encode(sent);
        const target = new Uint8Array(before + alone.length + room).fill(0xc1);
        const end = codec.encodeInto(sent, target, before);
        if (target.subarray(0, before).some((byte) => byte !== 0xc1)) return false;
        if (end === -1) return room < KEY_BYTES_MAX;
        return (
          end === before + alone.length &&
          Buffer.compare(target.subarray(before, end), alone) === 0 &&
          isDeepStrictEqual(codec.decode(target, before, end), codec.decode(alone))
        );
      }),
      runs,
    );
  });
});
