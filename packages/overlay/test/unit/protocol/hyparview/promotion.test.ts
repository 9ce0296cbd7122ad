/** Filling free places, rotation and near places. */
import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { hyparviewLimits as limits } from "../../../../src/protocol/hyparview/limits.js";
import { hyparviewTimes as times } from "../../../../src/protocol/hyparview/limits.js";
import { idOf } from "../../../support/membership-entries.js";
import { Bench, numberOf, type BenchOptions } from "./bench.js";

const always = { rotationFirst: 1, rotation: 1, elsewhere: 0 };
const never = { rotationFirst: 0, rotation: 0 };
const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

/** A node with six neighbours, 1 to 6, that knows 20 to 23. */
function full(options: BenchOptions = {}): Bench {
  const bench = new Bench(options).befriend(1, 2, 3, 4, 5, 6);
  for (const number of range(20, 4)) {
    bench.tell(1, { type: "forward-join", newcomer: idOf(number), ttl: limits.passiveWalk });
  }
  return bench.clear();
}

describe("a free place", () => {
  test("with too few neighbours is filled at once, in need, by several requests", () => {
    const bench = new Bench({ chances: never }).befriend(1, 2, 3);
    bench.disconnect(1, { alternatives: range(20, 5).map(idOf) });
    const dialled = bench.dialled();
    expect(dialled).toHaveLength(limits.urgentRequests);
    bench.linkUp(...dialled);
    for (const number of dialled) {
      expect(bench.sentOf(number, "neighbor")).toMatchObject([{ why: "high" }]);
    }
  });

  test("with enough neighbours is left for a moment to whom was told of it", () => {
    const bench = new Bench({ chances: never }).befriend(1, 2, 3, 4, 5);
    bench.disconnect(1, { alternatives: [idOf(20)] });
    expect(bench.dialled()).toEqual([]);
    bench.run(times.patienceMs * 1.2);
    expect(bench.dialled()).toEqual([20]);
  });

  test("that all others refuse costs ever fewer requests", () => {
    const bench = full({ chances: never });
    bench.disconnect(1).clear();
    const asked = (ms: number): number => {
      const end = bench.now + ms;
      let count = 0;
      while (bench.now < end) {
        const dialled = bench.dialled();
        bench.clear();
        for (const number of dialled) bench.linkUp(number).refuse(number).linkDown(number);
        count += dialled.length;
        if (bench.dialled().length === 0) bench.run(100);
      }
      return count;
    };
    expect(asked(60_000)).toBeGreaterThan(limits.triesPerRound);
    const roundsMax = 600_000 / (times.promoteMsMax * 0.8);
    expect(asked(600_000)).toBeLessThanOrEqual(limits.triesPerRound * roundsMax);
  });

  test("is filled from the directory when nobody else is known", () => {
    const asked: number[] = [];
    const candidates = (count: number): NodeId[] => {
      asked.push(count);
      return [idOf(0), idOf(2), idOf(30)];
    };
    const chances = { ...never, elsewhere: 0 };
    const bench = new Bench({ candidates, chances }).befriend(1, 2, 3);
    bench.linkDown(1);
    expect(asked[0]).toBe(limits.activeMax);
    expect(bench.dialled()).toEqual([30]);
  });

  test("of a node in need is filled from the directory too: those it knows may all be dead", () => {
    const candidates = (): NodeId[] => [idOf(30)];
    const bench = new Bench({ candidates, chances: { ...never, elsewhere: 1 } }).befriend(1, 2, 3);
    bench.disconnect(3, { alternatives: range(20, 9).map(idOf) });
    expect(bench.dialled()[0]).toBe(30);
    const plenty = full({ candidates, chances: { ...never, elsewhere: 1 } });
    plenty.linkDown(6);
    expect(plenty.dialled()).not.toContain(30);
  });

  test("of a node that is alone is asked for as a join, which brings neighbours of neighbours", () => {
    const bench = new Bench({ chances: never }).befriend(1);
    bench.disconnect(1, { alternatives: [idOf(20)] });
    expect(bench.active()).toEqual([]);
    bench.linkUp(20);
    expect(bench.sentOf(20, "join")).toHaveLength(1);
  });
});

describe("a join", () => {
  test("that comes while another one is under way brings it further contacts, and no more walks", () => {
    const bench = new Bench({ chances: never }).join(1).linkUp(1).clear();
    bench.linkUp(2, 3).join(2).join(3);
    expect([...bench.sentOf(2, "join"), ...bench.sentOf(3, "join")]).toEqual([]);
    bench.linkDown(1);
    const asked = [2, 3].filter((contact) => bench.sentOf(contact, "join").length > 0);
    expect(asked).toHaveLength(1);
  });

  test("whose contact has answered waits for its walks before another one is begun", () => {
    const bench = new Bench({ chances: never }).join(1).linkUp(1);
    const [join] = bench.sentOf(1, "join");
    bench.tell(1, { type: "refuse", to: join?.nr ?? 0, alternatives: [] });
    bench.linkUp(2).join(2);
    expect(bench.sentOf(2, "join")).toEqual([]);
    bench.now += times.answerMs;
    bench.linkUp(3).join(3);
    expect(bench.sentOf(3, "join")).toHaveLength(1);
  });
});

