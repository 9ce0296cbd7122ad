import { describe, expect, test } from "@jest/globals";
import { seededRandom } from "@foundation/core/testing";
import { EventRing } from "./event-ring.js";

function taken<T>(ring: EventRing<T>, untilMs: number): { atMs: number; thing: T }[] {
  const all: { atMs: number; thing: T }[] = [];
  for (let thing = ring.take(untilMs); thing !== undefined; thing = ring.take(untilMs)) {
    all.push({ atMs: ring.now, thing });
  }
  return all;
}

describe("EventRing", () => {
  test("gives things by time and then by the order they were added in, near and far", () => {
    const ring = new EventRing<number>();
    const random = seededRandom("ring");
    const added: { atMs: number; thing: number }[] = [];
    const add = (delayMs: number) => {
      const atMs = ring.now + delayMs;
      added.push({ atMs, thing: added.length });
      ring.add(atMs, added.length - 1);
    };
    const found: { atMs: number; thing: number }[] = [];
    for (let round = 0; round < 200; round += 1) {
      // Whole hundreds, so that many meet at one time; far ones among them.
      for (let count = 0; count < 20; count += 1) add(Math.floor(random.next() * 500) * 100);
      found.push(...taken(ring, ring.now + Math.floor(random.next() * 700)));
    }
    found.push(...taken(ring, ring.now + 100_000));
    const sorted = [...added].sort((a, b) => a.atMs - b.atMs || a.thing - b.thing);
    expect(found).toEqual(sorted);
    expect(ring.size).toBe(0);
  });

  test("gives what is added for the present time after what waits for it", () => {
    const ring = new EventRing<string>();
    ring.add(5, "first");
    ring.add(5, "second");
    expect(ring.take(10)).toBe("first");
    ring.add(5, "third");
    expect([ring.take(10), ring.take(10), ring.take(10)]).toEqual(["second", "third", undefined]);
    expect(ring.now).toBe(10);
  });

  test("takes nothing for a time that is over", () => {
    const ring = new EventRing<string>();
    expect(ring.take(7)).toBeUndefined();
    expect(() => ring.add(6, "late")).toThrow("6 ms is over; it is 7 ms");
  });
});
