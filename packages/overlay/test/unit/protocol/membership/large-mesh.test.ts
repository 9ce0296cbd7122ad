/** What many members change: greetings are short, and news of others goes to a few. */
import { describe, expect, test } from "@jest/globals";
import {
  membershipLimits as limits,
  membershipTimes as times,
} from "../../../../src/protocol/membership/limits.js";
import { idOf, wireOf } from "../../../support/membership-entries.js";
import { MembershipBench } from "../../../support/membership-bench.js";

const MANY = limits.entriesPerMessageMax + 40;

/** A node that knows the numbers up to `MANY`, linked to node 3. */
function ofMany(own = 1): MembershipBench {
  const bench = new MembershipBench(own).meet(3);
  for (let number = 1; number <= MANY; number += 1) {
    if (number !== own) bench.tell(3, { type: "updates", entries: [wireOf(number)] });
  }
  bench.clear();
  return bench;
}

/** Two that know the same and have just linked, and the sum that the first one sent. */
function linked() {
  const [one, other] = [ofMany(1), ofMany(2)];
  other.linkUp(1);
  one.linkUp(2);
  const [sum] = one.sent(2, "sum");
  if (sum?.type !== "sum") throw new Error("no sum was sent");
  one.clear();
  other.clear();
  return { one, other, sum };
}

describe("a greeting in a large cluster", () => {
  test("is oneself and one hash of all that is known, not everybody", () => {
    const bench = ofMany();
    bench.linkUp(7);
    expect(bench.sent(7)).toMatchObject([
      { type: "updates", entries: [{ id: idOf(1) }] },
      { type: "sum", sum: expect.any(Number) },
    ]);
  });

  test("says what is believed about the other side when that is bad", () => {
    const bench = ofMany();
    bench.tell(3, { type: "updates", entries: [wireOf(7, { status: "down" })] });
    bench.linkUp(7);
    const [greeting] = bench.sent(7, "updates");
    expect(greeting).toMatchObject({ entries: [{ id: idOf(1) }, { id: idOf(7), status: "down" }] });
  });

  test("is everybody and no digest while they are few", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4);
    bench.linkUp(5);
    const sent = bench.sent(5);
    expect(sent.map(({ type }) => type)).toEqual(["updates"]);
    expect(sent[0]).toMatchObject({
      entries: [1, 2, 3, 4].map((number) => ({ id: idOf(number) })),
    });
  });

  test("that shows the same knowledge is answered with nothing, another one with a digest", () => {
    const { one, other, sum } = linked();
    other.tell(1, sum);
    expect(other.of("send")).toEqual([]);
    other.tell(1, { ...sum, sum: sum.sum + 1 });
    expect(other.sent(1).map(({ type }) => type)).toEqual(["digest"]);
    expect(one.of("send")).toEqual([]);
  });

  test("that asks whoever asked too is answered by one of them", () => {
    const { one, sum } = linked();
    one.tell(2, { ...sum, sum: sum.sum + 1 });
    expect(one.of("send")).toEqual([]);
    one.run(2 * times.periodMs);
    one.clear();
    one.tell(2, { ...sum, sum: sum.sum + 1 });
    expect(one.sent(2).map(({ type }) => type)).toEqual(["digest"]);
  });

  test("is answered once in a while as long as members join, and always when they have stopped", () => {
    const bench = new MembershipBench(MANY + 1);
    const digests = (from: number): number => {
      bench.tell(from, { type: "sum", sum: 1 });
      return bench.sent(from, "digest").length;
    };
    bench.meet(3, 5, 7);
    expect([digests(3), digests(5), digests(7)]).toEqual([1, 0, 0]);
    bench.run(times.settleMs);
    bench.tell(3, { type: "updates", entries: [wireOf(9)] });
    expect([digests(5), digests(7)]).toEqual([1, 0]);
    bench.run(20 * times.settleMs);
    bench.clear();
    expect([digests(3), digests(5), digests(7)]).toEqual([1, 1, 1]);
  });

  test("tells a newcomer everybody, each message within its limit", () => {
    const bench = ofMany();
    const newcomer = new MembershipBench(MANY + 1);
    newcomer.linkUp(1);
    bench.linkUp(MANY + 1);
    for (let round = 0; round < 3; round += 1) {
      const there = bench.sent(MANY + 1);
      const back = newcomer.sent(1);
      bench.clear();
      newcomer.clear();
      for (const message of there) newcomer.tell(1, message);
      for (const message of back) bench.tell(MANY + 1, message);
      for (const message of [...there, ...back]) {
        const count = "entries" in message ? message.entries.length : 0;
        expect(count).toBeLessThanOrEqual(limits.entriesPerMessageMax);
      }
    }
    expect(newcomer.members()).toHaveLength(MANY + 1);
    expect(bench.members()).toHaveLength(MANY + 1);
  });

  test("answers a digest that differs everywhere without telling anything twice", () => {
    const bench = ofMany();
    bench.tell(3, { type: "digest", buckets: new Array<number>(limits.digestBuckets).fill(0) });
    const told = bench.sent(3).flatMap((message) => ("entries" in message ? message.entries : []));
    expect(told).toHaveLength(MANY);
    expect(new Set(told.map(({ id }) => id)).size).toBe(MANY);
    const buckets = bench.sent(3, "sync").flatMap((message) => {
      return message.type === "sync" ? message.buckets : [];
    });
    expect(new Set(buckets).size).toBe(buckets.length);
  });
});

