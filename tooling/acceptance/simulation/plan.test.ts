/** Plans: drawn before anything runs, as data, and played as they stand. */
import { describe, expect, test } from "@jest/globals";
import { drawPlan } from "./draw-plan.js";
import { playSeed } from "./play-seed.js";
import { describeStrike, planFor, type Plan } from "./strike.js";
import { drawSwarm, faultNames, type Swarm } from "./swarm.js";

const range = { nodesMin: 3, nodesMax: 6 };
const allFaults: Swarm = { ...drawSwarm("plan", range), faults: faultNames, faultEveryMs: 100 };

describe("a plan", () => {
  test("is the same for the same seed, another for another, and survives being written down", () => {
    const plan = drawPlan("a", allFaults, 60_000);
    expect(drawPlan("a", allFaults, 60_000)).toEqual(plan);
    expect(drawPlan("b", allFaults, 60_000)).not.toEqual(plan);
    const written = JSON.parse(JSON.stringify(plan)) as Plan;
    expect(written.map(describeStrike)).toEqual(plan.map(describeStrike));
  });

  test("draws every fault there is, in order of time and within its length", () => {
    const plan = drawPlan("all", allFaults, 120_000);
    expect(new Set(plan.map(({ fault }) => fault))).toEqual(new Set(faultNames));
    const times = plan.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Math.max(...times)).toBeLessThan(120_000);
  });

  test("for fewer nodes names only those", () => {
    const plan = planFor(
      drawPlan("names", { ...allFaults, nodes: 6 }, 60_000),
      new Set(["n1", "n2"]),
    );
    expect(plan.length).toBeGreaterThan(10);
    expect(JSON.stringify(plan)).not.toMatch(/"n[3-9]"/);
  });

  test("draws a backup's return only where no wall clock is set back", () => {
    for (let index = 0; index < 200; index++) {
      const { faults, restoreChance } = drawSwarm(`restore-${index}`, range);
      if (restoreChance > 0) expect(faults).not.toContain("jump");
      if (restoreChance > 0) expect(faults).not.toContain("skew");
    }
  });
});

describe("a run", () => {
  test("plays the plan it is given and no other", async () => {
    const plan: Plan = [
      { atMs: 1_000, fault: "crash", node: "n2", downMs: 500, disk: "wiped" },
      { atMs: 3_000, fault: "flap", a: "n1", b: "n3", turnsMs: [200, 300] },
    ];
    const options = { seed: "given", nodesMin: 3, nodesMax: 3, forMs: 6_000, plan };
    const played = await playSeed(options);
    expect(played.violation).toBeUndefined();
    expect(played.plan).toEqual(plan);
    expect(played.faults).toBe(2);
    const done = played.trace().filter((line) => /\b(crash|start|link)\b/.test(line));
    expect(done.join("\n")).toMatch(
      /3000\.000 n2 +crash[^]*3500\.000 n2 +start +boot 2, disk wiped/,
    );
    expect(done.filter((line) => /link +n[13] -> n[13]/.test(line))).toHaveLength(4);
  }, 60_000);

  test("asks for the same things at the same times when a fault is left out", async () => {
    const options = { seed: "same-work", nodesMin: 3, nodesMax: 3, forMs: 8_000, faultsOnly: true };
    const [whole, none] = [await playSeed(options), await playSeed({ ...options, plan: [] })];
    expect(none.faults).toBe(0);
    expect(whole.violation ?? none.violation).toBeUndefined();
    // Without faults nothing is left undone for want of a node.
    expect(none.calls).toBeGreaterThanOrEqual(whole.calls);
  }, 60_000);
});
