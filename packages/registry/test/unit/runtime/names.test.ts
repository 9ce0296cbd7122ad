import { afterEach, describe, expect, test } from "@jest/globals";
import type { NameEvent } from "../../../src/index.js";
import { codeOf, counter, other, runningAt, world, type World } from "./world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

describe("names", () => {
  test("a registered name is found at once on its node and soon on the others", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 1 }));
    await w.run(w.at(0).registry.register("till/1", ref, { meta: { floor: 2 } }));
    const expected = { name: "till/1", pid: ref.whereis(), definition: "test.counter" };
    expect(w.at(0).registry.lookup("till/1")).toMatchObject({ ...expected, meta: { floor: 2 } });
    await w.advance(100);
    for (const { registry } of w.nodes) {
      expect(registry.lookup("till/1")).toMatchObject({ ...expected, meta: { floor: 2 } });
    }
    expect(await w.run(w.at(2).registry.process(counter, "till/1").call("total"))).toBe(1);
  });

  test("a name of a process of another node lives and dies with that node", async () => {
    const w = await start(3);
    const ref = await w.run(
      w.at(0).registry.startProcess(counter, { from: 1 }, { on: w.at(1).port.id }),
    );
    await w.run(w.at(0).registry.register("till/1", ref));
    expect(w.at(0).registry.lookup("till/1")?.pid).toEqual(ref.whereis());
    await w.advance(100);
    expect(w.at(2).registry.lookup("till/1")?.pid.node).toBe(w.at(1).port.id);
    w.cluster.down(1);
    await w.advance(100);
    expect(w.at(0).registry.lookup("till/1")).toBeUndefined();
    expect(w.at(2).registry.lookup("till/1")).toBeUndefined();
  });

  test("a reference or a message to what can be no name is refused at once", async () => {
    const { registry } = (await start(1)).at(0);
    for (const name of ["", "$", "x".repeat(256), "\ud800", 7 as unknown as string]) {
      const invalid = expect.objectContaining({ code: "ERR_NAME_INVALID" });
      expect(() => registry.process(counter, name)).toThrow(invalid);
      expect(() => registry.send(name, 1)).toThrow(invalid);
    }
  });

  test("a taken name is refused and the error says who holds it", async () => {
    const w = await start(2);
    const one = await w.run(w.at(0).registry.startProcess(counter, { from: 1 }));
    const two = await w.run(w.at(1).registry.startProcess(counter, { from: 2 }));
    await w.run(w.at(0).registry.register("till", one));
    await w.advance(100);
    await expect(w.run(w.at(1).registry.register("till", two))).rejects.toMatchObject({
      code: "ERR_NAME_TAKEN",
      details: { name: "till", holder: one.whereis() },
    });
  });

  test("registering the same process again changes what is kept beside the name", async () => {
    const w = await start(2);
    const ref = await w.run(w.at(0).registry.startProcess(counter, { from: 1 }));
    await w.run(w.at(0).registry.register("till", ref, { meta: 1 }));
    await w.run(w.at(0).registry.register("till", ref, { meta: 2 }));
    await w.advance(100);
    expect(w.at(1).registry.lookup("till")?.meta).toBe(2);
  });

  test("two nodes that claim one name at once end with one holder, the other process ends", async () => {
    const w = await start(3);
    const refs = [0, 1].map((place) =>
      w.at(place).registry.startProcess(counter, { from: place }, { restart: "temporary" }),
    );
    const [one, two] = await Promise.all(refs.map((ref) => w.run(ref)));
    if (!one || !two) throw new Error("not started");
    const pids = [one.whereis(), two.whereis()];
    await Promise.all([
      w.at(0).registry.register("till", one),
      w.at(1).registry.register("till", two),
    ]);
    await w.advance(1_000);
    const holders = w.nodes.map(({ registry }) => registry.lookup("till")?.pid);
    expect(holders[1]).toEqual(holders[0]);
    expect(holders[2]).toEqual(holders[0]);
    expect(pids).toContainEqual(holders[0]);
  });

  test("two nodes that start one local name at once end with exactly one process", async () => {
    const w = await start(3);
    const ended = await Promise.all(
      [0, 1].map((place) =>
        w.run(w.at(place).registry.startProcess(counter, { from: place }, { name: "till" })),
      ),
    );
    await w.advance(2_000);
    expect(runningAt(w, "till")).toHaveLength(1);
    for (const ref of ended) expect(await codeOf(w.run(ref.call("total")))).toBe("none");
    const conflicts = w.nodes.map(({ registry }) => registry.info().nameConflicts);
    expect(conflicts.reduce((sum, each) => sum + each, 0)).toBe(1);
  });

  test("a name goes when its process ends, and when it is unregistered", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    const ref = await w.run(registry.startProcess(counter, { from: 1 }, { restart: "temporary" }));
    await w.run(registry.register("a", ref));
    await w.run(registry.register("b", ref));
    await w.advance(100);
    expect(await w.run(w.at(1).registry.unregister("a"))).toBe(true);
    expect(await w.run(w.at(1).registry.unregister("a"))).toBe(false);
    expect(registry.lookup("a")).toBeUndefined();
    await w.run(ref.stop());
    await w.advance(100);
    for (const node of w.nodes) expect(node.registry.lookup("b")).toBeUndefined();
  });

  test("a name under which a process was started cannot be unregistered, only stopped", async () => {
    const w = await start(1);
    const { registry } = w.at(0);
    await w.run(registry.startProcess(counter, { from: 1 }, { name: "x" }));
    expect(await codeOf(registry.unregister("x"))).toBe("ERR_INVALID_ARGUMENT");
  });

  test("a process that has ended cannot be registered", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    const ref = await w.run(registry.startProcess(counter, { from: 1 }, { restart: "temporary" }));
    const pid = ref.whereis();
    await w.run(ref.stop());
    if (!pid) throw new Error("not started");
    expect(await codeOf(registry.register("x", ref))).toBe("ERR_NO_PROCESS");
    expect(await codeOf(registry.register("x", pid))).toBe("ERR_NO_PROCESS");
    expect(await codeOf(w.run(w.at(1).registry.register("x", pid)))).toBe("ERR_NO_PROCESS");
  });

  test("select gives the names with a prefix, in order, and no generated ones", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    for (const name of ["b/2", "a/1", "b/1"]) {
      await w.run(registry.startProcess(other, undefined, { name }));
    }
    await w.run(registry.startProcess(other, undefined, { distribute: true }));
    await w.advance(100);
    const names = (prefix?: string) =>
      w
        .at(1)
        .registry.select(prefix === undefined ? {} : { prefix })
        .map(({ name }) => name);
    expect(names()).toEqual(["a/1", "b/1", "b/2"]);
    expect(names("b/")).toEqual(["b/1", "b/2"]);
    expect(w.at(1).registry.info().names).toBe(3);
  });

  test("watch tells the present names first, then what comes, moves and goes", async () => {
    const w = await start(2);
    const { registry } = w.at(0);
    const events: NameEvent[] = [];
    await w.run(registry.startProcess(counter, { from: 1 }, { name: "w/old" }));
    await w.advance(100);
    const controller = new AbortController();
    const stream = w.at(1).registry.watch({ prefix: "w/", signal: controller.signal });
    const reading = (async () => {
      for await (const event of stream) events.push(event);
    })();
    const ref = await w.run(registry.startProcess(counter, { from: 1 }, { name: "w/new" }));
    await w.run(registry.startProcess(counter, { from: 1 }, { name: "elsewhere" }));
    await w.advance(100);
    ref.cast("crash");
    await w.advance(100);
    await w.run(ref.stop());
    await w.advance(100);
    const seen = events.map(({ type, entry }) => `${type} ${entry.name}`);
    expect(seen.slice(0, 2)).toEqual(["registered w/old", "registered w/new"]);
    expect(seen.at(-1)).toBe("unregistered w/new");
    expect(seen).not.toContain("registered elsewhere");
    controller.abort();
    await reading;
  });

  test("a node that is cut off keeps its own names and loses those of the others", async () => {
    const w = await start(3);
    await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, { name: "mine" }));
    await w.run(w.at(1).registry.startProcess(counter, { from: 1 }, { name: "theirs" }));
    await w.advance(100);
    w.cluster.partition([0]);
    await w.advance(100);
    expect(w.at(0).registry.lookup("mine")).toBeDefined();
    expect(w.at(0).registry.lookup("theirs")).toBeUndefined();
    w.cluster.heal();
    await w.advance(500);
    for (const { registry } of w.nodes) {
      expect(registry.lookup("mine")).toBeDefined();
      expect(registry.lookup("theirs")).toBeDefined();
    }
  });
});
