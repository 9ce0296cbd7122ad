import { describe, expect, test } from "@jest/globals";
import { createReplicatedMap, createVersionedMap, type ReplicatedMap } from "../../../src/index.js";
import { worldOf } from "./cluster.js";

function mapsOf(nodes: number, detectionMs = 0) {
  const world = worldOf(nodes, detectionMs);
  const open = (i: number) =>
    createReplicatedMap<number>({ name: "m", ...world.portsOf(world.cluster.node(i)) });
  const maps = world.cluster.nodes.map((_, i) => open(i));
  return { ...world, open, map: (i: number) => maps[i] as ReplicatedMap<number> };
}

const view = (map: ReplicatedMap<number>) => Object.fromEntries([...map.entries()].sort());

describe("a replicated map", () => {
  test("shows the last write of every key on every node", async () => {
    const { clock, map } = mapsOf(3);
    map(0).set("a", 1);
    await clock.advance(10);
    map(1).set("a", 2);
    map(2).set("b", 3);
    await clock.advance(10);
    for (let i = 0; i < 3; i += 1) expect(view(map(i))).toEqual({ a: 2, b: 3 });
    expect(map(0).delete("a")).toBe(true);
    expect(map(0).delete("a")).toBe(false);
    await clock.advance(10);
    expect([map(2).has("a"), map(2).size, [...map(2).keys()]]).toEqual([false, 1, ["b"]]);
  });

  test("a write made after reading another wins, though its wall clock is an hour behind", async () => {
    const { clock, cluster, portsOf } = worldOf(2);
    const behind = portsOf(cluster.node(1));
    const slow = {
      now: () => clock.now(),
      wallNow: () => clock.wallNow() - 3_600_000,
      setTimer: (delayMs: number, fn: () => void) => clock.setTimer(delayMs, fn),
      sleep: (delayMs: number) => clock.sleep(delayMs),
      endOfTurn: (fn: () => void) => clock.endOfTurn(fn),
    };
    const a = createReplicatedMap<string>({ name: "m", ...portsOf(cluster.node(0)) });
    const runtime = { ...behind.runtime, clock: slow };
    const b = createReplicatedMap<string>({ name: "m", ...behind, runtime });
    a.set("k", "first");
    await clock.advance(10);
    expect(b.get("k")).toBe("first");
    b.set("k", "second");
    await clock.advance(10);
    expect([a.get("k"), b.get("k")]).toEqual(["second", "second"]);
  });

  test("a write is never taken for one of an earlier start whose wall clock was ahead", async () => {
    const { clock, cluster, portsOf } = worldOf(3);
    const open = (i: number) =>
      createReplicatedMap<string>({ name: "m", ...portsOf(cluster.node(i)) });
    const [first, cutOff, other] = [open(0), open(1), open(2)];
    await clock.advance(10);
    const setAtMs = clock.now();
    first.set("k", "before");
    await clock.advance(10);
    // One keeps the write of the earlier start and hears nothing of the later one for a while.
    cluster.partition([1]);
    cluster.restart(0);
    clock.skewWall(setAtMs - clock.now());
    const again = open(0);
    again.set("k", "after");
    await clock.advance(10);
    cluster.heal();
    await clock.advance(60_000);
    expect([again, cutOff, other].map((map) => map.get("k"))).toEqual(Array(3).fill("after"));
  });

  test("a write is never taken for an earlier one by a map that is closed and opened in one turn", async () => {
    const { clock, cluster, portsOf } = worldOf(2);
    const open = (i: number) =>
      createReplicatedMap<string>({ name: "m", ...portsOf(cluster.node(i)) });
    const [first, other] = [open(0), open(1)];
    await clock.advance(10);
    first.set("k", "before");
    await clock.advance(0);
    await first.close();
    const again = open(0);
    again.set("k", "after");
    await clock.advance(60_000);
    expect([again, other].map((map) => map.get("k"))).toEqual(["after", "after"]);
  });

  test("later writes win over those of a clock that was an hour ahead, once they were seen", async () => {
    const { clock, cluster, portsOf } = worldOf(3);
    const ports = portsOf(cluster.node(0));
    let aheadMs = 3_600_000;
    const fast = {
      now: () => clock.now(),
      wallNow: () => clock.wallNow() + aheadMs,
      setTimer: (delayMs: number, fn: () => void) => clock.setTimer(delayMs, fn),
      sleep: (delayMs: number) => clock.sleep(delayMs),
      endOfTurn: (fn: () => void) => clock.endOfTurn(fn),
    };
    const runtime = { ...ports.runtime, clock: fast };
    const a = createReplicatedMap<string>({ name: "m", ...ports, runtime });
    const [b, c] = [1, 2].map((i) =>
      createReplicatedMap<string>({ name: "m", ...portsOf(cluster.node(i)) }),
    ) as [typeof a, typeof a];
    a.set("k", "from the future");
    a.set("other", "from the future");
    await clock.advance(10);
    aheadMs = 0;
    b.set("k", "corrected");
    await clock.advance(10);
    expect([a, b, c].map((map) => map.get("k"))).toEqual(Array(3).fill("corrected"));
    // Also its own next write, of a start that has forgotten: as soon as it has the map again.
    cluster.restart(0);
    const again = createReplicatedMap<string>({ name: "m", ...portsOf(cluster.node(0)) });
    await clock.advance(15_000);
    again.set("other", "mine");
    await clock.advance(10);
    expect([again, b, c].map((map) => map.get("other"))).toEqual(Array(3).fill("mine"));
  });

  test("a map opened later, and one that was cut off, get everything and lose nothing", async () => {
    const { clock, cluster, portsOf, map } = mapsOf(3, 50);
    for (let n = 0; n < 2_500; n += 1) map(0).set(`k${n}`, n);
    await clock.advance(1_000);
    expect(map(2).size).toBe(2_500);
    cluster.partition([2]);
    await clock.advance(100);
    map(0).delete("k0");
    map(2).set("k1", -1);
    map(2).set("mine", 1);
    await clock.advance(100);
    cluster.heal();
    await clock.advance(30_000);
    const late = createReplicatedMap<number>({ name: "m", ...portsOf(cluster.add()) });
    await clock.advance(30_000);
    for (const each of [map(0), map(1), map(2), late]) {
      expect([each.size, each.has("k0"), each.get("k1"), each.get("mine")]).toEqual([
        2_500,
        false,
        -1,
        1,
      ]);
    }
  });

  test("streams changes until the signal fires, and ends with the map", async () => {
    const { clock, map } = mapsOf(2);
    const abort = new AbortController();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const change of map(1).changes({ signal: abort.signal })) {
        seen.push(`${change.type} ${change.key} ${change.local}`);
      }
    })();
    const other = map(1).changes();
    map(0).set("a", 1);
    await clock.advance(10);
    map(1).delete("a");
    await clock.advance(10);
    abort.abort();
    await reading;
    expect(seen).toEqual(["set a false", "delete a true"]);
    await map(1).close();
    expect((await other.next()).value).toMatchObject({ type: "set", key: "a" });
    expect((await other.next()).value).toMatchObject({ type: "delete", key: "a" });
    expect((await other.next()).done).toBe(true);
  });

  test("update writes everything or nothing", async () => {
    const { clock, map } = mapsOf(2);
    map(0).update((batch) => {
      batch.set("a", 1);
      batch.set("b", (batch.get("a") ?? 0) + 1);
      batch.delete("a");
    });
    expect(() =>
      map(0).update((batch) => {
        batch.set("c", 3);
        batch.set("d", (() => 4) as never);
      }),
    ).toThrow(expect.objectContaining({ code: "ERR_NOT_ENCODABLE" }));
    await clock.advance(10);
    expect(view(map(1))).toEqual({ b: 2 });
  });

  test("refuses use after close, and a full map", async () => {
    const { cluster, portsOf } = worldOf(1);
    const limits = { entriesMax: 1 };
    const map = createReplicatedMap<number>({ name: "x", limits, ...portsOf(cluster.node(0)) });
    map.set("a", 1);
    map.set("a", 2);
    const full = expect.objectContaining({ code: "ERR_STORE_FULL" });
    expect(() => map.set("b", 1)).toThrow(full);
    expect(() => map.update((batch) => batch.set("b", 1))).toThrow(full);
    await map.close();
    await map.close();
    expect(() => map.set("a", 3)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    expect(() => map.changes()).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
  });
});