describe("a cluster that has stopped growing", () => {
  test("is compared with two neighbours, once", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4, 5);
    bench.run(times.settleMs - 1);
    bench.tell(2, { type: "updates", entries: [wireOf(6)] });
    bench.run(times.settleMs - 1);
    expect(bench.of("send").filter(({ message }) => message.type === "sum")).toEqual([]);
    bench.run(times.periodMs);
    const asked = bench.of("send").filter(({ message }) => message.type === "sum");
    expect(new Set(asked.map(({ to }) => to)).size).toBe(limits.comparedAfterGrowth);
    expect(asked).toHaveLength(limits.comparedAfterGrowth);
  });
});

describe("news", () => {
  const others = Array.from({ length: 20 }, (_, index) => index + 2);

  test("of others is told on, on six links and not to whom it came from", () => {
    const bench = new MembershipBench(1).meet(...others);
    bench.tell(2, { type: "updates", entries: [wireOf(50)] });
    bench.run(2 * times.newsGapMs);
    bench.clear();
    bench.tell(2, { type: "updates", entries: [wireOf(50, { status: "down" })] });
    const told = others.filter((number) => bench.sent(number, "updates").length > 0);
    expect(told).toHaveLength(limits.relayedTo);
    expect(told).not.toContain(2);
  });

  test("of others is told to all when they are few", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4, 5);
    bench.run(2 * times.newsGapMs);
    bench.clear();
    bench.tell(2, { type: "updates", entries: [wireOf(50)] });
    expect([3, 4, 5].every((number) => bench.sent(number, "updates").length === 1)).toBe(true);
  });

  test("of a newcomer goes to everybody from those it met, and to three from all others", () => {
    const bench = new MembershipBench(1).meet(...others);
    bench.run(2 * times.newsGapMs);
    bench.clear();
    bench.tell(2, { type: "updates", entries: [wireOf(50)] });
    const told = () => others.filter((number) => bench.sent(number, "updates").length > 0);
    expect(told()).toHaveLength(limits.newcomersToldTo);
    expect(told()).not.toContain(2);
    bench.run(2 * times.newsGapMs);
    bench.linkUp(51);
    bench.clear();
    bench.tell(51, { type: "updates", entries: [wireOf(51)] });
    expect(told()).toEqual(others);
  });

  test("of many newcomers at once is one message to each, and no other news waits for it", () => {
    const bench = new MembershipBench(1).meet(2, 3);
    bench.run(2 * times.newsGapMs);
    bench.clear();
    for (let number = 50; number < 60; number += 1)
      bench.tell(2, { type: "updates", entries: [wireOf(number)] });
    expect(bench.sent(3, "updates")).toMatchObject([{ entries: [{ id: idOf(50) }] }]);
    bench.suspect(2, 1, false);
    expect(bench.sent(3, "updates")).toHaveLength(2);
    bench.run(times.newsGapMs);
    const [, , last, ...more] = bench.sent(3, "updates");
    expect(last?.type === "updates" && last.entries.map(({ id }) => id)).toEqual(
      [51, 52, 53, 54, 55, 56, 57, 58, 59].map(idOf),
    );
    expect(more).toEqual([]);
  });

  test("of its own goes to everybody", () => {
    const bench = new MembershipBench(1).meet(...others);
    bench.feed({ type: "drain" });
    expect(others.every((number) => bench.sent(number, "updates").length === 1)).toBe(true);
  });

  test("of an accusation is told on, on six links", () => {
    const bench = new MembershipBench(1).meet(...others);
    bench.suspect(2, 3, false);
    const told = others.filter((number) => bench.sent(number, "suspect").length > 0);
    expect(told).toHaveLength(limits.relayedTo);
    expect(told).not.toContain(2);
  });
});

describe("a link that the mesh will open by itself", () => {
  const WAIT = times.dialPatienceMs;
  const joined = (count: number) => {
    const bench = new MembershipBench(1).meet(3);
    const entries = Array.from({ length: count }, (_, i) => wireOf(10 + i));
    bench.tell(3, { type: "updates", entries });
    return bench;
  };
  const comesWithinMs = (bench: MembershipBench, number: number) =>
    bench.core.linkComesWithinMs(idOf(number), bench.now);

  test("may be waited for while many join, until a dial is overdue", () => {
    const bench = joined(limits.meshAtOnceMax);
    expect(comesWithinMs(bench, 12)).toBe(WAIT);
    bench.run(WAIT - 1);
    expect(comesWithinMs(bench, 12)).toBe(1);
    bench.run(1);
    expect(comesWithinMs(bench, 12)).toBe(0);
  });

  test("is waited for no longer after a pause, nor where few have joined, nor of a stranger", () => {
    expect(comesWithinMs(joined(limits.meshAtOnceMax - 1), 12)).toBe(0);
    expect(comesWithinMs(joined(limits.meshAtOnceMax), 99)).toBe(0);
    const bench = joined(limits.meshAtOnceMax);
    bench.run(WAIT);
    bench.tell(3, { type: "updates", entries: [wireOf(40)] });
    expect(comesWithinMs(bench, 40)).toBe(0);
  });

  test("is dialled anew at once where it was there before", () => {
    const bench = joined(limits.meshAtOnceMax);
    bench.linkUp(12);
    expect(comesWithinMs(bench, 13)).toBe(WAIT);
    bench.linkDown(12);
    expect(comesWithinMs(bench, 12)).toBe(0);
  });
});
