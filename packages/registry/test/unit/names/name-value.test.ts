import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  duplicateKey,
  isNameKey,
  keptClaim,
  packClaim,
  parseDuplicateKey,
  unpackClaim,
} from "../../../src/protocol/name-value.js";

const claim = fc.record({
  serial: fc.nat(),
  definition: fc.option(fc.string(), { nil: undefined }),
  incarnation: fc.nat({ max: 3 }),
  generation: fc.nat({ max: 3 }),
  meta: fc.option(fc.jsonValue(), { nil: undefined }),
});
const unshared = (text: string) => text;

describe("a claim in the store", () => {
  test("is read as it was written, and what arrives of it is kept as it was", () => {
    fc.assert(
      fc.property(claim, (value) => {
        const packed = packClaim(value);
        expect(unpackClaim(packed)).toEqual(value);
        expect(keptClaim(structuredClone(packed), unshared)).toEqual(packed);
      }),
    );
  });

  test("has no more fields than it needs", () => {
    const simple = { serial: 7, definition: "d", incarnation: 0, generation: 0, meta: undefined };
    expect(Object.keys(packClaim(simple))).toEqual(["s", "d"]);
    expect(Object.keys(packClaim({ ...simple, meta: null }))).toHaveLength(5);
  });

  test("shares the name of its definition with the others", () => {
    const asked: string[] = [];
    keptClaim({ s: 1, d: "one" }, (text) => {
      asked.push(text);
      return text;
    });
    expect(asked).toEqual(["one"]);
  });

  test("is nothing when it is malformed", () => {
    const bad = [undefined, null, 7, "x", {}, { s: -1 }, { s: 1.5 }, { s: "1" }, { s: 1, i: -1 }];
    for (const value of [...bad, { s: 1, g: "x" }]) expect(keptClaim(value, unshared)).toBeNull();
  });
});

describe("the keys of the store", () => {
  test("of duplicate names say name and process, whatever the name is made of", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.nat(), (name, serial) => {
        const key = duplicateKey(name, serial);
        expect(parseDuplicateKey(key)).toEqual({ name, serial });
        expect(isNameKey(key)).toBe(false);
      }),
    );
  });

  test("that are none are told apart", () => {
    for (const key of ["a", "$abc-1", "$$k:", "$$k:1:", "$$k:01:a", "$$k:x:a", "$$k:1", "$$d:a"]) {
      expect(parseDuplicateKey(key)).toBeUndefined();
    }
    expect(isNameKey("a")).toBe(true);
    expect(isNameKey("$abc-1")).toBe(true);
    expect(isNameKey("$$d:a")).toBe(false);
  });
});
