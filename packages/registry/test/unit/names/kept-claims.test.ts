import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { KeptClaims } from "../../../src/protocol/kept-claims.js";
import { packClaim } from "../../../src/protocol/name-value.js";

const claim = fc.record({
  serial: fc.oneof(fc.nat(), fc.maxSafeNat()),
  definition: fc.option(fc.string(), { nil: undefined }),
  incarnation: fc.nat({ max: 2 }),
  generation: fc.nat({ max: 2 }),
  meta: fc.option(fc.jsonValue(), { nil: undefined }),
});

describe("a claim that is kept", () => {
  test("is what was claimed, here and on a node that has met other definitions", () => {
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 20 }), fc.nat({ max: 8 }), (values, textsMax) => {
        const [here, there] = [new KeptClaims(textsMax), new KeptClaims(100)];
        there.keep({ s: 1, d: "known only there" });
        for (const value of values) {
          const kept = here.keep(packClaim(value));
          const arrived = kept === null ? null : there.keep(structuredClone(here.tell(kept)));
          if (kept === null || arrived === null) throw new Error("It is a claim");
          for (const [at, one] of [[here, kept] as const, [there, arrived] as const]) {
            expect(at.valueOf(one)).toEqual(value);
            expect(at.serialOf(one)).toBe(value.serial);
            expect(at.definitionOf(one)).toBe(value.definition);
            expect(at.metaOf(one)).toEqual(value.meta);
          }
        }
      }),
    );
  });

  test("is one number when it belongs to no child and has nothing beside it", () => {
    const claims = new KeptClaims(10_000);
    const simple = { definition: "d", incarnation: 0, generation: 0, meta: undefined };
    expect(claims.keep(packClaim({ ...simple, serial: 2_000_000 }))).toBeLessThan(2 ** 31);
    expect(claims.keep(packClaim({ ...simple, serial: 1, meta: null }))).toMatchObject({ m: null });
    expect(claims.keep(packClaim({ ...simple, serial: 1, incarnation: 1 }))).toMatchObject({
      i: 1,
    });
  });

  test("is kept as it travels where its definition has no code or its serial is too large for one", () => {
    const claims = new KeptClaims(10_000);
    const kept = Array.from({ length: 1_100 }, (_, n) => claims.keep({ s: 1, d: `d${n}` }));
    expect(kept.findIndex((one) => typeof one !== "number")).toBe(1_023);
    expect(kept[1_099]).toEqual({ s: 1, d: "d1099" });
    const serial = Number.MAX_SAFE_INTEGER;
    expect(claims.keep({ s: serial, d: "d0" })).toEqual({ s: serial, d: "d0" });
  });

  test("is nothing when it is malformed, also when it looks as if it was kept", () => {
    const claims = new KeptClaims(10);
    for (const value of [undefined, null, 1_025, "x", {}, { s: -1 }]) {
      expect(claims.keep(value)).toBeNull();
    }
  });
});
