import { describe, expect, test } from "@jest/globals";
import type { Rest, Series } from "../../../acceptance/overlay/index.js";
import { judge } from "../../src/overlay/aims.js";
import type { Answer } from "../../src/overlay/task.js";

const found = { findingCount: 0, findings: [], events: 1, virtualMs: 1, sent: {}, marks: {} };
const cost = { cpuMs: 1, rssBytesMax: 1 };
const joined = { oneComponentMs: 300, messagesPerNode: 20 };
const spread = { mean: 6, least: 5, most: 7, deviation: 0.1 };
const series: Series = {
  broadcasts: 5,
  redundancy: 0.01,
  redundancyMost: 0.02,
  lastHop: 9,
  lastHopMost: 10,
  lastMs: 200,
  lastMsMost: 220,
  missed: 0,
};

function restOf(bytesPerNodeSecond: number): Rest {
  return { messagesPerNodeSecond: 2, bytesPerNodeSecond, kinds: { shuffle: 1 } };
}

function steady(type: "steady" | "small", bytes: number, single: Partial<Series> = {}): Answer {
  const paths = { average: 4, longest: 7, sources: 500 };
  const shape = {
    components: 1,
    paths,
    clustering: 0.01,
    inDegree: spread,
    oneSided: 0,
    passive: spread,
    links: spread,
  };
  const rests = { restBefore: restOf(1), rest: restOf(bytes) };
  const ofSingle = { ...series, ...single };
  const all = { first: series, single: ofSingle, multi: series };
  return { type, played: { joined, shape, ...rests, ...all, ...found }, ...cost };
}

function crash(share: number, missed: number, components = 1): Answer {
  const reached = { expected: 100, missed: 1, reliability: 0.99 };
  const played = {
    share,
    survivors: 50,
    oneComponentMs: 900,
    largestAtOnce: 0.97,
    components,
    atOnce: reached,
    atOnceInTheEnd: reached,
    afterRepair: { ...series, missed },
    messagesPerSurvivor: 20,
    ...found,
  };
  return { type: "crash", played, ...cost };
}

function unmet(nodes: number, answers: readonly Answer[]): readonly string[] {
  const { aims } = judge({ nodes }, answers);
  return aims.filter(({ met }) => !met).map(({ name }) => name);
}

describe("the aims of an overlay", () => {
  test("are met by what stays within its bounds", () => {
    const answers = [steady("steady", 300), steady("small", 290), crash(0.8, 0), crash(0.9, 0)];
    expect(unmet(1_000, answers)).toEqual([]);
  });

  test("allow more hops to ten thousand nodes than to a thousand", () => {
    const far = steady("steady", 300, { lastHop: 13 });
    expect(unmet(1_000, [far])).toEqual(["single source: last hop, mean"]);
    expect(unmet(10_000, [far])).toEqual([]);
  });

  test("want every survivor reached after crashes of up to 80 %, and of more that they are one", () => {
    expect(unmet(100, [crash(0.8, 1), crash(0.9, 1)])).toEqual([
      "crash of 80 %: missed by survivors after repair",
    ]);
    expect(unmet(100, [crash(0.9, 0, 2)])).toEqual(["crash of 90 %: components after repair"]);
  });

  test("want the cost of a node at rest low, and the same in a large overlay", () => {
    expect(unmet(1_000, [steady("steady", 500), steady("small", 300)])).toEqual([
      "bytes of a node at rest, times those of one of 100",
    ]);
    expect(unmet(1_000, [steady("steady", 1_025)])).toEqual(["at rest: bytes a node and second"]);
  });

  test("are the same for whole overlays, which have to list each other too", () => {
    const { played } = steady("steady", 300) as Answer & { type: "steady" };
    const { shape, restBefore, rest, first, single, multi } = played;
    const looked = { shape, restBefore, rest, first, single, multi };
    const crashed = (crash(0.8, 1) as Answer & { type: "crash" }).played;
    const whole = (listedMs: number | undefined, missed: number): Answer => {
      const crashes = [{ ...crashed, afterRepair: { ...series, missed } }];
      const told = { joined: { ...joined, listedMs }, looked, churn: undefined, crashes };
      return { type: "whole", played: { ...told, ...found }, ...cost };
    };
    expect(unmet(1_000, [whole(2_000, 0)])).toEqual([]);
    expect(unmet(1_000, [whole(undefined, 1)])).toEqual([
      "rollout through 5 seeds: ms until all list all",
      "crash of 80 %: missed by survivors after repair",
    ]);
  });

  test("count what a core did that it must not, and what was not measured", () => {
    const answer: Answer = {
      type: "storm",
      played: {
        joined: { ...joined, oneComponentMs: undefined },
        averagePath: 5,
        averagePathMixed: 4,
        ...found,
        findingCount: 2,
      },
      ...cost,
    };
    expect(unmet(1_000, [answer])).toEqual([
      "join storm through 5 seeds: ms to one component",
      "what a core did that it must not",
    ]);
  });

  test("never round what was missed up to everybody", () => {
    const reached = (missed: number) => {
      return { expected: 10_000_000, missed, reliability: 1 - missed / 10_000_000 };
    };
    const played = {
      died: 100,
      firstPass: reached(1),
      afterRepair: reached(0),
      series,
      shape: (steady("steady", 1) as Answer & { type: "steady" }).played.shape,
      ...found,
    };
    const { aims } = judge({ nodes: 1_000 }, [{ type: "churn", played, ...cost }]);
    const value = aims.find(({ name }) => name.includes("first pass"))?.value;
    expect(value).toBe(99.9999);
    expect(aims.every(({ met }) => met)).toBe(true);
  });
});
