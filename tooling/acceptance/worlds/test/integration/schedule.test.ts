/** The proxy's pure part: when pieces arrive, and which. */
import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { piecesOf, Schedule, undisturbed } from "../../proxy/schedule.js";

describe("a schedule", () => {
  test("adds the latency and nothing more to what is sent alone", () => {
    const conditions = { ...undisturbed, latencyMs: 200 };
    expect(new Schedule().arrivalMs(1_000, conditions, 50, 0.7)).toBe(250);
  });

  test("never lets a piece overtake one before it, however the jitter falls", () => {
    const random = seededRandom("order");
    const schedule = new Schedule();
    const conditions = { ...undisturbed, latencyMs: 10, jitterMs: 500 };
    const arrivals = Array.from({ length: 500 }, (_, i) =>
      schedule.arrivalMs(10, conditions, i, random.next()),
    );
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
    expect(new Set(arrivals).size).toBeGreaterThan(5);
  });

  test("lets bytes out at the bandwidth, and a pause gives none in advance", () => {
    const schedule = new Schedule();
    const conditions = { ...undisturbed, bytesPerSecond: 1_000 };
    expect(schedule.arrivalMs(500, conditions, 0, 0)).toBe(500);
    expect(schedule.arrivalMs(500, conditions, 0, 0)).toBe(1_000);
    expect(schedule.arrivalMs(500, conditions, 5_000, 0)).toBe(5_500);
  });

  test("lets the end arrive after the last byte, later when closing is slow", () => {
    const schedule = new Schedule();
    const conditions = { ...undisturbed, latencyMs: 10, endDelayMs: 300 };
    const lastMs = schedule.arrivalMs(5, { ...conditions, jitterMs: 100 }, 0, 1);
    expect(schedule.endArrivalMs(conditions, 0)).toBe(lastMs + 300);
  });
});

test("pieces are the same bytes in the same order", () => {
  const bytes = Uint8Array.from({ length: 10 }, (_, i) => i);
  expect(piecesOf(bytes, Infinity)).toEqual([bytes]);
  const pieces = piecesOf(bytes, 4);
  expect(pieces.map(({ length }) => length)).toEqual([4, 4, 2]);
  expect(Buffer.concat(pieces)).toEqual(Buffer.from(bytes));
});
