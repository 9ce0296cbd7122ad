import { describe, expect, test } from "@jest/globals";
import { createOwnedStore, type OwnedChange, type OwnedStore } from "../../../src/index.js";
import { worldOf } from "./cluster.js";

function storesOf(nodes: number, detectionMs = 0) {
  const world = worldOf(nodes, detectionMs);
  const open = (i: number): OwnedStore<number> => {
    return createOwnedStore<number>({ name: "t", ...world.portsOf(world.cluster.node(i)) });
  };
  const stores = world.cluster.nodes.map((_, i) => open(i));
  return { ...world, open, stores, store: (i: number) => stores[i] as OwnedStore<number> };
}

const values = (store: OwnedStore<number>) =>
  [...store.entries()]
    .flatMap(([key, claims]) => claims.map(({ value }) => `${key}=${value}`))
    .sort();

describe("an owned store", () => {
  test("shows every node what any node has set, and who said it", async () => {
    const { clock, cluster, store } = storesOf(3);
    store(0).set("a", 1);
    store(1).set("a", 2);
    store(2).set("b", 3);
    await clock.advance(10);
    for (let i = 0; i < 3; i += 1) expect(values(store(i))).toEqual(["a=1", "a=2", "b=3"]);
    const owners = store(2)
      .get("a")
      .map(({ owner }) => owner);
    expect(new Set(owners)).toEqual(new Set([cluster.node(0).id, cluster.node(1).id]));
    expect(store(0).own("a")?.value).toBe(1);
  });

  test("sends all writes of one turn in one broadcast", async () => {
    const { clock, cluster, store } = storesOf(3);
    await clock.advance(10);
    for (let n = 0; n < 500; n += 1) store(0).set(`k${n}`, n);
    await clock.advance(10);
    expect(cluster.sent.get("broadcast:crdt.owned.t.all")).toBe(2);
    expect(store(2).size).toBe(500);
  });

  test("keeps of every value what it was told to keep, its own and the others', and passes that on", async () => {
    const world = worldOf(3);
    const stores = world.cluster.nodes.map((node) =>
      createOwnedStore<{ readonly n: number } | null>({
        name: "kept",
        ...world.portsOf(node),
        keep: (key, value) => (key === "bad" ? null : { n: (value as { readonly n: number }).n }),
      }),
    );
    const [first, second, third] = stores;
    const wordy = { n: 1, more: "left out" } as { readonly n: number };
    first?.set("a", wordy);
    first?.set("bad", wordy);
    await world.clock.advance(10);
    for (const store of [first, second, third]) {
      expect(store?.get("a").map(({ value }) => value)).toEqual([{ n: 1 }]);
      expect(store?.get("bad").map(({ value }) => value)).toEqual([null]);
      expect([...(store?.keys() ?? [])].sort()).toEqual(["a", "bad"]);
    }
    first?.delete("a");
    await world.clock.advance(10);
    expect([...(second?.keys() ?? [])]).toEqual(["bad"]);
  });

  test("tells others a value in full that each keeps as what only it understands", async () => {
    const world = worldOf(2);
    const [first, second] = world.cluster.nodes.map((node, at) =>
      createOwnedStore<unknown>({
        name: "told",
        ...world.portsOf(node),
        keep: (_key, value) => (value as { readonly n: number }).n * 10 ** at,
        tell: (_key, kept) => ({ n: (kept as number) / 10 ** at }),
      }),
    );
    first?.set("a", { n: 3 });
    second?.set("b", { n: 5 });
    await world.clock.advance(10);
    const values = (key: string) => [first, second].map((store) => store?.get(key)[0]?.value);
    expect(values("a")).toEqual([3, 30]);
    expect(values("b")).toEqual([5, 50]);
  });

  test("gives a claim by itself only where it is the only one", async () => {
    const { clock, store } = storesOf(2);
    store(0).set("a", 1);
    store(0).set("both", 1);
    store(1).set("both", 2);
    await clock.advance(10);
    expect(store(1).sole("a")).toMatchObject({ value: 1, sequence: 1 });
    expect(store(1).sole("both")).toBeNull();
    expect(store(1).sole("none")).toBeUndefined();
    store(0).delete("both");
    await clock.advance(10);
    expect(store(1).sole("both")).toMatchObject({ value: 2 });
  });

  test("tells listeners of every change in order, also of what a listener itself writes", async () => {
    const { clock, store } = storesOf(2);
    const seen: string[] = [];
    const note = (change: OwnedChange<number>) => seen.push(`${change.type} ${change.key}`);
    store(0).subscribe((change) => {
      if (change.key === "a" && change.type === "added") store(0).set("b", 2);
    });
    const end = store(0).subscribe(note);
    store(0).set("a", 1);
    store(0).set("a", 2);
    store(0).delete("a");
    expect(store(0).delete("a")).toBe(false);
    await clock.advance(10);
    expect(seen).toEqual(["added a", "added b", "changed a", "removed a"]);
    end();
    store(1).set("c", 1);
    await clock.advance(10);
    expect(seen).toHaveLength(4);
  });

  test("a listener that throws harms neither the store nor other listeners", async () => {
    const { clock, store } = storesOf(2);
    let calls = 0;
    store(1).subscribe(() => {
      throw new Error("mine");
    });
    store(1).subscribe(() => (calls += 1));
    store(0).set("a", 1);
    await clock.advance(10);
    expect([calls, values(store(1))]).toEqual([1, ["a=1"]]);
  });

  test("a store opened later gets everything, without waiting for anti-entropy", async () => {
    const { clock, cluster, portsOf, store } = storesOf(3);
    store(0).set("a", 1);
    store(1).set("b", 2);
    await clock.advance(100);
    const node = cluster.add();
    await clock.advance(100);
    const late = createOwnedStore<number>({ name: "t", ...portsOf(node) });
    await clock.advance(10);
    expect(values(late)).toEqual(["a=1", "b=2"]);
    expect(late.knows(cluster.node(2).id)).toBe(true);
  });

  test("hides a dead node's entries at once, and a restarted one begins anew", async () => {
    const { clock, cluster, open, store } = storesOf(3);
    store(0).set("a", 1);
    await clock.advance(10);
    cluster.down(0);
    await clock.advance(10);
    expect(values(store(1))).toEqual([]);
    cluster.restart(0);
    const again = open(0);
    again.set("b", 2);
    await clock.advance(10);
    expect(values(store(1))).toEqual(["b=2"]);
    expect(values(again)).toEqual(["b=2"]);
  });

  test("both sides of a partition go on, and agree after it heals", async () => {
    const { clock, cluster, store } = storesOf(4, 50);
    for (let i = 0; i < 4; i += 1) store(i).set("who", i);
    await clock.advance(100);
    cluster.partition([0, 1]);
    await clock.advance(100);
    expect(values(store(0))).toEqual(["who=0", "who=1"]);
    store(0).set("who", 10);
    store(3).delete("who");
    store(3).set("new", 13);
    await clock.advance(100);
    cluster.heal();
    await clock.advance(100);
    for (let i = 0; i < 4; i += 1) {
      expect(values(store(i))).toEqual(["new=13", "who=1", "who=10", "who=2"]);
    }
  });

  test("a closed store's entries go everywhere at once, however many they were", async () => {
    const { clock, store } = storesOf(3);
    for (let n = 0; n < 6_000; n += 1) store(0).set(`k${n}`, n);
    store(1).set("k1", -1);
    await clock.advance(1_000);
    expect(store(2).size).toBe(6_000);
    await store(0).close();
    await clock.advance(10);
    for (const i of [1, 2]) expect(store(i).size).toBe(1);
    for (const i of [1, 2]) expect(values(store(i))).toEqual(["k1=-1"]);
  });

  test("a store that is closed and opened again says the new, and nothing of the old", async () => {
    const { clock, cluster, open, store } = storesOf(3);
    for (const key of ["a", "b", "c"]) store(0).set(key, 1);
    await clock.advance(10);
    cluster.partition([2]);
    await clock.advance(10);
    await store(0).close();
    await clock.advance(10);
    const again = open(0);
    again.set("b", 2);
    await clock.advance(10);
    cluster.heal();
    await clock.advance(10);
    for (const i of [1, 2]) expect(values(store(i))).toEqual(["b=2"]);
    await clock.run(again.visible());
    again.set("d", 3);
    await clock.run(again.visible());
    for (const i of [1, 2]) expect(values(store(i))).toEqual(["b=2", "d=3"]);
  });

  test("a member that opened the store only now has not confirmed anything before", async () => {
    const { clock, cluster, portsOf, store } = storesOf(2);
    const late = cluster.add();
    store(0).set("a", 1);
    await clock.run(store(0).visible());
    const opened = createOwnedStore<number>({ name: "t", ...portsOf(late) });
    await clock.run(store(0).visible());
    expect(values(opened)).toEqual(["a=1"]);
  });

  test("visible resolves when every current member has what was written before it", async () => {
    const { clock, store } = storesOf(5);
    store(0).set("a", 1);
    let resolved = false;
    const waiting = store(0)
      .visible()
      .then(() => (resolved = true));
    await clock.advance(0);
    expect(resolved).toBe(false);
    await clock.run(waiting);
    for (let i = 0; i < 5; i += 1) expect(values(store(i))).toEqual(["a=1"]);
  });

  test("visible asks nobody again while nothing was written", async () => {
    const { clock, cluster, store } = storesOf(3);
    store(0).set("a", 1);
    await clock.run(Promise.all([store(0).visible(), store(0).visible()]));
    const probes = cluster.sent.get("crdt.owned.t.visible");
    await clock.run(store(0).visible());
    expect(cluster.sent.get("crdt.owned.t.visible")).toBe(probes);
  });

  test("visible does not wait for a node that has no such store, nor for one that dies", async () => {
    const { clock, cluster, store } = storesOf(3, 50);
    cluster.add();
    await clock.advance(10);
    store(0).set("a", 1);
    cluster.down(2);
    await clock.run(store(0).visible());
    expect(values(store(1))).toEqual(["a=1"]);
  });

  test("visible names who has not confirmed when its time is up", async () => {
    const { clock, cluster, store } = storesOf(3, 60_000);
    await clock.advance(10);
    cluster.partition([2]);
    store(0).set("a", 1);
    await expect(clock.run(store(0).visible({ timeout: "1s" }))).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      message: expect.stringContaining("node-3"),
    });
    expect(clock.now()).toBeLessThan(1_100);
  });

  test("visible ends with the caller's signal and with close", async () => {
    const { clock, cluster, store } = storesOf(2, 60_000);
    await clock.advance(10);
    cluster.partition([1]);
    store(0).set("a", 1);
    const abort = new AbortController();
    const aborted = store(0).visible({ signal: abort.signal });
    const closed = store(0).visible();
    abort.abort();
    await expect(clock.run(aborted)).rejects.toMatchObject({ code: "ERR_ABORTED" });
    await store(0).close();
    await expect(clock.run(closed)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("close takes its entries back, is idempotent and leaves no timer", async () => {
    const { clock, store, stores } = storesOf(2);
    store(0).set("a", 1);
    await clock.advance(10);
    await store(0).close();
    await store(0).close();
    await clock.advance(10);
    expect(values(store(1))).toEqual([]);
    expect(() => store(0).set("a", 1)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    for (const each of stores) await each.close();
    await clock.advance(10_000);
    expect(clock.pendingTimers).toBe(0);
  });

  test("keeps a copy: changing the object afterwards changes nothing", async () => {
    const { clock, cluster, portsOf } = worldOf(2);
    const [a, b] = [0, 1].map((i) => {
      return createOwnedStore<{ tags: string[] }>({ name: "o", ...portsOf(cluster.node(i)) });
    });
    const value = { tags: ["x"] };
    a?.set("k", value);
    value.tags.push("y");
    await clock.advance(10);
    expect(a?.own("k")?.value).toEqual({ tags: ["x"] });
    expect(b?.get("k")[0]?.value).toEqual({ tags: ["x"] });
  });

  test("refuses what cannot be shared at the call that wrote it", () => {
    const { cluster, portsOf } = worldOf(1);
    const limits = { entriesMax: 2 };
    const store = createOwnedStore<unknown>({ name: "o", limits, ...portsOf(cluster.node(0)) });
    const code = (fn: () => unknown) => {
      try {
        fn();
        return undefined;
      } catch (error) {
        return (error as { code?: string }).code;
      }
    };
    expect(code(() => store.set("", 1))).toBe("ERR_INVALID_ARGUMENT");
    expect(code(() => store.set("k".repeat(1_025), 1))).toBe("ERR_INVALID_ARGUMENT");
    expect(code(() => store.set("k", () => 1))).toBe("ERR_NOT_ENCODABLE");
    expect(code(() => store.set("k", "x".repeat(70_000)))).toBe("ERR_VALUE_TOO_LARGE");
    store.set("a", 1);
    store.set("b", 1);
    store.set("a", 2);
    expect(code(() => store.set("c", 1))).toBe("ERR_STORE_FULL");
    const again = () => createOwnedStore({ name: "o", ...portsOf(cluster.node(0)) });
    expect(code(again)).toBe("ERR_INVALID_ARGUMENT");
    for (const bad of [{ name: "" }, { name: "p", limits: { deltaEntriesMax: 0 } }]) {
      const open = () => createOwnedStore({ ...bad, ...portsOf(cluster.node(0)) });
      expect(code(open)).toBe("ERR_INVALID_ARGUMENT");
    }
  });

  test("a malformed message is refused, counted and harms nothing", async () => {
    const { clock, cluster, portsOf } = worldOf(2);
    const ports = portsOf(cluster.node(1));
    const store = createOwnedStore<number>({ name: "t", ...ports });
    const route = { to: cluster.node(1).id, channel: "state", subject: "crdt.owned.t" };
    for (let n = 0; n < 10; n += 1) cluster.node(0).messenger.trySend(route, { type: "boom", n });
    await clock.advance(10);
    const refused = [...ports.runtime.meter.snapshot()].find(([name]) => name.includes("refused"));
    expect(refused?.[1]).toBe(10);
    expect(ports.runtime.logger.lines.filter(({ level }) => level === "warn")).toHaveLength(4);
    store.set("a", 1);
    expect(store.size).toBe(1);
  });
});
