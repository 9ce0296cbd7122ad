import { describe, expect, test } from "@jest/globals";
import { Directory } from "../../../../src/protocol/membership/directory.js";
import { compareEntries } from "../../../../src/protocol/membership/entry.js";
import { membershipLimits, membershipTimes } from "../../../../src/protocol/membership/limits.js";
import { bootOf, entryOf, idOf } from "../../../support/membership-entries.js";

describe("the order of statements", () => {
  const newer: readonly [string, Parameters<typeof entryOf>[1], Parameters<typeof entryOf>[1]][] = [
    ["a newer boot beats any incarnation", { boot: bootOf(2) }, { incarnation: 9, status: "down" }],
    ["a newer boot beats left", { boot: bootOf(2) }, { status: "left" }],
    ["left beats a higher incarnation of its boot", { status: "left" }, { incarnation: 9 }],
    ["a higher incarnation refutes down", { incarnation: 1 }, { status: "down" }],
    ["down beats suspect", { status: "down" }, { status: "suspect" }],
    ["suspect beats draining", { status: "suspect" }, { status: "draining" }],
    ["draining beats alive", { status: "draining" }, {}],
  ];
  test.each(newer)("%s", (_, winner, loser) => {
    expect(compareEntries(entryOf(1, winner), entryOf(1, loser))).toBeGreaterThan(0);
    expect(compareEntries(entryOf(1, loser), entryOf(1, winner))).toBeLessThan(0);
  });
});

describe("Directory", () => {
  test("keeps the newer statement and says what is stale", () => {
    const directory = new Directory();
    expect(directory.merge(entryOf(1), 0)).toBe("applied");
    expect(directory.merge(entryOf(1, { status: "down" }), 0)).toBe("applied");
    expect(directory.merge(entryOf(1), 0)).toBe("stale");
    expect(directory.get(idOf(1))?.status).toBe("down");
    expect([directory.liveCount, directory.tombstoneCount]).toEqual([0, 1]);
  });

  test("a refuted death makes it live again, and the tombstone is gone", () => {
    const directory = new Directory();
    directory.merge(entryOf(1, { status: "down" }), 0);
    directory.merge(entryOf(1, { incarnation: 1 }), 0);
    expect([directory.liveCount, directory.tombstoneCount]).toEqual([1, 0]);
    expect(directory.down()).toEqual([]);
  });

  test("forgets a tombstone after its time, counted from when it was declared anywhere", () => {
    const directory = new Directory();
    const declaredAgoMs = membershipTimes.tombstoneMs - 1_000;
    directory.merge(entryOf(1, { status: "left" }), 5_000, declaredAgoMs);
    expect(directory.wire(idOf(1), 5_500)?.ageMs).toBe(declaredAgoMs + 500);
    expect(directory.expire(5_999)).toEqual([]);
    expect(directory.expire(6_000)).toEqual([idOf(1)]);
    expect(directory.get(idOf(1))).toBeUndefined();
  });

  test("does not take in a tombstone that is over its time, so that two nodes cannot keep it alive", () => {
    const directory = new Directory();
    const outcome = directory.merge(entryOf(1, { status: "down" }), 0, membershipTimes.tombstoneMs);
    expect(outcome).toBe("stale");
    expect(directory.tombstoneCount).toBe(0);
  });

  test("drops the oldest tombstones beyond the limit and keeps the latest", () => {
    const directory = new Directory();
    for (let number = 0; number <= membershipLimits.tombstonesMax; number += 1) {
      directory.merge(entryOf(number, { status: "down" }), number);
    }
    expect(directory.tombstoneCount).toBeLessThanOrEqual(membershipLimits.tombstonesMax);
    expect(directory.get(idOf(0))).toBeUndefined();
    expect(directory.get(idOf(membershipLimits.tombstonesMax))?.status).toBe("down");
  });

  test("lists the down with the latest first", () => {
    const directory = new Directory();
    directory.merge(entryOf(1, { status: "down" }), 10);
    directory.merge(entryOf(2, { status: "down" }), 30);
    directory.merge(entryOf(3, { status: "left" }), 40);
    expect(directory.down().map((entry) => entry.id)).toEqual([idOf(2), idOf(1)]);
  });

  test("two directories have equal digests exactly where they know the same", () => {
    const [one, other] = [new Directory(), new Directory()];
    for (let number = 0; number < 300; number += 1) one.merge(entryOf(number), 0);
    for (let number = 299; number >= 0; number -= 1) other.merge(entryOf(number), 7);
    expect(one.digest()).toEqual(other.digest());
    other.merge(entryOf(5, { incarnation: 1 }), 8);
    const differing = one
      .digest()
      .flatMap((hash, bucket) => (hash === other.digest()[bucket] ? [] : [bucket]));
    expect(differing).toHaveLength(1);
    const entries = other.inBucket(differing[0] ?? -1, 8);
    expect(entries.some((entry) => entry.id === idOf(5) && entry.incarnation === 1)).toBe(true);
  });
});
