import { describe, expect, test } from "@jest/globals";
import { createCodec } from "../../../src/codec/index.js";
import { headMask, keyNamed, keys, NO_KEY } from "../../../src/codec/key-table.js";

const codec = createCodec();
const journey = (value: unknown): unknown => codec.decode(codec.encode(value));
const objectWith = (names: readonly string[]): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, i]));

describe("key table", () => {
  test("a key is found again, with its bytes in words", () => {
    const key = keyNamed("createdAt");
    expect(keyNamed("createdAt")).toBe(key);
    expect(key).toMatchObject({ text: "createdAt", size: 10 });
    const words = Buffer.from("\xa9createdAt", "latin1");
    expect([key.head, ...key.middle, key.tail]).toEqual(
      [0, 4, 6].map((at) => words.readInt32BE(at)),
    );
  });

  test("a key that could reach a prototype, is long or not ASCII is never learnt", () => {
    for (const name of ["__proto__", "constructor", "prototype", "x".repeat(32), "naïve"]) {
      for (let i = 0; i < 20; i++) expect(keyNamed(name)).toBe(NO_KEY);
    }
  });

  test("the mask has the bits of the bytes that are there", () => {
    expect([1, 2, 3, 4, 9].map((size) => headMask(size) >>> 0)).toEqual([
      0xff000000, 0xffff0000, 0xffffff00, 0xffffffff, 0xffffffff,
    ]);
  });

  test("keys that differ in one byte only stay apart, at every length and place", () => {
    for (const length of [1, 2, 3, 4, 7, 8, 11, 12, 30, 31, 32]) {
      const alike = Array.from(
        { length },
        (_, i) => `${"k".repeat(i)}X${"k".repeat(length - i - 1)}`,
      );
      for (let round = 0; round < 3; round++) {
        expect(Object.keys(journey(objectWith(alike)) as object)).toEqual(alike);
        for (const name of alike) expect(journey({ [name]: 1 })).toEqual({ [name]: 1 });
      }
    }
  });

  test("keys that end with the message are read, whatever stands behind it", () => {
    for (const name of ["", "a", "ab", "abc", "abcd"]) {
      const bytes = Buffer.concat([codec.encode({ [name]: 1 }), Buffer.alloc(8, 0x61)]);
      for (let i = 0; i < 3; i++)
        expect(codec.decode(bytes, 0, name.length + 3)).toEqual({ [name]: 1 });
    }
  });

  test("any number of keys makes the table no larger and takes no key from an object", () => {
    const places = keys.length;
    for (let i = 0; i < 200; i++) {
      const names = Array.from({ length: 100 }, (_, j) => `key-${i}-${j}`);
      expect(Object.keys(journey(objectWith(names)) as object)).toEqual(names);
    }
    expect(keys.length).toBe(places);
    expect(journey({ id: 1, type: "a", rows: [{ id: 2 }, { type: "b", id: 3 }] })).toEqual({
      id: 1,
      type: "a",
      rows: [{ id: 2 }, { type: "b", id: 3 }],
    });
  });

  test("fields come in the order they were sent, also when the one before came in another", () => {
    const orders = [["a", "b", "c"], ["c", "b", "a"], ["b", "c"], ["a", "c", "b", "d"], []];
    for (let i = 0; i < 100; i++) {
      const names = orders[(i * 7) % orders.length] ?? [];
      expect(Object.keys(journey(objectWith(names)) as object)).toEqual(names);
    }
  });
});