describe("a rotation", () => {
  test("gives up a neighbour once another node has accepted, and names it a free place", () => {
    const bench = full({ chances: always });
    const asked = bench.runUntilDial();
    expect(range(20, 4)).toContain(asked);
    bench.linkUp(asked);
    expect(bench.sentOf(asked, "neighbor")).toMatchObject([{ why: "swap" }]);
    expect(bench.active()).toEqual([1, 2, 3, 4, 5, 6]);
    bench.accept(asked, 77);
    expect(bench.active()).toContain(asked);
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.sentOf(evicted, "disconnect")).toMatchObject([{ next: idOf(77) }]);
    expect(bench.passive()).toContain(evicted);
  });

  test("is likely at first and rare later", () => {
    const bench = full();
    const rotations = (ms: number): number => {
      bench.clear();
      const end = bench.now + ms;
      let count = 0;
      while (bench.now < end) {
        for (const number of bench.dialled()) bench.feed({ type: "dial-failed", id: idOf(number) });
        count += bench.counted("rotation");
        bench.clear().run(1_000);
      }
      return count;
    };
    const early = rotations(times.restlessMs);
    const late = rotations(times.restlessMs * 4) / 4;
    expect(early).toBeGreaterThan(3);
    expect(late).toBeLessThan(early / 2);
  });

  test("tries nodes that could not be reached before: it joins the halves of a partition", () => {
    const bench = full({ chances: always });
    for (let round = 0; round < 30; round += 1) {
      bench.run(times.shuffleMs);
      for (const number of bench.dialled()) bench.feed({ type: "dial-failed", id: idOf(number) });
      if (round < 29) bench.clear();
    }
    bench.clear().run(times.strikeMsMax * 2);
    expect(bench.dialled().length).toBeGreaterThan(0);
    expect(bench.passive()).toEqual(range(20, 4));
  });

  test("becomes likely again when a node is back, or half of the neighbours are lost", () => {
    const chances = { rotationFirst: 1, rotation: 0, elsewhere: 0 };
    const rotates = (disturb: (bench: Bench) => void): boolean => {
      const bench = full({ chances }).run(times.restlessMs);
      for (const number of bench.dialled()) bench.feed({ type: "dial-failed", id: idOf(number) });
      disturb(bench);
      // Somebody who can be asked.
      bench.tell(4, { type: "forward-join", newcomer: idOf(40), ttl: limits.passiveWalk });
      bench.clear().run(times.shuffleMs * 1.2);
      return bench.counted("rotation") > 0;
    };
    expect(rotates(() => undefined)).toBe(false);
    expect(
      rotates((bench) => {
        bench.feed({ type: "gone", id: idOf(90) });
        bench.feed({ type: "back", id: idOf(90) });
      }),
    ).toBe(true);
    expect(
      rotates((bench) => {
        bench.linkDown(1).linkDown(2).linkDown(3).befriend(11, 12, 13);
      }),
    ).toBe(true);
  });
});

describe("near places", () => {
  /** Node n, and node 100 + n, is n milliseconds away. */
  const options: BenchOptions = {
    xbot: true,
    roundTripMs: (id) => numberOf(id) % 100,
    chances: never,
  };
  /** Neighbours 31 to 36 milliseconds away. */
  const distant = (change: BenchOptions = {}): Bench =>
    new Bench({ ...options, ...change }).befriend(31, 32, 33, 34, 35, 36);
  const know = (bench: Bench, ...numbers: number[]): Bench => {
    for (const number of numbers) {
      bench.tell(31, { type: "forward-join", newcomer: idOf(number), ttl: limits.passiveWalk });
    }
    return bench.clear();
  };

  test("are off unless they are asked for", () => {
    const bench = know(distant({ xbot: false }), 2, 3).run(times.optimiseMs * 4);
    expect(bench.counted("optimisation")).toBe(0);
    bench.request(1, "near");
    expect(bench.sentOf(1, "refuse")).toHaveLength(1);
  });

  test("are asked for where a nearer node is known, and cost any neighbour its place", () => {
    const bench = know(distant(), 2);
    expect(bench.runUntilDial()).toBe(2);
    bench.linkUp(2);
    expect(bench.sentOf(2, "neighbor")).toMatchObject([{ why: "near" }]);
    bench.accept(2, 99);
    expect(bench.active()).toHaveLength(6);
    expect(bench.active()).toContain(2);
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.sentOf(evicted, "disconnect")).toMatchObject([{ next: idOf(99) }]);
  });

  test("are given only to a node that is nearer by a fifth", () => {
    const bench = distant();
    bench.request(130, "near");
    expect(bench.sentOf(130, "refuse")).toHaveLength(1);
    bench.request(124, "near");
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.sentOf(124, "accept")).toMatchObject([{ evicted: idOf(evicted) }]);
  });

  test("are at most two of six, whoever asks: the others stay random", () => {
    const bench = distant();
    for (const number of [6, 5, 4, 3, 2, 1]) bench.request(number, "near");
    expect(bench.active().filter((number) => number > 30)).toHaveLength(6 - limits.nearMax);
    expect(bench.active()).toEqual(expect.arrayContaining([1, 2]));
  });
});
