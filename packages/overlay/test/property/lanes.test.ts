/** Order within a lane, whatever the number of lanes and however often connections break. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Delivery } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

interface Case {
  readonly seed: number;
  readonly lanes: number;
  readonly delivery: Delivery;
  readonly keys: number;
  /** What happens between two rounds of messages. */
  readonly steps: readonly { readonly waitMs: number; readonly breaks: boolean }[];
}

const cases: fc.Arbitrary<Case> = fc.record({
  seed: fc.nat(1_000_000),
  lanes: fc.integer({ min: 1, max: 16 }),
  delivery: fc.constantFrom<Delivery>("best", "reliable"),
  keys: fc.integer({ min: 1, max: 20 }),
  steps: fc.array(fc.record({ waitMs: fc.nat(120), breaks: fc.boolean() }), {
    minLength: 1,
    maxLength: 25,
  }),
});

async function play({ seed, lanes, delivery, keys, steps }: Case): Promise<void> {
  const world = new VirtualOverlays(seed, seed % 5, (seed * 7) % 60);
  const channels = [{ name: "lots", parallelism: lanes, delivery }];
  const [a, b] = await world.form(2, { channels });
  if (a === undefined || b === undefined) throw new Error("two nodes were started");
  const received = new Map<string, number[]>();
  b.messenger.handle("n", ({ payload }) => {
    const { key, number } = payload as { key: string; number: number };
    const numbers = received.get(key) ?? [];
    received.set(key, numbers);
    numbers.push(number);
  });
  let number = 0;
  for (const { waitMs, breaks } of steps) {
    number += 1;
    for (let i = 0; i < keys; i += 1) {
      const key = `key ${i}`;
      const route = { to: b.self.id, channel: "lots", subject: "n", key };
      expect(a.messenger.trySend(route, { key, number })).toBe("accepted");
    }
    await world.clock.advance(waitMs);
    if (breaks) world.network.sever("a", "b");
  }
  await world.clock.advance(30_000);
  const all = Array.from({ length: number }, (_, i) => i + 1);
  for (let i = 0; i < keys; i += 1) {
    const numbers = received.get(`key ${i}`) ?? [];
    if (delivery === "reliable") expect(numbers).toEqual(all);
    else expect(numbers).toEqual([...new Set(numbers)].toSorted((x, y) => x - y));
  }
  await world.close();
}

describe("order within a lane under any number of lanes", () => {
  test("each key's messages arrive in order, once at most, and all of them where that is promised", async () => {
    const numRuns = Number(process.env["LANES_RUNS"] ?? 20);
    await fc.assert(fc.asyncProperty(cases, play), { numRuns });
  }, 300_000);
});
