import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { MAP_LIMITS } from "../../src/limits.js";
import type { WireItem } from "../../src/protocol/versioned/messages.js";
import { VersionedState } from "../../src/protocol/versioned/versioned-state.js";
import { compareStamps, KEYS, MapWorld, type Stamp } from "./map-world.js";

// A machine that does other things too must not fail a law.
jest.setTimeout(60_000);

const NODES = 4;
const node = fc.nat(NODES - 1);
const key = fc.constantFrom(...KEYS);

/** What every replica must end with: the greatest write of each key that some replica still has. */
type Model = Map<string, { stamp: Stamp; value: number | undefined }>;
type Command = (world: MapWorld, model: Model) => void;

function record(model: Model, k: string, stamp: Stamp, value: number | undefined): void {
  const known = model.get(k);
  if (known === undefined || compareStamps(stamp, known.stamp) > 0) model.set(k, { stamp, value });
}

const write: fc.Arbitrary<Command> = fc.tuple(node, key, fc.nat(99)).map(([i, k, value]) => {
  return (world, model) => {
    const stamp = world.stamp(i);
    world.set(i, k, value, stamp);
    record(model, k, stamp, value);
  };
});
const erase: fc.Arbitrary<Command> = fc.tuple(node, key).map(([i, k]) => (world, model) => {
  const stamp = world.stamp(i);
  if (world.replica(i).state.get(k) === undefined) return;
  world.delete(i, k, stamp);
  record(model, k, stamp, undefined);
});
const flush: fc.Arbitrary<Command> = node.map((i) => (world) => world.flush(i));
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
const cut: fc.Arbitrary<Command> = fc.tuple(node, node).map(
  ([i, j]) =>
    (w) =>
      w.down(i, j),
);
const join: fc.Arbitrary<Command> = fc.tuple(node, node).map(
  ([i, j]) =>
    (w) =>
      w.up(i, j),
);

const history = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: write },
    { weight: 4, arbitrary: erase },
    { weight: 4, arbitrary: flush },
    { weight: 8, arbitrary: deliver },
    { weight: 3, arbitrary: lose },
    { weight: 3, arbitrary: tick },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: join },
  ),
  { minLength: 40, maxLength: 150, size: "max" },
);

/** Short enough that tombstones end while a history runs. */
const TOMBSTONE_MS = 8_000;

const mortal = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 6, arbitrary: erase },
  { weight: 4, arbitrary: flush },
  { weight: 8, arbitrary: deliver },
  { weight: 3, arbitrary: lose },
  { weight: 8, arbitrary: tick },
  { weight: 1, arbitrary: cut },
  { weight: 1, arbitrary: join },
);

const live = (model: Model) =>
  Object.fromEntries(
    [...model].flatMap(([k, { value }]) => (value === undefined ? [] : [[k, value] as const])),
  );

describe("a multi-writer map", () => {
  test("after faults and quiescence every replica has the greatest write of every key", () => {
    fc.assert(
      fc.property(history, (commands) => {
        const world = new MapWorld(NODES);
        world.connect();
        world.drain();
        const model: Model = new Map();
        for (const command of commands) command(world, model);
        world.quiesce();
        for (let i = 0; i < NODES; i += 1) {
          expect(world.view(i)).toEqual(live(model));
          expect(Object.fromEntries(world.replica(i).mirror)).toEqual(live(model));
          expect(world.replica(i).state.digest()).toBe(world.replica(0).state.digest());
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a replica that restarts empty gets everything and takes nothing away", () => {
    fc.assert(
      fc.property(history, node, (commands, i) => {
        const world = new MapWorld(NODES);
        world.connect();
        const model: Model = new Map();
        for (const command of commands) command(world, model);
        world.quiesce();
        world.restart(i);
        world.quiesce();
        for (let j = 0; j < NODES; j += 1) expect(world.view(j)).toEqual(live(model));
      }),
      { numRuns: 60 },
    );
  });

  test("tombstones are forgotten in the end, and nothing deleted comes back for it", () => {
    fc.assert(
      fc.property(fc.array(mortal, { minLength: 40, maxLength: 150, size: "max" }), (commands) => {
        const world = new MapWorld(NODES, { tombstoneMs: TOMBSTONE_MS });
        world.connect();
        world.drain();
        const model: Model = new Map();
        let metMs = 0;
        for (const command of commands) {
          command(world, model);
          // What the promise leaves out: bytes, absences and silence that are older than a tombstone.
          if (world.now - metMs < TOMBSTONE_MS / 2) continue;
          metMs = world.now;
          world.meet();
        }
        world.meet();
        world.quiesce();
        for (let i = 0; i < NODES; i += 1) expect(world.view(i)).toEqual(live(model));
        world.now += 2 * TOMBSTONE_MS;
        world.quiesce();
        for (let i = 0; i < NODES; i += 1) {
          expect(world.view(i)).toEqual(live(model));
          expect(world.replica(i).state.tombstones).toBe(0);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("a key's stamp never goes back, on any replica, at any moment", () => {
    fc.assert(
      fc.property(history, (commands) => {
        const world = new MapWorld(NODES);
        world.connect();
        const model: Model = new Map();
        const seen = world.replicas.map(() => new Map<string, Stamp>());
        for (const command of commands) {
          command(world, model);
          world.replicas.forEach(({ state }, i) => {
            for (const k of KEYS) {
              const before = seen[i]?.get(k);
              const stamp = state.stampOf(k);
              if (before === undefined && stamp === undefined) continue;
              expect(compareStamps(stamp ?? [0, 0], before ?? [0, 0])).toBeGreaterThanOrEqual(0);
              seen[i]?.set(k, stamp ?? [0, 0]);
            }
          });
        }
      }),
      { numRuns: 20 },
    );
  });

  test("merging is commutative, associative and idempotent, also where stamps tie", () => {
    const item: fc.Arbitrary<WireItem<number, Stamp>> = fc.oneof(
      fc.tuple(key, fc.tuple(fc.nat(3), fc.nat(2)), fc.constant(0 as const), fc.nat(5)),
      fc.tuple(key, fc.tuple(fc.nat(3), fc.nat(2)), fc.constant(1 as const), fc.nat(5)),
    );
    const parts = fc.array(fc.array(item, { maxLength: 6 }), { maxLength: 6 });
    const joined = (deltas: readonly (readonly WireItem<number, Stamp>[])[]) => {
      const state = new VersionedState<number, Stamp>({
        self: "0".repeat(32) as never,
        limits: MAP_LIMITS,
        tombstoneMs: 1_000,
        compare: compareStamps,
      });
      for (const items of deltas) {
        const message = { type: "delta" as const, items };
        state.handle({ type: "message", from: "1".repeat(32) as never, message }, 0);
      }
      const values = [...state.live()].map(({ key: k, stamp, value }) => [k, stamp, value]);
      return { digest: state.digest(), values: values.sort() };
    };
    fc.assert(
      fc.property(parts, fc.infiniteStream(fc.nat()), (deltas, picks) => {
        const once = joined(deltas);
        const shuffled = deltas.map((delta) => ({ delta, at: picks.next().value as number }));
        shuffled.sort((a, b) => a.at - b.at);
        expect(joined(shuffled.map(({ delta }) => delta))).toEqual(once);
        expect(joined([deltas.flat()])).toEqual(once);
        expect(joined([...deltas, ...deltas])).toEqual(once);
      }),
      { numRuns: 300 },
    );
  });
});
