import { afterEach, describe, expect, test } from "@jest/globals";
import type { NameEntry, NameEvent } from "../../../src/index.js";
import { codeOf, counter, other, world, type World, type WorldNode } from "../runtime/world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const temporary = { restart: "temporary" } as const;
const spawn = (w: World, place: number) =>
  w.run(w.at(place).registry.startProcess(counter, { from: place }, temporary));
const namesOf = (entries: readonly NameEntry[]) => entries.map(({ name }) => name);

/** Everything a node is told of names that begin with the prefix, as it comes. */
function watched({ registry }: WorldNode, prefix: string): NameEvent[] {
  const events: NameEvent[] = [];
  const controller = new AbortController();
  void (async () => {
    for await (const event of registry.watch({ prefix, signal: controller.signal })) {
      events.push(event);
    }
  })();
  return events;
}

describe("registering", () => {
  test("a name is found on its node before the promise settles", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    const { registry } = w.at(0);
    const done = registry.register("till", ref, { meta: 7 });
    expect(registry.lookup("till")).toMatchObject({ pid: ref.whereis(), meta: 7 });
    await w.run(done);
  });

  test("with wait visible every member finds the name when the promise settles", async () => {
    const w = await start(3);
    const [here, there] = [await spawn(w, 0), await spawn(w, 1)];
    await w.run(w.at(0).registry.register("here", here, { wait: "visible" }));
    for (const { registry } of w.nodes) expect(registry.lookup("here")).toBeDefined();
    const pid = there.whereis();
    if (pid === undefined) throw new Error("not started");
    await w.run(w.at(0).registry.register("there", pid, { wait: "visible" }));
    for (const { registry } of w.nodes) expect(registry.lookup("there")).toBeDefined();
  });

  test("without it the promise settles before the others find the name", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    await w.at(0).registry.register("till", ref);
    expect(w.at(1).registry.lookup("till")).toBeUndefined();
  });

  test("of many callers of one node that race for a name exactly one gets it", async () => {
    const w = await start(2);
    const refs = await Promise.all(Array.from({ length: 10 }, () => spawn(w, 0)));
    const codes = await Promise.all(
      refs.map((ref) => codeOf(w.at(0).registry.register("till", ref))),
    );
    expect(codes.filter((code) => code === "none")).toHaveLength(1);
    expect(codes.filter((code) => code === "ERR_NAME_TAKEN")).toHaveLength(9);
  });

  test("of callers on both sides of a cut one a side gets a name, and after the heal one holds it", async () => {
    const w = await start(4);
    const refs = await Promise.all([0, 0, 1, 1, 2, 2, 3, 3].map((place) => spawn(w, place)));
    w.cluster.partition([0, 1]);
    await w.advance(100);
    const codes: string[] = [];
    for (const [i, ref] of refs.entries()) {
      codes.push(await codeOf(w.run(w.at(i >> 1).registry.register("till", ref))));
      await w.advance(10);
    }
    const ok = (from: number, to: number) =>
      codes.slice(from, to).filter((code) => code === "none").length;
    expect([ok(0, 4), ok(4, 8)]).toEqual([1, 1]);
    w.cluster.heal();
    await w.advance(2_000);
    const holders = w.nodes.map(({ registry }) => registry.lookup("till")?.pid);
    expect(holders[0]).toBeDefined();
    for (const holder of holders) expect(holder).toEqual(holders[0]);
    const alive = refs.filter((ref) => ref.whereis() !== undefined);
    const left = alive.filter((_, i) => codes[i] === "none");
    expect(left.length).toBeGreaterThan(0);
    const conflicts = w.nodes.reduce((sum, { registry }) => sum + registry.info().nameConflicts, 0);
    expect(conflicts).toBe(1);
  });

  test("a node that goes down and comes up again has lost none of its names", async () => {
    const w = await start(3);
    const ref = await spawn(w, 1);
    const names = Array.from({ length: 200 }, (_, n) => `till/${String(n).padStart(3, "0")}`);
    for (const name of names) await w.at(1).registry.register(name, ref, { meta: name });
    await w.advance(100);
    for (let turn = 0; turn < 5; turn += 1) {
      w.cluster.partition([1]);
      await w.advance(50);
      expect(w.at(0).registry.lookup("till/000")).toBeUndefined();
      expect(w.at(1).registry.lookup("till/000")).toBeDefined();
      // Changed while nobody hears it: it is news when the node is back.
      w.at(1).registry.update("till/000", turn);
      w.cluster.heal();
      await w.advance(500);
      for (const { registry } of w.nodes) {
        expect(namesOf(registry.select({ prefix: "till/" }))).toEqual(names);
        expect(registry.lookup("till/000")?.meta).toBe(turn);
      }
    }
  });

  test("several names of one process go with it, on every node", async () => {
    const w = await start(2);
    const [ref, stays] = [await spawn(w, 0), await spawn(w, 0)];
    for (const name of ["a", "b", "c"]) await w.at(0).registry.register(name, ref);
    await w.at(0).registry.register("d", stays);
    await w.run(w.at(0).registry.unregister("b"));
    await w.run(ref.stop());
    await w.advance(100);
    for (const { registry } of w.nodes) expect(namesOf(registry.select())).toEqual(["d"]);
  });

  test("a name that was freed can be given to another process", async () => {
    const w = await start(2);
    const [one, two] = [await spawn(w, 0), await spawn(w, 1)];
    await w.run(w.at(0).registry.register("till", one, { wait: "visible" }));
    await w.run(w.at(1).registry.unregister("till"));
    await w.advance(100);
    await w.run(w.at(1).registry.register("till", two, { wait: "visible" }));
    expect(w.at(0).registry.lookup("till")?.pid).toEqual(two.whereis());
  });

  test("an option that is none is refused, and nothing is registered", async () => {
    const w = await start(1);
    const ref = await spawn(w, 0);
    const { registry } = w.at(0);
    for (const options of [{ keys: "many" }, { wait: "forever" }] as const) {
      expect(await codeOf(registry.register("till", ref, options as never))).toBe(
        "ERR_INVALID_ARGUMENT",
      );
    }
    const meta = { bad: () => 1 };
    expect(await codeOf(registry.register("till", ref, { meta }))).toBe("ERR_NOT_ENCODABLE");
    const signal = AbortSignal.abort();
    expect(await codeOf(registry.register("till", ref, { signal }))).toBe("ERR_ABORTED");
    expect(registry.lookup("till")).toBeUndefined();
  });
});

