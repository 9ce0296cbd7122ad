import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  compareHybridTimestamps,
  HYBRID_COUNTER_MAX,
  HybridLogicalClock,
  isHybridTimestamp,
  type HybridTimestamp,
} from "../../../src/ids/index.js";

const wall = fc.oneof(
  fc.integer({ min: 0, max: 50 }),
  fc.double({ min: -5, max: 1e15, noNaN: false }),
);
const timestamp = fc.record({
  wallMs: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 2 ** 47 })),
  counter: fc.oneof(
    fc.integer({ min: 0, max: 3 }),
    fc.integer({ min: HYBRID_COUNTER_MAX - 2, max: HYBRID_COUNTER_MAX }),
  ),
});

describe("HybridLogicalClock", () => {
  test("every timestamp is greater than all given or received before, whatever the wall clock does", () => {
    const step = fc.record({ wall, remote: fc.option(timestamp, { nil: undefined }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const clock = new HybridLogicalClock();
        let greatest: HybridTimestamp = { wallMs: 0, counter: 0 };
        for (const { wall: reading, remote } of steps) {
          const given = remote ? clock.receive(remote, reading) : clock.tick(reading);
          expect(compareHybridTimestamps(given, greatest)).toBeGreaterThan(0);
          if (remote) expect(compareHybridTimestamps(given, remote)).toBeGreaterThan(0);
          expect(isHybridTimestamp(given)).toBe(true);
          greatest = given;
        }
      }),
    );
  });

  test("it never runs ahead of the greatest wall clock seen by more than one ms for each 65,536 events", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1 }), (readings) => {
        const clock = new HybridLogicalClock();
        const given = readings.map((reading) => clock.tick(reading));
        expect(given.at(-1)?.wallMs).toBe(Math.max(...readings));
      }),
    );
  });

  test("a full counter makes the clock run one millisecond ahead instead of going back", () => {
    const clock = new HybridLogicalClock({ wallMs: 7, counter: HYBRID_COUNTER_MAX });
    expect(clock.tick(7)).toEqual({ wallMs: 8, counter: 0 });
    expect(clock.tick(3)).toEqual({ wallMs: 8, counter: 1 });
  });

  test("what is no timestamp is refused and changes nothing", () => {
    const clock = new HybridLogicalClock({ wallMs: 7, counter: 1 });
    const bad = [
      null,
      {},
      { wallMs: 1 },
      { wallMs: -1, counter: 0 },
      { wallMs: 2 ** 60, counter: 0 },
    ];
    for (const value of [
      ...bad,
      { wallMs: 1, counter: 70_000 },
      { wallMs: Number.NaN, counter: 0 },
    ]) {
      expect(() => clock.receive(value as HybridTimestamp, 1)).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
      );
    }
    expect(clock.last).toEqual({ wallMs: 7, counter: 1 });
  });
});
