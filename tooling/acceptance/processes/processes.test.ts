import { describe, expect, jest, test } from "@jest/globals";
import { keptSeeds } from "./kept-seeds.js";
import { features } from "./parts/part.js";
import { playProcesses } from "./play-processes.js";
import { instanceOf, ProcessBook } from "./process-book.js";

// Virtual time; a machine that does other things too must not fail it.
jest.setTimeout(120_000);

describe("distributed processes under all faults", () => {
  test.each(["processes-1", "processes-2", "processes-3"])(
    "are one each after every heal, and no call is told what is not so (%s)",
    async (seed) => {
      const played = await playProcesses({ seed, nodesMin: 3, nodesMax: 4, forMs: 15_000 });
      expect(played.violation).toBe(undefined);
      expect(played.calls).toBeGreaterThan(100);
      expect(played.counts.answered).toBeGreaterThan(100);
    },
  );
});

describe("a seed that failed once", () => {
  test.each(keptSeeds.map((kept) => [kept.seed, kept] as const))(
    "of processes passes (%s)",
    async (_, kept) => {
      expect((await playProcesses(kept)).violation).toBe(undefined);
    },
  );
});

describe("a world of processes with everything", () => {
  test("has trees, groups, kept and merged states, and is rebalanced", async () => {
    const world = { nodesMin: 3, nodesMax: 3, forMs: 10_000, features };
    const played = await playProcesses({ seed: "everything-1", ...world });
    expect(played.violation).toBe(undefined);
    expect(played.counts["merged"]).toBeGreaterThan(0);
  });
});

describe("a seed of processes", () => {
  // Its names are kept by real consensus; the first play finds less loaded than the second.
  test("plays the same each time", async () => {
    const options = { seed: "processes-8", nodesMin: 3, nodesMax: 3, forMs: 3_000 };
    const first = await playProcesses(options);
    const second = await playProcesses(options);
    expect(second).toEqual(first);
    expect(first.hash).toMatch(/^[0-9a-f]{16}$/);
  });
});

describe("the book of processes", () => {
  const one = { node: "a".repeat(32), boot: "1".repeat(20), serial: 1 };
  const two = { node: "b".repeat(32), boot: "2".repeat(20), serial: 7 };

  test("lets a line go on elsewhere with all of it, and finds a copy that goes on beside it", () => {
    const book = new ProcessBook();
    book.calm(true);
    const state = book.born("ann", one);
    book.ran(state, one, "call-1");
    const moved = structuredClone(state);
    book.ran(moved, two, "call-2");
    expect(book.violations).toEqual([]);
    book.ran(state, one, "call-3");
    expect(book.violations.join()).toContain("forked or forgot");
  });

  test("takes what forked in a cut for a fork of then, and judges who stayed from the calm on", () => {
    const book = new ProcessBook();
    const state = book.born("ann", one);
    const stayed = structuredClone(state);
    book.ran(state, one, "in the cut");
    book.calm(true);
    book.ran(stayed, two, "call-1");
    expect([book.violations, book.forks]).toEqual([[], 1]);
    const old = structuredClone(stayed);
    book.ran(stayed, two, "call-2");
    book.ran(old, one, "call-3");
    expect(book.violations.join()).toContain("forked or forgot");
  });

  test("finds a copy that lacks what was answered, and a message that runs twice in a line", () => {
    const book = new ProcessBook();
    const state = book.born("ann", one, { isStrong: true });
    const old = structuredClone(state);
    book.ran(state, one, "call-1");
    book.ran(old, two, "call-2");
    expect(book.violations.join()).toContain("forked or forgot");
    const twice = new ProcessBook();
    const other = twice.born("bob", one);
    twice.ran(other, one, "call-1");
    twice.ran(other, one, "call-1");
    expect(twice.violations.join()).toContain("call-1 ran twice");
  });

  test("refuses an older token, a missing one, and instances that take turns with one", () => {
    const [first, second] = [instanceOf(one), instanceOf(two)];
    const effect = (instance: string, token?: number) => ({
      identity: "ann",
      instance,
      token,
      isLate: false,
    });
    const book = new ProcessBook();
    book.tokens.effect(effect(first, 1));
    book.tokens.effect(effect(second, 2));
    expect(book.violations).toEqual([]);
    book.tokens.effect(effect(first, 1));
    expect(book.violations.join()).toContain("with the token 1");
    const bare = new ProcessBook();
    bare.tokens.effect(effect(first));
    expect(bare.violations.join()).toContain("without a token");
    const turns = new ProcessBook();
    for (const instance of [first, second]) turns.tokens.effect(effect(instance, 1));
    expect(turns.violations).toEqual([]);
    turns.tokens.effect(effect(first, 1));
    expect(turns.violations.join()).toContain("take turns");
  });
});