describe("what is kept beside a name", () => {
  test("is changed on the node of its process and told to all", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    await w.run(w.at(0).registry.register("till", ref, { meta: { floor: 1 }, wait: "visible" }));
    const events = watched(w.at(1), "t");
    await w.advance(10);
    const meta = { floor: 2 };
    w.at(0).registry.update("till", meta);
    meta.floor = 99;
    expect(w.at(0).registry.lookup("till")?.meta).toEqual({ floor: 2 });
    await w.advance(100);
    expect(w.at(1).registry.lookup("till")).toMatchObject({
      pid: ref.whereis(),
      meta: { floor: 2 },
    });
    expect(events.map(({ type }) => type)).toEqual(["registered", "updated"]);
    expect(events[1]).toMatchObject({ previous: { meta: { floor: 1 } } });
  });

  test("cannot be changed from another node, nor where nobody has the name", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    await w.run(w.at(0).registry.register("till", ref, { meta: 1, wait: "visible" }));
    const refused = expect.objectContaining({ code: "ERR_NOT_HOLDER" });
    expect(() => w.at(1).registry.update("till", 2)).toThrow(refused);
    expect(() => w.at(0).registry.update("nobody", 2)).toThrow(refused);
    expect(w.at(0).registry.lookup("till")?.meta).toBe(1);
  });

  test("of a supervised child it is changed without a word to its version", async () => {
    const w = await start(2);
    const ref = await w.run(
      w.at(0).registry.startProcess(counter, { from: 1 }, { name: "till", distribute: true }),
    );
    await w.advance(100);
    const place = w.nodes.findIndex(({ port }) => port.id === ref.whereis()?.node);
    w.at(place).registry.update("till", "full");
    await w.advance(100);
    for (const { registry } of w.nodes) expect(registry.lookup("till")?.meta).toBe("full");
    expect(await w.run(ref.call("total"))).toBe(1);
  });
});

