import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { CausalWorld } from "./causal-world.js";
import { expectLaw, said } from "./law.js";

// A machine that does other things too must not fail a law.
jest.setTimeout(60_000);

const NODES = 4;
const node = fc.nat(NODES - 1);
const key = fc.constantFrom("a", "b", "c", "d", "e", "f");

type Command = (world: CausalWorld) => void;

const write: fc.Arbitrary<Command> = fc
  .tuple(node, key)
  .map(([i, k]) => said((world: CausalWorld) => world.write(i, k), "write", i, k));
const remove: fc.Arbitrary<Command> = fc
  .tuple(node, key)
  .map(([i, k]) => said((world: CausalWorld) => world.remove(i, k), "remove", i, k));
const flush: fc.Arbitrary<Command> = node.map((i) =>
  said((world: CausalWorld) => world.flush(i), "flush", i),
);
const deliver: fc.Arbitrary<Command> = fc
  .tuple(fc.nat(1_000), fc.boolean())
  .map(([pick, again]) =>
    said((world: CausalWorld) => world.deliver(pick, again), "deliver", pick, again),
  );
const lose: fc.Arbitrary<Command> = fc
  .nat(1_000)
  .map((pick) => said((world: CausalWorld) => world.lose(pick), "lose", pick));
const tick: fc.Arbitrary<Command> = fc.tuple(node, node).map(([i, j]) => {
  const command = (world: CausalWorld): void => {
    world.now += 1_000;
    world.tick(i, j);
  };
  return said(command, "tick", i, j);
});
const cut: fc.Arbitrary<Command> = fc
  .tuple(node, node)
  .map(([i, j]) => said((world: CausalWorld) => world.down(i, j), "down", i, j));
const join: fc.Arbitrary<Command> = fc
  .tuple(node, node)
  .map(([i, j]) => said((world: CausalWorld) => world.up(i, j), "up", i, j));

const history = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: write },
    { weight: 5, arbitrary: remove },
    { weight: 5, arbitrary: flush },
    { weight: 9, arbitrary: deliver },
    { weight: 3, arbitrary: lose },
    { weight: 3, arbitrary: tick },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: join },
  ),
  { minLength: 40, maxLength: 150, size: "max" },
);

function expectTruth(world: CausalWorld): void {
  const { truth } = world;
  world.replicas.forEach(({ state, mirror }, i) => {
    expect(world.view(i)).toEqual(truth);
    for (const k of mirror.keys()) expect(mirror.get(k)).toEqual(world.values(i, k));
    expect(state.digest()).toBe(world.replica(0).state.digest());
  });
}

/**
 * Holes in what is known of writers that have live writes. Those that have none are not compared: a
 * hole in what is known of one hides nothing that lives, and is forgotten with it.
 */
function holesOf(state: CausalWorld["replicas"][number]["state"]): string[] {
  const parts = state.snapshot(0).flatMap((delta) => delta.parts);
  const live = new Set(parts.filter(({ keys }) => keys.length > 0).map(({ of }) => of));
  const through = new Map<string, number>();
  const holes: string[] = [];
  for (const part of parts) {
    const before = through.get(part.of) ?? 0;
    if (live.has(part.of) && part.from !== before + 1) holes.push(`${part.of} ${before + 1}`);
    through.set(part.of, part.through);
  }
  return holes;
}

describe("a causal state", () => {
  test("after faults and quiescence every replica has each write that no removal had seen", () => {
    expectLaw(
      fc.property(history, (commands) => {
        const world = new CausalWorld(NODES);
        world.connect();
        world.drain();
        for (const command of commands) command(world);
        world.quiesce();
        expectTruth(world);
      }),
      40,
    );
  });

  test("a replica that restarts empty gets everything and takes nothing away", () => {
    expectLaw(
      fc.property(history, node, (commands, i) => {
        const world = new CausalWorld(NODES);
        world.connect();
        for (const command of commands) command(world);
        world.quiesce();
        world.restart(i);
        world.quiesce();
        expectTruth(world);
      }),
      40,
    );
  });

  test("at no moment does a replica show what it once removed, or lose what nobody removed", () => {
    expectLaw(
      fc.property(history, (commands) => {
        const world = new CausalWorld(NODES);
        world.connect();
        const gone = world.replicas.map(() => new Set<number>());
        let shown = world.replicas.map(() => new Set<number>());
        for (const command of commands) {
          command(world);
          const alive = new Set([...world.live.values()].flatMap((values) => [...values]));
          shown = world.replicas.map((_, i) => {
            const now = new Set(Object.values(world.view(i)).flat());
            for (const value of shown[i] ?? []) {
              if (now.has(value)) continue;
              expect(alive.has(value)).toBe(false);
              gone[i]?.add(value);
            }
            for (const value of now) expect(gone[i]?.has(value)).toBe(false);
            return now;
          });
        }
      }),
      40,
    );
  });

  test("what is known of who has live writes ends as one range; who is gone is forgotten", () => {
    const tombstoneMs = 1_000_000;
    expectLaw(
      fc.property(history, node, (commands, i) => {
        const world = new CausalWorld(NODES, { tombstoneMs });
        world.connect();
        for (const command of commands) command(world);
        world.quiesce();
        world.restart(i);
        world.quiesce();
        for (const { state } of world.replicas) expect(holesOf(state)).toEqual([]);
        for (const k of ["a", "b", "c", "d", "e", "f"]) world.remove((i + 1) % NODES, k);
        world.quiesce();
        world.now += tombstoneMs;
        world.quiesce();
        world.now += tombstoneMs;
        world.quiesce();
        for (const { state } of world.replicas) {
          expect(state.size).toBe(0);
          expect(state.strands).toBeLessThanOrEqual(NODES);
        }
      }),
      20,
    );
  });
});
