import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { CausalLimits } from "../../src/limits.js";
import { CausalState } from "../../src/protocol/causal/causal-state.js";
import { CausalWorld, strandOf, TINY } from "./causal-world.js";
import { expectLaw } from "./law.js";

// A machine that does other things too must not fail a law.
jest.setTimeout(60_000);

const WRITERS = 4;
const KEYS = ["a", "b", "c", "d", "e", "f"];
/** For each writer and each thing that differs: vector, pull, delta, digests of blocks. */
const MESSAGES = 4;

/** So that some have no room for what they are told, or for the holes it leaves. */
const limits: fc.Arbitrary<CausalLimits> = fc
  .record({
    entriesMax: fc.constantFrom(1, 2, 100),
    vectorStrandsMax: fc.constantFrom(1, 2, 100),
    gapsMax: fc.constantFrom(0, 1, 3, 100),
    pullBytesAim: fc.constantFrom(1, 120, 10_000),
  })
  .map((some) => ({ ...TINY, ...some }));

/** Each: who writes or removes which key, and which of the two it is told. */
const steps = fc.array(
  fc.tuple(
    fc.nat(WRITERS - 1),
    fc.constantFrom(...KEYS),
    fc.boolean(),
    fc.constantFrom<readonly number[]>([], [0], [1], [0, 1]),
  ),
  { minLength: 5, maxLength: 60, size: "max" },
);

type State = CausalWorld["replicas"][number]["state"];

/** Once for each write that was taken in, once more for each that was removed. */
function known(states: readonly State[]): number {
  const all = new CausalState<number>({
    own: strandOf(9, 0),
    limits: TINY,
    tombstoneMs: 1,
    journals: false,
  });
  for (const state of states) {
    for (const delta of state.snapshot(0)) all.handle({ type: "restore", delta }, 0);
  }
  let sum = 0;
  for (const { parts } of all.snapshot(0)) {
    for (const { from, through, keys } of parts) sum += 2 * (through - from + 1) - keys.length;
  }
  return sum;
}

describe("the exchange of a causal state", () => {
  test("what differs bounds the talk of two replicas, and they agree if there is room", () => {
    expectLaw(
      fc.property(limits, steps, (some, history) => {
        const world = new CausalWorld(WRITERS, { limits: some });
        for (const i of world.replicas.keys()) for (const j of [0, 1]) world.up(i, j);
        for (const [i, key, isRemoval, told] of history) {
          if (isRemoval) world.remove(i, key);
          else world.write(i, key);
          world.flush(i);
          world.packets = world.packets.filter(
            ({ to, message }) => message.type === "delta" && told.includes(to),
          );
          while (world.packets.length > 0) {
            world.deliver(0);
            world.packets = world.packets.filter(({ message }) => message.type === "delta");
          }
        }
        for (const j of [2, 3]) for (const i of [0, 1]) world.down(i, j);
        const [one, other] = [world.replica(0).state, world.replica(1).state];
        const differs = 2 * known([one, other]) - known([one]) - known([other]);
        const most = MESSAGES * (WRITERS + 1) * (2 + differs);
        let messages = 0;
        world.now += 10_000;
        world.tick(0, 1);
        world.tick(1, 0);
        for (; world.packets.length > 0 && messages <= most; messages += 1) world.deliver(0);
        expect(messages).toBeLessThanOrEqual(most);
        // Without room for what it is told a replica stays behind; holes are no reason for that.
        if (some.entriesMax >= KEYS.length) {
          expect(one.digest()).toBe(other.digest());
        }
      }),
      100,
    );
  });
});