describe("a versioned map", () => {
  test("keeps the greatest stamp, says so, and never revives a deleted key", async () => {
    const { clock, cluster, portsOf } = worldOf(3);
    const [a, b, c] = [0, 1, 2].map((i) =>
      createVersionedMap<string, number>({
        name: "specs",
        compare: (x, y) => x - y,
        isStamp: (value): value is number => Number.isSafeInteger(value),
        ...portsOf(cluster.node(i)),
      }),
    );
    if (!a || !b || !c) throw new Error("three maps");
    expect(a.set("p", "one", 5)).toBe(true);
    expect(a.set("p", "older", 4)).toBe(false);
    await clock.advance(10);
    expect(b.delete("p", 4)).toBe(false);
    expect(b.delete("p", 6)).toBe(true);
    await clock.advance(10);
    expect(c.set("p", "late", 5)).toBe(false);
    await clock.advance(30_000);
    for (const map of [a, b, c]) expect([map.size, map.stampOf("p")]).toEqual([0, 6]);
  });

  test("a stamp that is none is refused with its message", async () => {
    const { clock, cluster, portsOf } = worldOf(2);
    const map = createVersionedMap<string, number>({
      name: "specs",
      compare: (x, y) => x - y,
      isStamp: (value): value is number => Number.isSafeInteger(value),
      ...portsOf(cluster.node(1)),
    });
    const route = { to: cluster.node(1).id, channel: "state", subject: "crdt.versioned.specs" };
    const items = [["k", "soon", 0, "value"]];
    cluster.node(0).messenger.trySend(route, { type: "delta", items });
    await clock.advance(10);
    expect(map.size).toBe(0);
    expect(() => map.set("k", "value", 1.5)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});
