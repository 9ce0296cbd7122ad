import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { choose, newMemory } from "../../../src/protocol/balancing/choose.js";
import type { Contender } from "../../../src/protocol/balancing/contender.js";
import { RetryBudget } from "../../../src/protocol/balancing/retry-budget.js";

function contenders(weights: readonly number[]): Contender[] {
  return weights.map((weight, index) => ({
    id: `node${index}/boot/0`,
    weight,
    inFlight: 0,
    latencyMs: 0,
    distance: 2,
  }));
}

const weightLists = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 12 });

function counted(ids: readonly (string | undefined)[]): Map<string | undefined, number> {
  const counts = new Map<string | undefined, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

test("weighted: every run as long as the sum of the weights holds each exactly its weight times", () => {
  fc.assert(
    fc.property(weightLists, fc.integer({ min: 0, max: 300 }), (weights, from) => {
      const among = contenders(weights);
      const memory = newMemory();
      const next = () => choose("weighted", among, memory, { one: 0, two: 0, key: "" })?.id;
      for (let skipped = 0; skipped < from; skipped++) next();
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      const counts = counted(Array.from({ length: total }, next));
      expect(among.map(({ id }) => counts.get(id))).toEqual(weights);
    }),
    { numRuns: 40 },
  );
});

test("round-robin: every run as long as the list holds each once", () => {
  fc.assert(
    fc.property(weightLists, fc.integer({ min: 0, max: 30 }), (weights, from) => {
      const among = contenders(weights);
      const memory = newMemory();
      const next = () => choose("round-robin", among, memory, { one: 0, two: 0, key: "" })?.id;
      for (let skipped = 0; skipped < from; skipped++) next();
      const counts = counted(Array.from({ length: among.length }, next));
      expect([...counts.values()]).toEqual(among.map(() => 1));
    }),
    { numRuns: 40 },
  );
});

const KEYS = Array.from({ length: 1_000 }, (_, index) => `order-${index}`);

function placed(among: readonly Contender[]): readonly (string | undefined)[] {
  const memory = newMemory();
  return KEYS.map((key) => choose("consistent-hash", among, memory, { one: 0, two: 0, key })?.id);
}

test("consistent-hash: an instance that goes moves its own keys and no others, one that comes takes its share", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 12 }), fc.nat(11), (count, pick) => {
      const all = contenders(Array.from({ length: count }, () => 1));
      const leaver = all[pick % count] as Contender;
      const before = placed(all);
      const after = placed(all.filter(({ id }) => id !== leaver.id));
      const moved = before.filter((id, index) => id !== after[index]);
      expect(new Set(moved)).toEqual(new Set([leaver.id]));
      // Of 1,000 keys the share of one of n strays by four standard deviations at most.
      const share = 1 / count;
      const spread = 4 * Math.sqrt((share * (1 - share)) / KEYS.length);
      expect(Math.abs(moved.length / KEYS.length - share)).toBeLessThan(spread);
    }),
    { numRuns: 12 },
  );
});

test("consistent-hash: keys fall by weight, in whatever order the instances come", () => {
  const among = contenders([1, 2, 5]);
  const counts = counted(placed(among));
  expect(placed([...among].reverse())).toEqual(placed(among));
  const [first, second, third] = among.map(({ id }) => (counts.get(id) ?? 0) / KEYS.length);
  expect(first).toBeCloseTo(1 / 8, 1);
  expect(second).toBeCloseTo(2 / 8, 1);
  expect(third).toBeCloseTo(5 / 8, 1);
});

test("a retry budget never gives more than its reserve and its share of the requests", () => {
  const steps = fc.array(fc.boolean(), { maxLength: 400 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 20 }), (isRequest, reserve) => {
      const budget = new RetryBudget(0.2, reserve);
      let requests = 0;
      let retries = 0;
      let over = 0;
      for (const request of isRequest) {
        if (request) {
          budget.earn();
          requests += 1;
        } else if (budget.spend()) retries += 1;
        over = Math.max(over, retries - reserve - 0.2 * requests);
      }
      expect(over).toBeLessThan(1e-9);
    }),
    { numRuns: 40 },
  );
});
