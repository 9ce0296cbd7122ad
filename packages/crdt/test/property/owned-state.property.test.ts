import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { OwnedWorld } from "./owned-world.js";

// A machine that does other things too must not fail a law.
jest.setTimeout(60_000);

const NODES = 4;
const node = fc.nat(NODES - 1);
const key = fc.nat(11).map((n) => `k${n}`);

type Command = (world: OwnedWorld, model: Map<string, number>[]) => void;

const write: fc.Arbitrary<Command> = fc.tuple(node, key, fc.nat(99)).map(([i, k, value]) => {
  return (world, model) => {
    world.set(i, k, value);
    model[i]?.set(k, value);
  };
});
const erase: fc.Arbitrary<Command> = fc.tuple(node, key).map(([i, k]) => (world, model) => {
  world.delete(i, k);
  model[i]?.delete(k);
});
/** Many writes and deletions at once: floors rise while others are not listening. */
const churn: fc.Arbitrary<Command> = fc
  .tuple(node, fc.array(fc.tuple(key, fc.boolean()), { minLength: 5, maxLength: 25, size: "max" }))
  .map(([i, writes]) => (world, model) => {
    writes.forEach(([k, erases], value) => {
      if (erases) world.delete(i, k);
      else world.set(i, k, value);
      if (erases) model[i]?.delete(k);
      else model[i]?.set(k, value);
    });
    world.input(i, { type: "flush" });
  });
const flush: fc.Arbitrary<Command> = node.map((i) => (world) => world.input(i, { type: "flush" }));
const deliver: fc.Arbitrary<Command> = fc.tuple(fc.nat(1_000), fc.boolean()).map(
  ([pick, again]) =>
    (world) =>
      world.deliver(pick, again),
);
const lose: fc.Arbitrary<Command> = fc.nat(1_000).map((pick) => (world) => world.lose(pick));
const tick: fc.Arbitrary<Command> = fc.tuple(node, node).map(([i, j]) => (world) => {
  world.now += 1_000;
  world.tick(i, j);
});
const death: fc.Arbitrary<Command> = fc.tuple(node, node).map(
  ([i, j]) =>
    (w) =>
      w.down(i, j),
);
const birth: fc.Arbitrary<Command> = fc.tuple(node, node).map(
  ([i, j]) =>
    (w) =>
      w.up(i, j),
);
const restart: fc.Arbitrary<Command> = node.map((i) => (world, model) => {
  world.restart(i);
  model[i]?.clear();
});
const reopen: fc.Arbitrary<Command> = node.map((i) => (world, model) => {
  world.reopen(i);
  model[i]?.clear();
});

const history = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: write },
    { weight: 4, arbitrary: erase },
    { weight: 3, arbitrary: churn },
    { weight: 5, arbitrary: flush },
    { weight: 8, arbitrary: deliver },
    { weight: 3, arbitrary: lose },
    { weight: 2, arbitrary: tick },
    { weight: 1, arbitrary: death },
    { weight: 2, arbitrary: birth },
    { weight: 1, arbitrary: restart },
    { weight: 1, arbitrary: reopen },
  ),
  // Long ones: the faults that matter need a reader that has something and misses a lot.
  { minLength: 40, maxLength: 150, size: "max" },
);

function expected(model: readonly ReadonlyMap<string, number>[]) {
  const view: Record<string, Record<string, number>> = {};
  model.forEach((entries, i) => {
    for (const [k, value] of entries) {
      (view[k] ??= {})[String(i).padStart(32, "0")] = value;
    }
  });
  return view;
}

describe("owner-sharded state", () => {
  test("after faults and quiescence every replica reads exactly what the live owners wrote last", () => {
    fc.assert(
      fc.property(history, (commands) => {
        const world = new OwnedWorld(NODES);
        const model = world.nodes.map(() => new Map<string, number>());
        for (const command of commands) command(world, model);
        world.quiesce();
        for (let i = 0; i < NODES; i += 1) {
          expect(world.view(i)).toEqual(expected(model));
          expect(new Map([...world.node(i).mirror].sort())).toEqual(mirrorOf(world.view(i)));
        }
      }),
      { numRuns: 120 },
    );
  });

  test("during faults what a reader sees of an owner never goes back", () => {
    fc.assert(
      fc.property(history, (commands) => {
        const world = new OwnedWorld(NODES);
        const seen = world.nodes.map(() => new Map<string, number>());
        const model = world.nodes.map(() => new Map<string, number>());
        for (const command of commands) {
          command(world, model);
          checkMonotone(world, seen);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a message that comes twice changes nothing the second time", () => {
    fc.assert(
      fc.property(history, (commands) => {
        const world = new OwnedWorld(NODES);
        const model = world.nodes.map(() => new Map<string, number>());
        for (const command of commands) command(world, model);
        for (let left = 2_000; world.packets.length > 0 && left > 0; left -= 1) {
          const to = world.packets[0]?.to ?? 0;
          world.deliver(0, true);
          const after = world.view(to);
          world.deliver(0);
          expect(world.view(to)).toEqual(after);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("merging the deltas of one shard in any order gives the same shard", () => {
    const writes = fc.array(fc.tuple(key, fc.option(fc.nat(99))), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(writes, fc.infiniteStream(fc.nat(1_000)), (list, picks) => {
        const world = new OwnedWorld(3);
        world.drain();
        for (const [k, value] of list) {
          if (value === null) world.delete(0, k);
          else world.set(0, k, value);
          world.input(0, { type: "flush" });
        }
        for (const pick of picks) {
          if (world.packets.length === 0) break;
          world.deliver(pick);
        }
        world.quiesce();
        expect(world.view(1)).toEqual(world.view(0));
        expect(world.view(2)).toEqual(world.view(0));
      }),
      { numRuns: 50 },
    );
  });
});

function mirrorOf(view: Record<string, Record<string, number>>): Map<string, number> {
  const pairs: [string, number][] = [];
  for (const [k, owners] of Object.entries(view)) {
    for (const [owner, value] of Object.entries(owners)) pairs.push([`${owner} ${k}`, value]);
  }
  return new Map(pairs.sort());
}

/** For one (reader's store, owner boot) the sequence of what is read of a key never goes back. */
function checkMonotone(world: OwnedWorld, seen: Map<string, number>[]): void {
  world.nodes.forEach((reader, i) => {
    for (const k of reader.state.claims.keys()) {
      for (const entry of reader.state.claims.get(k)) {
        const at = `${reader.opened} ${entry.boot} ${k}`;
        expect(entry.sequence).toBeGreaterThanOrEqual(seen[i]?.get(at) ?? 0);
        seen[i]?.set(at, entry.sequence);
      }
    }
  });
}
