import { describe, expect, test } from "@jest/globals";
import type { FailureRule } from "../../../src/protocol/balancing/circuit.js";
import { slowOnes } from "../../../src/protocol/balancing/outliers.js";
import { Pool, type Outcome } from "../../../src/protocol/balancing/pool.js";
import type { Known, Standing } from "../../../src/protocol/balancing/standing.js";
import { defaultBalancing } from "../../../src/limits.js";

const rules = { ...defaultBalancing, slowSamplesMin: 3, reviewMs: 1_000, slowMs: 10_000 };

function known(id: string, over: Partial<Known> = {}): Known {
  return { id, weight: 1, distance: 2, shut: undefined, hesitant: undefined, ...over };
}

function pool(...ids: readonly string[]): Pool {
  const made = new Pool(rules, threeInARow, 0);
  for (const id of ids) made.put(known(id), false, 0);
  return made;
}

function threeInARow(): FailureRule {
  let failures = 0;
  return {
    succeeded: () => {
      failures = 0;
    },
    failed: () => ++failures >= 3,
  };
}

function find(made: Pool, id: string, now: number): Standing {
  for (const [standing] of made.verdicts(now)) if (standing.id === id) return standing;
  throw new Error(`no ${id}`);
}

/** One request from `now` on that takes so long. */
function ask(made: Pool, id: string, outcome: Outcome, now: number, tookMs = 1) {
  return made.end(made.begin(find(made, id, now), now), outcome, now + tookMs);
}

function inAt(made: Pool, now: number, draw = 0): string {
  const wanted = { fits: () => true, slowStart: true, draw };
  const candidates = made.candidates(wanted, now);
  if (candidates.type !== "some") return candidates.type;
  return candidates.standings.map(({ id }) => id).join("");
}

describe("a pool", () => {
  test("leaves out who fails, takes it back by one probe, and gives it a small share first", () => {
    const made = pool("a", "b");
    ask(made, "a", "sick", 0);
    ask(made, "a", "sick", 0);
    expect(ask(made, "a", "sick", 0)).toEqual([
      { type: "out", id: "a", reason: "circuit-open", untilMs: 5_001 },
    ]);
    expect([inAt(made, 1), inAt(made, 5_000), inAt(made, 5_001)]).toEqual(["b", "b", "ab"]);
    const probe = made.begin(find(made, "a", 5_001), 5_001);
    expect(inAt(made, 5_001)).toBe("b");
    expect(made.end(probe, "well", 5_002)).toEqual([{ type: "in", id: "a" }]);
    // A tenth of the choices at once, half after some time, all in the end.
    expect([inAt(made, 5_002, 0.09), inAt(made, 5_002, 0.11)]).toEqual(["ab", "b"]);
    expect([inAt(made, 10_002, 0.54), inAt(made, 10_002, 0.56)]).toEqual(["ab", "b"]);
    expect(inAt(made, 15_002, 0.999)).toBe("ab");
  });

  test("an error of the caller's own says nothing, and frees the probe", () => {
    const made = pool("a");
    for (let count = 0; count < 3; count++) ask(made, "a", "sick", 0);
    const probe = made.begin(find(made, "a", 5_001), 5_001);
    expect(inAt(made, 5_001)).toBe("all-out");
    expect(made.end(probe, "nothing", 5_002)).toEqual([]);
    expect(inAt(made, 5_002)).toBe("a");
  });

  test("leaves a slow one alone, longer each time in a row, and takes it back by time alone", () => {
    const made = pool("a", "b", "c");
    const round = (now: number) => {
      for (let count = 0; count < 4; count++) {
        ask(made, "a", "well", now, 100);
        ask(made, "b", "well", now, 20);
        ask(made, "c", "well", now, 25);
      }
      return ask(made, "b", "well", now + 2_000, 20);
    };
    expect(round(0)).toEqual([{ type: "out", id: "a", reason: "slow", untilMs: 12_020 }]);
    expect(inAt(made, 12_019)).toBe("bc");
    expect(made.comeBack(12_019)).toEqual([]);
    expect(made.comeBack(12_020)).toEqual([{ type: "in", id: "a" }]);
    expect(inAt(made, 12_020)).toBe("abc");
    expect(round(13_000)).toEqual([{ type: "out", id: "a", reason: "slow", untilMs: 35_020 }]);
  });

  test("asks whose node is suspected only when nobody else is, and the slow before nobody at all", () => {
    const made = pool("a", "b");
    made.put(known("a", { hesitant: "its node is suspect" }), false, 0);
    expect(inAt(made, 0)).toBe("b");
    made.put(known("b", { shut: "it is unhealthy" }), false, 0);
    expect(inAt(made, 0)).toBe("a");
    made.put(known("a", { shut: "it is unhealthy" }), false, 0);
    expect(inAt(made, 0)).toBe("all-out");
    find(made, "a", 0).shut = undefined;
    find(made, "a", 0).slowUntilMs = 1_000;
    expect(inAt(made, 0)).toBe("a");
    expect(made.candidates({ fits: () => false, slowStart: true, draw: 0 }, 0).type).toBe("none");
  });

  test("whoever is healthy again, or new, begins with a small share; whoever was always there does not", () => {
    const made = pool("a", "b");
    made.put(known("c"), true, 0);
    expect([inAt(made, 0, 0.05), inAt(made, 0, 0.5)]).toEqual(["abc", "ab"]);
    made.put(known("a", { shut: "it is unhealthy" }), false, 0);
    made.put(known("a"), false, 1_000);
    expect(inAt(made, 1_000, 0.5)).toBe("b");
    expect(inAt(made, 11_000, 0.999)).toBe("abc");
  });

  test("a quick failure does not look like a quick answer", () => {
    const made = pool("a");
    ask(made, "a", "well", 0, 50);
    ask(made, "a", "sick", 50, 1);
    const [[standing]] = [...made.verdicts(51)] as [[Standing, unknown]];
    expect(standing.latencyMs).toBeGreaterThan(90);
    expect([standing.requests, standing.failures, standing.inFlight]).toEqual([2, 1, 0]);
  });
});

describe("slow ones", () => {
  const of = (...means: number[]) =>
    means.map((meanMs, index) => ({ id: `i${index}`, count: 10, meanMs }));
  const limits = { slowFactor: 3, slowSamplesMin: 5, slowFloorMs: 10, slowShareMax: 0.34 };

  test("are those far above the median of the others, the slowest first, never more than the share", () => {
    expect(slowOnes(of(20, 20, 100), 3, 0, limits)).toEqual(["i2"]);
    expect(slowOnes(of(20, 20, 20, 20, 100, 200), 6, 0, limits)).toEqual(["i5", "i4"]);
    expect(slowOnes(of(20, 20, 20, 20, 100, 200), 6, 1, limits)).toEqual(["i5"]);
    expect(slowOnes(of(20, 20, 20, 20, 100, 200), 6, 2, limits)).toEqual([]);
  });

  test("are none where all are slow, where it is quick all the same, or where too little is known", () => {
    expect(slowOnes(of(500, 500, 500), 3, 0, limits)).toEqual([]);
    expect(slowOnes(of(1, 1, 9), 3, 0, limits)).toEqual([]);
    expect(slowOnes([{ id: "a", count: 4, meanMs: 900 }, ...of(20, 20)], 3, 0, limits)).toEqual([]);
    expect(slowOnes(of(900), 1, 0, limits)).toEqual([]);
  });
});
