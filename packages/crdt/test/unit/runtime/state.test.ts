import { describe, expect, test } from "@jest/globals";
import { memoryStorage } from "@foundation/core/testing";
import {
  createState,
  type MapBatch,
  type CreateStateOptions,
  type ReplicatedState,
} from "../../../src/index.js";
import { worldOf } from "./cluster.js";

function statesOf(nodes: number, options: Partial<CreateStateOptions> = {}, detectionMs = 0) {
  const world = worldOf(nodes, detectionMs);
  const open = (i: number) => createState({ ...world.portsOf(world.cluster.node(i)), ...options });
  const states = world.cluster.nodes.map((_, i) => open(i));
  const each = <T>(opened: (state: ReplicatedState) => Promise<T>) =>
    Promise.all(states.map(opened));
  return { ...world, open, states, each };
}

const three = <T>(list: readonly T[]) => list as readonly [T, T, T];

describe("replicated state", () => {
  test("a map shows the last write on every node, and ends entries with their time", async () => {
    const { clock, each } = statesOf(3);
    const [a, b, c] = three(await each((state) => state.map<number>("m")));
    a.set("x", 1);
    await clock.advance(10);
    b.set("x", 2);
    c.set("y", 3, { ttl: "1s" });
    await clock.advance(10);
    for (const map of [a, b, c]) expect(Object.fromEntries(map.entries())).toEqual({ x: 2, y: 3 });
    await clock.advance(900);
    expect(a.get("y")).toBe(3);
    await clock.advance(200);
    for (const map of [a, b, c]) expect(map.has("y")).toBe(false);
    expect(a.delete("x")).toBe(true);
    expect(a.delete("x")).toBe(false);
    await clock.advance(10);
    expect([b.size, c.size]).toEqual([0, 0]);
  });

  test("a later write takes the time to live away, and a renewed one begins anew", async () => {
    const { clock, each } = statesOf(2);
    const [left, right] = await each((state) => state.map<number>("m"));
    left?.set("stays", 1, { ttl: 500 });
    left?.set("renewed", 1, { ttl: 500 });
    await clock.advance(300);
    right?.set("stays", 2);
    right?.set("renewed", 2, { ttl: 500 });
    await clock.advance(400);
    expect([left?.get("stays"), left?.get("renewed")]).toEqual([2, 2]);
    await clock.advance(200);
    expect([left?.get("stays"), left?.get("renewed"), right?.has("renewed")]).toEqual([
      2,
      undefined,
      false,
    ]);
  });

  test("a write that a deletion had not seen survives it, on every node", async () => {
    const { clock, cluster, each } = statesOf(3, {}, 50);
    const [a, b, c] = three(await each((state) => state.map<string>("m")));
    a.set("k", "old");
    await clock.advance(100);
    cluster.partition([2]);
    await clock.advance(100);
    a.delete("k");
    c.set("k", "new");
    await clock.advance(100);
    cluster.heal();
    await clock.advance(15_000);
    expect([a, b, c].map((map) => map.get("k"))).toEqual(["new", "new", "new"]);
  });

  test("a set keeps an addition that a removal had not seen; members are equal by content", async () => {
    const { clock, cluster, each } = statesOf(3, {}, 50);
    const [a, b, c] = three(await each((state) => state.set<{ id: number; to?: string }>("s")));
    a.add({ id: 1, to: "x" });
    a.add({ id: 2 });
    await clock.advance(100);
    expect(b.has({ to: "x", id: 1 })).toBe(true);
    cluster.partition([2]);
    await clock.advance(100);
    b.delete({ id: 1, to: "x" });
    b.delete({ id: 2 });
    c.add({ id: 1, to: "x" });
    cluster.heal();
    await clock.advance(15_000);
    for (const set of [a, b, c]) expect([...set.values()]).toEqual([{ id: 1, to: "x" }]);
  });

  test("counters add up what everybody counted, through a partition and a restart", async () => {
    const { clock, cluster, each, open } = statesOf(3, {}, 50);
    const [a, b, c] = three(await each((state) => state.counter("n")));
    const [ga, gb] = three(await each((state) => state.growCounter("g")));
    cluster.partition([2]);
    await clock.advance(100);
    a.increment(5);
    b.decrement(2);
    for (let n = 0; n < 10; n += 1) c.increment();
    ga.increment();
    gb.increment(2);
    cluster.heal();
    await clock.advance(15_000);
    expect([a.value, b.value, c.value, gb.value]).toEqual([13, 13, 13, 3]);
    cluster.restart(0);
    const again = await open(0).counter("n");
    await clock.advance(15_000);
    expect(again.value).toBe(13);
    again.increment();
    await clock.advance(10);
    expect([again.value, b.value, c.value]).toEqual([14, 14, 14]);
    expect(() => b.increment(-1)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  test("a bounded counter is never lowered beyond what its node has rights to", async () => {
    const { clock, cluster, each } = statesOf(3, {}, 50);
    const [a, b, c] = three(await each((state) => state.boundedCounter("stock")));
    a.increment(10);
    await clock.advance(10);
    a.transfer(4, cluster.node(1).membership.self.id);
    await clock.advance(10);
    expect([a.rights, b.rights, c.rights, c.value]).toEqual([6, 4, 0, 10]);
    cluster.partition([1]);
    await clock.advance(100);
    b.decrement(4);
    const exhausted = expect.objectContaining({ code: "ERR_RIGHTS_EXHAUSTED" });
    expect(() => b.decrement()).toThrow(exhausted);
    expect(() => c.decrement()).toThrow(exhausted);
    a.decrement(6);
    expect(() => a.transfer(1, cluster.node(2).membership.self.id)).toThrow(exhausted);
    cluster.heal();
    await clock.advance(15_000);
    expect([a.value, b.value, c.value]).toEqual([0, 0, 0]);
  });

  test("of concurrent settings of a flag the one wins that was chosen", async () => {
    const { clock, cluster, each } = statesOf(3, {}, 50);
    const on = three(await each((state) => state.flag("on")));
    const off = three(await each((state) => state.flag("off", { wins: "disable" })));
    expect([on[0].enabled, off[0].enabled]).toEqual([false, true]);
    on[0].enable();
    off[0].disable();
    await clock.advance(100);
    cluster.partition([2]);
    await clock.advance(100);
    on[0].disable();
    on[2].enable();
    off[0].enable();
    off[2].disable();
    cluster.heal();
    await clock.advance(15_000);
    expect(on.map(({ enabled }) => enabled)).toEqual([true, true, true]);
    expect(off.map(({ enabled }) => enabled)).toEqual([false, false, false]);
  });

  test("a register shows the last of concurrent settings, a multi-value register all of them", async () => {
    const { clock, cluster, each } = statesOf(3, {}, 50);
    const one = three(await each((state) => state.register<string>("one")));
    const all = three(await each((state) => state.multiRegister<string>("all")));
    await clock.advance(100);
    cluster.partition([2]);
    await clock.advance(100);
    one[0].set("first");
    all[0].set("first");
    await clock.advance(10);
    one[2].set("second");
    all[2].set("second");
    cluster.heal();
    await clock.advance(15_000);
    expect(one.map(({ value }) => value)).toEqual(["second", "second", "second"]);
    expect(all.map(({ values }) => values)).toEqual(Array(3).fill(["second", "first"]));
    all[1].set("both seen");
    await clock.advance(10);
    expect(all.map(({ values }) => values)).toEqual(Array(3).fill(["both seen"]));
  });

  test("a nested map removes what was seen below a field and keeps what was not", async () => {
    const { clock, cluster, each } = statesOf(3, {}, 50);
    const [a, b, c] = three(await each((state) => state.nested("profiles")));
    a.register<string>("ann", "name").set("Ann");
    a.set<string>("ann", "tags").add("admin");
    a.counter("ann", "visits").increment(3);
    a.register<string>("bob", "name").set("Bob");
    await clock.advance(100);
    expect([b.fields().toSorted(), b.fields("ann").toSorted()]).toEqual([
      ["ann", "bob"],
      ["name", "tags", "visits"],
    ]);
    cluster.partition([2]);
    await clock.advance(100);
    expect(b.delete("ann")).toBe(true);
    c.set<string>("ann", "tags").add("late");
    c.flag("ann", "active").enable();
    cluster.heal();
    await clock.advance(15_000);
    for (const map of [a, b, c]) {
      expect(map.register("ann", "name").value).toBe(undefined);
      expect(map.set<string>("ann", "tags").values()).toEqual(["late"]);
      expect(map.counter("ann", "visits").value).toBe(0);
      expect(map.flag("ann", "active").enabled).toBe(true);
      expect(map.fields("ann").toSorted()).toEqual(["active", "tags"]);
      expect(map.register("bob", "name").value).toBe("Bob");
    }
  });

  test("an update of a nested map sees and removes what it has written itself", async () => {
    const { each } = statesOf(1);
    const [map] = await each((state) => state.nested("profiles"));
    map?.register("ann", "name").set("Ann");
    map?.update(() => {
      map.register("ann", "title").set("Dr.");
      map.set("bob", "tags").add("new");
      expect([map.fields("ann").toSorted(), map.set("bob", "tags").size]).toEqual([
        ["name", "title"],
        1,
      ]);
      expect(map.delete("ann")).toBe(true);
      expect([map.has("ann"), map.delete("ann")]).toEqual([false, false]);
    });
    expect([map?.fields(), map?.size]).toEqual([["bob"], 1]);
  });

  test("rights a node hands to itself stay, and a total beyond what can be counted is refused", async () => {
    const { cluster, each } = statesOf(1);
    const [stock] = await each((state) => state.boundedCounter("stock"));
    stock?.increment(5);
    stock?.transfer(3, cluster.node(0).id);
    expect([stock?.rights, stock?.value]).toEqual([5, 5]);
    const refused = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    expect(() => stock?.increment(Number.MAX_SAFE_INTEGER)).toThrow(refused);
    expect(stock?.value).toBe(5);
    const [counter] = await each((state) => state.counter("n"));
    counter?.increment(1e308);
    expect(() => counter?.increment(1e308)).toThrow(refused);
    expect(counter?.value).toBe(1e308);
  });

  test("texts are the same on every node, halves of surrogate pairs too", async () => {
    const { clock, each } = statesOf(2);
    const [a, b] = await each((state) => state.map<string>("m"));
    const refused = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    expect(() => a?.set("\ud800", "x")).toThrow(refused);
    a?.set("half", "\ud800!");
    a?.set("whole", "\u{1f600}");
    await clock.advance(10);
    expect([...(b?.entries() ?? [])]).toEqual([...(a?.entries() ?? [])]);
    expect(b?.get("whole")).toBe("\u{1f600}");
  });

  test("a writer goes on with its numbers whatever a peer says it wrote", async () => {
    const { clock, cluster, states } = statesOf(2);
    const mine = await states[0]?.map<number>("m");
    const theirs = await states[1]?.map<number>("m");
    mine?.set("a", 1);
    await clock.advance(10);
    const { id, boot } = cluster.node(0).membership.self;
    const through = Number.MAX_SAFE_INTEGER;
    const part = { of: `${id}/${boot}/1`, from: 1, through, gaps: [], keys: [], values: [] };
    const route = { to: id, channel: "state", subject: "crdt.causal.map.m" };
    cluster.node(1).messenger.trySend(route, { type: "delta", parts: [part] });
    await clock.advance(10);
    mine?.set("b", 2);
    await clock.advance(10);
    expect([mine?.get("a"), theirs?.get("a"), theirs?.get("b")]).toEqual([1, 1, 2]);
  });

  test("one that is opened again before it has ended has what was written last", async () => {
    const world = worldOf(1);
    const ports = world.portsOf(world.cluster.node(0));
    const storage = memoryStorage();
    const state = createState({ ...ports, runtime: { ...ports.runtime, storage } });
    const first = await state.map<number>("m", { persist: true });
    first.set("a", 1);
    const closing = first.close();
    const again = await state.map<number>("m", { persist: true });
    expect(again.get("a")).toBe(1);
    await closing;
  });

  test("update writes everything or nothing, reads its own writes, and travels as one delta", async () => {
    const { clock, each } = statesOf(2);
    const [a, b] = await each((state) => state.map<number>("m"));
    if (a === undefined || b === undefined) throw new Error("two nodes");
    const seen: number[] = [];
    b.subscribe(() => seen.push(b.size));
    a.update((batch) => {
      batch.set("x", 1);
      batch.set("y", (batch.get("x") ?? 0) + 1);
      batch.set("z", 3);
      batch.delete("x");
    });
    const failed = () =>
      a.update((batch) => {
        batch.set("w", 1);
        batch.set("v", (() => 4) as never);
      });
    expect(failed).toThrow(expect.objectContaining({ code: "ERR_NOT_ENCODABLE" }));
    await clock.advance(10);
    expect(Object.fromEntries(b.entries())).toEqual({ y: 2, z: 3 });
    expect(seen).toEqual([2, 2]);
  });

  test("an update that would go on later is refused, and nothing of it is written", async () => {
    const world = worldOf(1);
    const map = await createState(world.portsOf(world.cluster.node(0))).map<number>("m");
    const later = async (batch: MapBatch<number>) => {
      batch.set("a", 1);
      await Promise.reject(new Error("later"));
    };
    const refused = expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" });
    expect(() => map.update(later as never)).toThrow(refused);
    expect(map.size).toBe(0);
  });

  test("counters of fractions are the same on every node, in whatever order they were heard", async () => {
    const world = worldOf(3);
    const states = world.cluster.nodes.map((node) => createState(world.portsOf(node)));
    const counters = await Promise.all(states.map((state) => state.counter("c")));
    const nested = await Promise.all(states.map((state) => state.nested("n")));
    for (const [i, by] of [0.2, 0.3, 0.1].entries()) {
      counters[i]?.increment(by);
      nested[i]?.counter("sum").increment(by);
    }
    await world.clock.advance(100);
    expect(new Set(counters.map(({ value }) => value)).size).toBe(1);
    expect(new Set(nested.map((each) => each.counter("sum").value)).size).toBe(1);
    expect(counters[0]?.value).toBeCloseTo(0.6);
  });

  test("changes are streamed with what was before, until the signal fires", async () => {
    const { clock, each } = statesOf(2);
    const maps = await each((state) => state.map<number>("m"));
    const counters = await each((state) => state.counter("n"));
    const abort = new AbortController();
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const change of maps[1]?.changes({ signal: abort.signal }) ?? []) {
        seen.push([change.type, change.key, change.previous, change.local]);
      }
    })();
    const counting = counters[1]?.changes();
    maps[0]?.set("a", 1);
    maps[0]?.set("a", 2);
    counters[0]?.increment(4);
    await clock.advance(10);
    maps[1]?.delete("a");
    await clock.advance(10);
    abort.abort();
    await reading;
    expect(seen).toEqual([
      ["set", "a", undefined, false],
      ["delete", "a", 2, true],
    ]);
    expect(await counting?.next()).toEqual({
      done: false,
      value: { value: 4, by: 4, local: false },
    });
  });

  test("what cannot travel, is too large or too much is refused where it is written", async () => {
    const { states, each } = statesOf(1, { limits: { entriesMax: 1, valueBytesMax: 100 } });
    const [map] = await each((state) => state.map<unknown>("m"));
    if (map === undefined) throw new Error("one node");
    expect(() => map.set("a", { deep: { fn: () => 1 } })).toThrow(
      expect.objectContaining({
        code: "ERR_NOT_ENCODABLE",
        message: expect.stringContaining("deep"),
      }),
    );
    expect(() => map.set("a", "x".repeat(101))).toThrow(
      expect.objectContaining({ code: "ERR_VALUE_TOO_LARGE" }),
    );
    map.set("a", 1);
    expect(() => map.set("b", 1)).toThrow(expect.objectContaining({ code: "ERR_STORE_FULL" }));
    expect(() => map.set("a", 1, { ttl: 0 })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    await expect(states[0]?.map("p", { persist: true })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await map.close();
    expect(() => map.set("a", 2)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    await states[0]?.close();
    await expect(states[0]?.map("m")).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("a wish of a flag that is none is refused as everything is", async () => {
    const world = worldOf(1);
    const flag = createState(world.portsOf(world.cluster.node(0))).flag("f", {
      wins: "both" as never,
    });
    await expect(flag).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  test("a name that is open gives the same handle; opened again after close it goes on", async () => {
    const { clock, states } = statesOf(2);
    const first = await states[0]?.map<number>("m");
    expect(await states[0]?.map<number>("m")).toBe(first);
    const other = await states[1]?.map<number>("m");
    first?.set("k", 1);
    await clock.advance(10);
    await first?.close();
    const again = await states[0]?.map<number>("m");
    again?.set("k", 2);
    again?.set("l", 1);
    await clock.advance(15_000);
    expect([again?.get("k"), other?.get("k"), other?.get("l")]).toEqual([2, 2, 1]);
  });
});

describe("persistent state", () => {
  test("is there again after a restart of all nodes, removals and ends included", async () => {
    const world = worldOf(1);
    const storage = memoryStorage();
    const portsOf = () => {
      const ports = world.portsOf(world.cluster.node(0));
      return { ...ports, runtime: { ...ports.runtime, storage } };
    };
    const state = createState(portsOf());
    const map = await state.map<number>("m", { persist: true });
    for (let n = 0; n < 100; n += 1) map.set(`k${n}`, n);
    map.set("brief", 1, { ttl: "2s" });
    await world.clock.advance(0);
    for (let n = 0; n < 50; n += 1) map.delete(`k${n}`);
    await map.persisted();
    await state.close();
    storage.crash();
    world.cluster.restart(0);
    await world.clock.advance(1_500);
    const again = await createState(portsOf()).map<number>("m", { persist: true });
    expect([again.size, again.get("k49"), again.get("k50")]).toEqual([51, undefined, 50]);
    await world.clock.advance(1_000);
    expect(again.has("brief")).toBe(false);
  });

  test("is not acknowledged while the disk fails, and all of it is kept when it works again", async () => {
    const world = worldOf(1);
    const storage = memoryStorage();
    const portsOf = () => {
      const ports = world.portsOf(world.cluster.node(0));
      return { ...ports, runtime: { ...ports.runtime, storage } };
    };
    const state = createState(portsOf());
    const set = await state.set<string>("s", { persist: true });
    set.add("before");
    await set.persisted();
    storage.failOn("append", "no space");
    storage.failOn("replace", "no space");
    set.add("meanwhile");
    await expect(set.persisted()).rejects.toMatchObject({ code: "ERR_STORAGE" });
    storage.failOn("append", undefined);
    storage.failOn("replace", undefined);
    await expect(set.persisted()).rejects.toMatchObject({ code: "ERR_STORAGE" });
    await world.clock.advance(500);
    await set.persisted();
    await state.close();
    storage.crash();
    world.cluster.restart(0);
    const again = await createState(portsOf()).set<string>("s", { persist: true });
    expect([...again.values()].sort()).toEqual(["before", "meanwhile"]);
  });

  test("a disk that is full is tried with growing pauses, told of once, and written again by itself", async () => {
    const world = worldOf(1);
    const storage = memoryStorage();
    let snapshots = 0;
    const counted = new Proxy(storage, {
      get: (target, name) => {
        if (name === "replace") snapshots += 1;
        const value: unknown = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const ports = world.portsOf(world.cluster.node(0));
    const runtime = { ...ports.runtime, storage: counted };
    const state = createState({ ...ports, runtime });
    const map = await state.map<number>("m", { persist: true });
    storage.failOn("append", "no space");
    storage.failOn("replace", "no space");
    // A write each 10 ms, for a minute.
    for (let n = 0; n < 6_000; n += 1) {
      map.set(`k${n % 100}`, n);
      await world.clock.advance(10);
      if (n % 10 === 0) await map.persisted().catch(() => undefined);
    }
    expect(snapshots).toBeLessThanOrEqual(120);
    const asked = snapshots;
    for (let n = 0; n < 6_000; n += 1) {
      map.set(`k${n % 100}`, n);
      await world.clock.advance(10);
    }
    expect(snapshots - asked).toBeLessThanOrEqual(3);
    storage.failOn("append", undefined);
    storage.failOn("replace", undefined);
    await world.clock.advance(30_000);
    map.set("after", 1);
    await world.clock.advance(10);
    const told = runtime.logger.lines.filter(({ message }) => message.includes("on disk"));
    expect(told.map(({ level }) => level)).toEqual(["error", "info"]);
    world.cluster.restart(0);
    const again = await createState({
      ...world.portsOf(world.cluster.node(0)),
      runtime: { ...runtime, storage: storage.reopen() },
    }).map<number>("m", { persist: true });
    expect([again.size, again.get("k99"), again.get("after")]).toEqual([101, 5_999, 1]);
  });
});
