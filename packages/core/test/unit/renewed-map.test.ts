import { RenewedMap } from "@foundation/core";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";

type Step =
  | { readonly type: "set"; readonly key: number; readonly value: number }
  | { readonly type: "delete"; readonly key: number }
  | { readonly type: "clear" };

const key = fc.nat({ max: 40 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant("set"), key, value: fc.nat() }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("delete"), key }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("clear") }) },
);

describe("a renewed map", () => {
  test("holds what a map holds, in its order, however often it is renewed", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: "max" }), (steps) => {
        const renewed = new RenewedMap<number, number>();
        const map = new Map<number, number>();
        for (const one of steps) {
          if (one.type === "clear") {
            renewed.clear();
            map.clear();
          } else if (one.type === "delete") {
            expect(renewed.delete(one.key)).toBe(map.delete(one.key));
          } else {
            renewed.set(one.key, one.value);
            map.set(one.key, one.value);
          }
        }
        expect([...renewed]).toEqual([...map]);
        expect([...renewed.values()]).toEqual([...map.values()]);
        expect(renewed.size).toBe(map.size);
        for (let n = 0; n <= 40; n += 1) {
          expect(renewed.get(n)).toBe(map.get(n));
          expect(renewed.has(n)).toBe(map.has(n));
        }
      }),
    );
  });

  test("may be emptied while it is walked", () => {
    const renewed = new RenewedMap<number, string>();
    for (let n = 0; n < 500; n += 1) renewed.set(n, `${n}`);
    for (const [n] of renewed) renewed.delete(n);
    expect(renewed.size).toBe(0);
  });
});