describe("select and count", () => {
  test("take a prefix, a definition, a node and a predicate, all of which must fit", async () => {
    const w = await start(2);
    const [one, two] = [await spawn(w, 0), await spawn(w, 1)];
    const ping = await w.run(w.at(0).registry.startProcess(other, undefined, temporary));
    await w.at(0).registry.register("a/1", one, { meta: { size: 1 } });
    await w.at(1).registry.register("a/2", two, { meta: { size: 2 } });
    await w.at(0).registry.register("a/3", ping, { meta: { size: 3 } });
    await w.at(0).registry.register("b/1", one, { meta: { size: 4 } });
    await w.advance(100);
    const { registry } = w.at(1);
    const here = w.at(0).port.id;
    const large = ({ meta }: NameEntry) => (meta as { size: number }).size > 1;
    expect(namesOf(registry.select({ prefix: "a/" }))).toEqual(["a/1", "a/2", "a/3"]);
    expect(namesOf(registry.select({ definition: counter }))).toEqual(["a/1", "a/2", "b/1"]);
    expect(namesOf(registry.select({ definition: "test.other" }))).toEqual(["a/3"]);
    expect(namesOf(registry.select({ node: here }))).toEqual(["a/1", "a/3", "b/1"]);
    expect(namesOf(registry.select({ where: large }))).toEqual(["a/2", "a/3", "b/1"]);
    const all = { prefix: "a/", definition: counter, node: here, where: large };
    expect(namesOf(registry.select(all))).toEqual([]);
    expect(registry.count()).toBe(4);
    expect(registry.count({ prefix: "a/" })).toBe(3);
    expect(registry.count(all)).toBe(0);
  });

  test("count no names the registry made, no definitions and no duplicates", async () => {
    const w = await start(2);
    const ref = await w.run(
      w.at(0).registry.startProcess(counter, { from: 1 }, { distribute: true }),
    );
    await w.run(w.at(0).registry.register("topic", ref, { keys: "duplicate" }));
    await w.advance(100);
    for (const { registry } of w.nodes) {
      expect(registry.count()).toBe(0);
      expect(registry.select()).toEqual([]);
      expect(registry.info().names).toBe(0);
    }
    await w.run(ref.stop());
    await w.advance(100);
    for (const { registry } of w.nodes) expect(registry.count()).toBe(0);
  });
});

describe("watching", () => {
  test("tells of a conflict as a move to the winner, on every node the same", async () => {
    const w = await start(3);
    const [one, two] = [await spawn(w, 0), await spawn(w, 1)];
    const before = w.nodes.map((node) => watched(node, "till"));
    w.cluster.partition([0]);
    await w.advance(50);
    await w.at(0).registry.register("till", one);
    await w.at(1).registry.register("till", two);
    await w.advance(50);
    w.cluster.heal();
    await w.advance(1_000);
    const winner = w.at(2).registry.lookup("till")?.pid;
    for (const events of before) {
      expect(events[0]?.type).toBe("registered");
      // Whoever saw the loser first was told of exactly one move; nobody was told that the name was free.
      const rest = events.slice(1).map(({ type }) => type);
      expect(["moved", undefined]).toContain(rest[0]);
      expect(rest).not.toContain("unregistered");
      expect(events.at(-1)?.entry.pid).toEqual(winner);
    }
    expect(before.map((events) => events.length).sort()).toEqual([1, 1, 2].sort());
  });

  test("two watchers of different prefixes each hear of their own names only", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    const [a, b] = [watched(w.at(1), "a/"), watched(w.at(1), "b/")];
    for (const name of ["a/1", "b/1", "c/1"]) await w.at(0).registry.register(name, ref);
    await w.advance(100);
    expect(a.map(({ entry }) => entry.name)).toEqual(["a/1"]);
    expect(b.map(({ entry }) => entry.name)).toEqual(["b/1"]);
  });
});
