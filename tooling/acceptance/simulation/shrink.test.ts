/** Shrinking, with a check that fails when two of many faults come together. */
import { describe, expect, test } from "@jest/globals";
import type { Simulator } from "@foundation/testkit";
import { playSeed, type PlayOptions } from "./play-seed.js";
import { shrink } from "./shrink.js";
import type { StackNode } from "./stack-node.js";
import type { Plan } from "./strike.js";

/** Wrong once n2 was crashed and n3 was skewed, in whatever order. */
const planted = (sim: Simulator<StackNode>): readonly string[] => {
  const seen = sim.trace.lines({ match: ({ kind }) => kind === "crash" || kind === "skew" });
  const both =
    seen.some((line) => /n2 +crash/.test(line)) && seen.some((line) => /n3 +skew/.test(line));
  return both ? ["planted on n2 and n3"] : [];
};

const noise: Plan = Array.from({ length: 14 }, (_, index) => ({
  atMs: 200 * (index + 1),
  fault: "reset",
  a: "n1",
  b: index % 2 === 0 ? "n2" : "n4",
}));
const plan: Plan = [
  ...noise.slice(0, 5),
  { atMs: 1_100, fault: "crash", node: "n2", downMs: 300, disk: "kept" },
  ...noise.slice(5, 11),
  { atMs: 2_300, fault: "skew", node: "n3", byMs: 5_000 },
  ...noise.slice(11),
];
const options: PlayOptions = {
  seed: "shrinking",
  nodesMin: 4,
  nodesMax: 4,
  forMs: 3_000,
  plan,
  swarm: { workEveryMs: 100 },
  also: planted,
};

describe("shrink", () => {
  test("finds the two faults of sixteen that suffice, on fewer nodes and with less work", async () => {
    const played = await playSeed(options);
    expect(played.failure?.check).toBe("also");
    const told: string[] = [];
    const small = await shrink(options, played, (line) => told.push(line));
    expect(small.played.plan.map(({ fault }) => fault)).toEqual(["crash", "skew"]);
    expect(small.played.swarm.nodes).toBe(3);
    expect(small.options.workMs).toBe(0);
    expect(small.runs).toBe(told.length);
    expect(small.report).toMatch(/seed shrinking at [\d.]+ ms of virtual time: \[also\]/);
    expect(small.report).toMatch(/2 of 16 faults suffice/);
    expect(small.report).toMatch(/1\.100 s crash node=n2/);
    expect(small.report).toMatch(/replay: SEED=shrinking npm run sim/);
    const trace = small.played.failure?.trace ?? [];
    expect(trace.length).toBeLessThanOrEqual(60);
    expect(trace.join("\n")).toMatch(/n3 +skew/);
  }, 60_000);

  test("keeps what it has when its plays are used up", async () => {
    const played = await playSeed(options);
    const small = await shrink(options, played, undefined, { shrinkRunsMax: 3 });
    expect(small.runs).toBe(3);
    expect(small.played.failure?.check).toBe("also");
  }, 60_000);

  test("leaves a run that passed as it was", async () => {
    const { also: _, ...rest } = options;
    const passing = { ...rest, plan: [], forMs: 1_000, faultsOnly: true };
    const played = await playSeed(passing);
    const small = await shrink(passing, played);
    expect(small.runs).toBe(0);
    expect(small.played).toBe(played);
  }, 60_000);
});
