/** What many members change: greetings are digests, and news of others goes to a few. */
import { describe, expect, test } from "@jest/globals";
import { membershipLimits as limits } from "../../../../src/protocol/membership/limits.js";
import { wireOf } from "../../../support/membership-entries.js";
import { MembershipBench } from "../../../support/membership-bench.js";

const MANY = limits.entriesPerMessageMax + 40;

/** A node that knows the numbers up to `MANY`, linked to node 2. */
function ofMany(): MembershipBench {
  const bench = new MembershipBench(1).meet(2);
  for (let number = 3; number <= MANY; number += 1) {
    bench.tell(2, { type: "updates", entries: [wireOf(number)] });
  }
  bench.clear();
  return bench;
}

describe("a greeting in a large cluster", () => {
  test("is oneself and a digest, not everybody", () => {
    const bench = ofMany();
    bench.linkUp(7);
    const sent = bench.sent(7);
    expect(sent.map(({ type }) => type)).toEqual(["updates", "digest"]);
    const [updates] = sent;
    expect(updates?.type === "updates" && updates.entries).toHaveLength(2);
  });

  test("is everybody and no digest while that is one message", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4);
    bench.linkUp(5);
    const sent = bench.sent(5);
    expect(sent.map(({ type }) => type)).toEqual(["updates"]);
  });

  test("tells a newcomer everybody in two steps, each message within its limit", () => {
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
    bench.tell(2, { type: "digest", buckets: new Array<number>(limits.digestBuckets).fill(0) });
    const told = bench.sent(2).flatMap((message) => ("entries" in message ? message.entries : []));
    expect(told).toHaveLength(MANY);
    expect(new Set(told.map(({ id }) => id)).size).toBe(MANY);
    const buckets = bench.sent(2, "sync").flatMap((message) => {
      return message.type === "sync" ? message.buckets : [];
    });
    expect(new Set(buckets).size).toBe(buckets.length);
  });
});

describe("news", () => {
  const others = Array.from({ length: 20 }, (_, index) => index + 2);

  test("of others is told on, on six links and not to whom it came from", () => {
    const bench = new MembershipBench(1).meet(...others);
    bench.tell(2, { type: "updates", entries: [wireOf(50)] });
    const told = others.filter((number) => bench.sent(number, "updates").length > 0);
    expect(told).toHaveLength(limits.relayedTo);
    expect(told).not.toContain(2);
  });

  test("of others is told to all when they are few", () => {
    const bench = new MembershipBench(1).meet(2, 3, 4, 5);
    bench.tell(2, { type: "updates", entries: [wireOf(50)] });
    expect([3, 4, 5].every((number) => bench.sent(number, "updates").length === 1)).toBe(true);
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
