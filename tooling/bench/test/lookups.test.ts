import { describe, expect, test } from "@jest/globals";
import { drawn } from "../src/registry/lookups.js";

const NAMES = 2_000;

function countsOf(drawnNames: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const n of drawnNames) counts.set(n, (counts.get(n) ?? 0) + 1);
  return [...counts.values()].sort((a, b) => b - a);
}

describe("the orders of look-ups", () => {
  test("draw as many names as there are, the same in every run", () => {
    for (const order of ["uniform", "zipf", "sequential"] as const) {
      const names = drawn(order, NAMES);
      expect(names).toHaveLength(NAMES);
      expect(names.every((n) => Number.isInteger(n) && n >= 0 && n < NAMES)).toBe(true);
      expect(drawn(order, NAMES)).toEqual(names);
    }
    expect(countsOf(drawn("sequential", NAMES))[0]).toBe(1);
  });

  test("are uniform, and by Zipf's law", () => {
    // A draw of each of N names leaves out one in e of them.
    expect(countsOf(drawn("uniform", NAMES)).length / NAMES).toBeCloseTo(1 - 1 / Math.E, 1);
    const [first = 0, second = 0] = countsOf(drawn("zipf", NAMES));
    const harmonic = Math.log(NAMES) + 0.577;
    expect(first / NAMES).toBeCloseTo(1 / harmonic, 1);
    expect(first / second).toBeGreaterThan(1.5);
  });
});
