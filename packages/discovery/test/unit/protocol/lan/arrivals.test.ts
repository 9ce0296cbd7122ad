import { expect, test } from "@jest/globals";
import { Arrivals } from "../../../../src/protocol/lan/arrivals.js";
import { lanLimits } from "../../../../src/protocol/lan/limits.js";

const {
  arrivalsPerSourceBurst,
  arrivalsPerSourcePerSecond,
  arrivalsBurst,
  arrivalsPerSecond,
  sourcesMax,
} = lanLimits;

function admitted(arrivals: Arrivals, source: (i: number) => string, count: number, nowMs: number) {
  return Array.from({ length: count }, (_, i) => arrivals.admit(source(i), nowMs)).filter(Boolean)
    .length;
}

test("one source is read up to its rate, and the others are not the poorer", () => {
  const arrivals = new Arrivals();
  expect(admitted(arrivals, () => "loud", 10_000, 0)).toBe(arrivalsPerSourceBurst);
  expect(arrivals.admit("quiet", 0)).toBe(true);
  expect(admitted(arrivals, () => "loud", 10_000, 1_000)).toBe(arrivalsPerSourcePerSecond);
});

test("all sources together are read up to a rate, however many there are", () => {
  const arrivals = new Arrivals();
  expect(admitted(arrivals, (i) => `source ${i}`, 10_000, 0)).toBe(arrivalsBurst);
  expect(admitted(arrivals, (i) => `source ${i}`, 10_000, 1_000)).toBe(arrivalsPerSecond);
  expect(arrivals.size).toBe(sourcesMax);
  expect(arrivals.counts.whole).toBeGreaterThan(0);
});
