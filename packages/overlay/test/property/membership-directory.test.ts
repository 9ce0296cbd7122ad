import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Directory } from "../../src/protocol/membership/directory.js";
import { newerEntry, type DirectoryEntry } from "../../src/protocol/membership/entry.js";
import { parseMembershipMessage } from "../../src/protocol/membership/messages.js";
import { bootOf, entryOf, idOf, statuses, wireOf } from "../support/membership-entries.js";

const statement = (number: number): fc.Arbitrary<DirectoryEntry> =>
  fc
    .record({
      boot: fc.integer({ min: 1, max: 3 }).map(bootOf),
      incarnation: fc.integer({ min: 0, max: 3 }),
      status: fc.constantFrom(...statuses),
      name: fc.constantFrom("a", "b"),
      labels: fc.constantFrom({}, { x: "1", y: "2" }, { y: "2", x: "1" }),
    })
    .map((change) => entryOf(number, change));

const statements = fc.array(fc.integer({ min: 1, max: 6 }).chain(statement), { maxLength: 40 });

const contentOf = (entries: readonly DirectoryEntry[]): string[] => {
  const directory = new Directory();
  for (const entry of entries) directory.merge(entry, 0);
  const ids = [1, 2, 3, 4, 5, 6].map(idOf);
  return ids.map((id) => {
    const entry = directory.get(id);
    return entry ? `${entry.boot} ${entry.incarnation} ${entry.status} ${entry.name}` : "none";
  });
};

describe("merging statements", () => {
  test("is commutative, associative and idempotent", () => {
    const one = statement(1);
    fc.assert(
      fc.property(one, one, one, (a, b, c) => {
        const same = (left: DirectoryEntry, right: DirectoryEntry) => expect(left).toEqual(right);
        same(newerEntry(a, b), newerEntry(b, a));
        same(newerEntry(newerEntry(a, b), c), newerEntry(a, newerEntry(b, c)));
        same(newerEntry(a, a), a);
      }),
      { numRuns: 500 },
    );
  });

  test("gives the same directory and digest in any order, with any repetition", () => {
    const shuffled = statements.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray([...list, ...list], { minLength: list.length * 2 }),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, mixed]) => {
        expect(contentOf(mixed)).toEqual(contentOf(list));
      }),
      { numRuns: 200 },
    );
  });

  test("never replaces anything by an older statement: what is gone stays gone", () => {
    fc.assert(
      fc.property(statements, (list) => {
        const directory = new Directory();
        for (const entry of list) {
          const before = directory.get(entry.id);
          directory.merge(entry, 0);
          const after = directory.get(entry.id);
          if (before?.status === "left" && after?.boot === before.boot) {
            expect(after.status).toBe("left");
          }
          if (before?.status === "down" && after?.boot === before.boot && after.status !== "left") {
            const refuted = after.incarnation > before.incarnation;
            expect(refuted || after.status === "down").toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe("parseMembershipMessage", () => {
  test("never throws, and what it accepts it accepts again unchanged", () => {
    const field = fc.oneof(fc.jsonValue(), fc.constantFrom(idOf(1), bootOf(1), "alive", 3, true));
    const message = fc.record({
      type: fc.constantFrom(
        "updates",
        "suspect",
        "ping",
        "ack",
        "ping-req",
        "ping-res",
        "digest",
        "sync",
        "?",
      ),
      entries: fc.oneof(field, fc.array(fc.oneof(field, fc.constant(wireOf(1))), { maxLength: 3 })),
      buckets: fc.oneof(field, fc.array(fc.nat(), { minLength: 63, maxLength: 65 })),
      id: field,
      boot: field,
      incarnation: field,
      from: field,
      refused: field,
      seq: field,
      status: field,
      reached: field,
    });
    let accepted = 0;
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), message), (value) => {
        const parsed = parseMembershipMessage(value);
        if (!parsed) return;
        accepted += 1;
        expect(parseMembershipMessage(parsed)).toEqual(parsed);
      }),
      { numRuns: 2_000, seed: 1 },
    );
    expect(accepted).toBeGreaterThan(10);
  });

  test("refuses texts, lists and numbers beyond their limits", () => {
    const long = "x".repeat(257);
    const bad = [
      { name: long },
      { address: long },
      { roles: new Array<string>(33).fill("r") },
      { labels: { [long]: "v" } },
      { incarnation: -1 },
      { incarnation: 0.5 },
      { ageMs: Number.POSITIVE_INFINITY },
    ];
    for (const change of bad) {
      const entries = [{ ...wireOf(1), ...change }];
      expect(parseMembershipMessage({ type: "updates", entries })).toBeUndefined();
    }
    const many = new Array<unknown>(65).fill(wireOf(1));
    expect(parseMembershipMessage({ type: "updates", entries: many })).toBeUndefined();
    expect(parseMembershipMessage({ type: "updates", entries: [wireOf(1)] })).toBeDefined();
  });
});
