import { describe, expect, test } from "@jest/globals";
import { MAP_LIMITS } from "../../../src/limits.js";
import { MapWorld, TINY_MAP } from "../../property/map-world.js";

const DAY = 86_400_000;

function full(world: MapWorld, i: number, count: number): void {
  for (let n = 0; n < count; n += 1) world.set(i, `key:${n}`, n);
}

describe("a multi-writer map", () => {
  test("delta_crdt's case: 2,000 keys meet an empty replica and none is lost on either side", () => {
    const world = new MapWorld(2, { limits: { ...MAP_LIMITS, deltaEntriesMax: 200 } });
    full(world, 0, 2_000);
    world.connect();
    world.drain();
    expect(world.replica(0).state.size).toBe(2_000);
    expect(world.replica(1).state.size).toBe(2_000);
  });

  test("delta_crdt's case, cut off after every few messages, is only late", () => {
    const world = new MapWorld(2, { limits: { ...MAP_LIMITS, deltaEntriesMax: 200 } });
    full(world, 0, 2_000);
    world.connect();
    let cuts = 0;
    for (; world.replica(1).state.size < 2_000 && cuts < 100; cuts += 1) {
      for (let step = 0; step < 7; step += 1) world.deliver(0);
      world.packets = [];
      expect(world.replica(0).state.size).toBe(2_000);
      world.now += 10_000;
      world.tick(1, 0);
    }
    world.drain();
    expect(cuts).toBeGreaterThan(1);
    expect(world.view(1)).toEqual(world.view(0));
  });

  test("5,000 puts as fast as possible, then broadcast, all arrive", () => {
    const world = new MapWorld(3, { limits: MAP_LIMITS });
    world.connect();
    world.drain();
    full(world, 0, 5_000);
    world.flush(0);
    world.drain();
    for (let i = 0; i < 3; i += 1) expect(world.replica(i).state.size).toBe(5_000);
  });

  test("a node that joins ten others is sent everything about once, not ten times", () => {
    const world = new MapWorld(11, { limits: MAP_LIMITS });
    full(world, 0, 1_000);
    for (let i = 0; i < 10; i += 1) for (let j = 0; j < 10; j += 1) world.up(i, j);
    world.quiesce();
    world.restart(10);
    let items = 0;
    world.connect();
    while (world.packets.length > 0) {
      const packet = world.packets[0];
      if (packet?.to === 10 && packet.message.type === "delta")
        items += packet.message.items.length;
      world.deliver(0);
    }
    expect(world.replica(10).state.size).toBe(1_000);
    expect(items).toBeLessThanOrEqual(2_000);
  });

  test("who was put off and agrees by now does not keep those behind it waiting", () => {
    const world = new MapWorld(4, { limits: MAP_LIMITS });
    full(world, 1, 10);
    for (const [key, { value, stamp }] of world.items(1)) world.set(2, key, value, stamp);
    world.set(3, "only here", 3);
    for (const i of [1, 2, 3]) {
      world.up(0, i);
      world.up(i, 0);
    }
    world.drain();
    expect(world.replica(0).state.size).toBe(11);
  });

  test("peers that fall silent keep those behind them waiting for the next tick and no longer", () => {
    const world = new MapWorld(7, { limits: MAP_LIMITS });
    for (let i = 0; i < 7; i += 1) world.set(i, `of ${i}`, i);
    for (let i = 1; i < 7; i += 1) {
      world.up(0, i);
      world.up(i, 0);
    }
    // All ask; the first three are not heard again.
    const hear = () => {
      while (world.packets.length > 0) {
        const [{ from, message } = { from: 0, message: undefined }] = world.packets;
        if (from >= 1 && from <= 3 && message?.type !== "root") world.lose(0);
        else world.deliver(0);
      }
    };
    hear();
    expect(world.replica(0).state.size).toBe(1);
    world.now += 10_000;
    world.tick(0, 1);
    hear();
    for (let i = 4; i < 7; i += 1) expect(world.view(0)).toHaveProperty([`of ${i}`]);
  });

  test("what is written while two compare keeps nobody behind them waiting", () => {
    const world = new MapWorld(3, { limits: MAP_LIMITS });
    full(world, 0, 10);
    world.set(1, "of 1", 1);
    world.up(0, 1);
    world.up(1, 0);
    // Until the root is asked about for which the other side agrees; then it is another one.
    const isAgreed = () => world.packets.some(({ message }) => message.type === "agree");
    while (world.packets.length > 0 && !isAgreed()) world.deliver(0);
    expect(isAgreed()).toBe(true);
    for (const i of [0, 1]) world.set(i, "meanwhile", i);
    world.drain();
    world.up(0, 2);
    world.up(2, 0);
    world.drain();
    expect(world.replica(2).state.size).toBe(12);
  });

  test("replicas that agree exchange one digest and one answer", () => {
    const world = new MapWorld(2);
    full(world, 0, 50);
    world.quiesce();
    world.delivered = 0;
    world.tick(0, 1);
    world.drain();
    expect(world.delivered).toBe(2);
  });

  test("replicas that hold nothing say nothing: not when they meet, nor later", () => {
    const world = new MapWorld(4);
    world.connect();
    for (let i = 0; i < 4; i += 1) world.tick(i, (i + 1) % 4);
    world.drain();
    expect(world.delivered).toBe(0);
  });

  test("a replica that was silent speaks to whom it has its first write from", () => {
    const world = new MapWorld(2);
    world.connect();
    world.set(0, "a", 1);
    world.input(0, { type: "flush" });
    world.drain();
    // The write, the digest of whoever has it now, and the answer that it is the same.
    expect(world.delivered).toBe(3);
  });

  test("a deletion beats the older write a partitioned replica still has", () => {
    const world = new MapWorld(3);
    world.connect();
    world.set(0, "a", 1);
    world.quiesce();
    world.down(0, 2);
    world.down(1, 2);
    world.down(2, 0);
    world.down(2, 1);
    world.delete(0, "a");
    world.quiesce();
    for (let i = 0; i < 3; i += 1) expect(world.view(i)).toEqual({});
  });

  test("a tombstone is dropped when it is old and everybody was seen to have it", () => {
    const world = new MapWorld(2, { tombstoneMs: DAY });
    world.connect();
    world.set(0, "a", 1);
    world.delete(0, "a");
    world.quiesce();
    world.now += DAY - 200_000;
    world.tick(0, 1);
    world.drain();
    expect(world.replica(0).state.tombstones).toBe(1);
    world.now += 200_000;
    for (const [i, j] of [
      [0, 1],
      [1, 0],
    ] as const) {
      world.tick(i, j);
      world.drain();
    }
    expect(world.replicas.map(({ state }) => state.tombstones)).toEqual([0, 0]);
    expect(world.replica(0).state.digest()).toBe(world.replica(1).state.digest());
  });

  test("a tombstone outlives its age while a member has not confirmed it, and still wins", () => {
    const world = new MapWorld(2, { tombstoneMs: DAY });
    world.connect();
    world.set(0, "a", 1);
    world.quiesce();
    world.delete(0, "a");
    world.flush(0);
    world.packets = [];
    world.now += 2 * DAY;
    world.tick(0, 0);
    expect(world.replica(0).state.tombstones).toBe(1);
    world.tick(1, 0);
    world.drain();
    world.tick(0, 1);
    world.drain();
    expect(world.view(0)).toEqual({});
    expect(world.view(1)).toEqual({});
  });

  test("a tombstone of the very moment of an agreement may be younger than that, and is kept", () => {
    const world = new MapWorld(2, { tombstoneMs: DAY });
    world.connect();
    world.set(0, "a", 1);
    world.quiesce();
    world.tick(0, 1);
    world.drain();
    world.delete(0, "a");
    world.flush(0);
    world.packets = [];
    world.now += 2 * DAY;
    world.tick(0, 0);
    expect(world.replica(0).state.tombstones).toBe(1);
    world.tick(0, 1);
    world.drain();
    expect([world.view(0), world.view(1)]).toEqual([{}, {}]);
  });

  test("a tombstone waits for a member that is down, until that one is forgotten", () => {
    const world = new MapWorld(2, { tombstoneMs: DAY });
    world.connect();
    world.set(0, "a", 1);
    world.quiesce();
    world.now += DAY / 2;
    world.down(0, 1);
    world.delete(0, "a");
    const deletedAt = world.now;
    world.now = deletedAt + DAY - 1;
    world.tick(0, 0);
    expect(world.replica(0).state.tombstones).toBe(1);
    world.now = deletedAt + DAY;
    world.tick(0, 0);
    expect(world.replica(0).state.tombstones).toBe(0);
  });

  test("the oldest tombstones go when there are too many", () => {
    const world = new MapWorld(1, { limits: { ...TINY_MAP, tombstonesMax: 3 } });
    full(world, 0, 5);
    for (let n = 0; n < 3; n += 1) world.delete(0, `key:${n}`);
    expect(() => world.delete(0, "key:3")).toThrow("tombstones-dropped");
    expect(world.replica(0).state.tombstones).toBe(3);
  });

  test("two values under one stamp end as the same value everywhere", () => {
    const world = new MapWorld(2);
    world.set(0, "a", 1, [5, 0]);
    world.set(1, "a", 2, [5, 0]);
    world.quiesce();
    expect(world.view(0)).toEqual(world.view(1));
  });
});
