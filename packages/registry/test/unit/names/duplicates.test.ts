import { afterEach, describe, expect, test } from "@jest/globals";
import { codeOf, counter, world, type World } from "../runtime/world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const duplicate = { keys: "duplicate" } as const;
const spawn = (w: World, place: number) =>
  w.run(w.at(place).registry.startProcess(counter, { from: place }, { restart: "temporary" }));
const metasOn = (w: World, place: number, name: string) =>
  w
    .at(place)
    .registry.lookupAll(name)
    .map(({ meta }) => meta)
    .sort();

describe("duplicate names", () => {
  test("any number of processes of any nodes have one, each with its own meta", async () => {
    const w = await start(3);
    for (const [i, place] of [0, 0, 1, 2].entries()) {
      await w
        .at(place)
        .registry.register("topic", await spawn(w, place), { ...duplicate, meta: i });
    }
    await w.advance(100);
    for (const place of [0, 1, 2]) expect(metasOn(w, place, "topic")).toEqual([0, 1, 2, 3]);
    const entries = w.at(1).registry.lookupAll("topic");
    expect(entries[0]).toMatchObject({ name: "topic", definition: "test.counter" });
    const order = entries.map(({ pid }) => `${pid.node} ${pid.serial}`);
    expect(order).toEqual([...order].sort());
  });

  test("a message to all of a name reaches each process once, on any node, and one to whoever has it that one", async () => {
    const w = await start(3);
    const refs = [await spawn(w, 0), await spawn(w, 1), await spawn(w, 2)] as const;
    for (const [place, ref] of refs.entries()) {
      await w.at(place).registry.register("topic", ref, duplicate);
    }
    await w.at(1).registry.register("topic", refs[1]);
    await w.advance(100);
    w.at(2).registry.send("topic", 100, { to: "all" });
    w.at(2).registry.send("topic", 1_000);
    w.at(2).registry.send("topic", 10_000, { to: "one" });
    await w.advance(100);
    const totals = await w.run(Promise.all(refs.map((ref) => ref.call("total"))));
    expect(totals).toEqual([100, 11_101, 102]);
    const before = w.at(0).registry.info().droppedMessages;
    w.at(0).registry.send("nobody's", 1, { to: "all" });
    expect(w.at(0).registry.info().droppedMessages).toBe(before + 1);
  });

  test("are found at once on their node, and never by lookup", async () => {
    const w = await start(1);
    const ref = await spawn(w, 0);
    const { registry } = w.at(0);
    await registry.register("topic", ref, duplicate);
    expect(registry.lookupAll("topic")).toHaveLength(1);
    expect(registry.lookup("topic")).toBeUndefined();
    expect(registry.lookupAll("nobody")).toEqual([]);
  });

  test("stand beside a unique name of the same text", async () => {
    const w = await start(1);
    const [one, two] = [await spawn(w, 0), await spawn(w, 0)];
    const { registry } = w.at(0);
    await registry.register("till", one);
    await registry.register("till", two, duplicate);
    expect(registry.lookup("till")?.pid).toEqual(one.whereis());
    expect(registry.lookupAll("till").map(({ pid }) => pid)).toEqual([two.whereis()]);
    expect(await w.run(registry.unregister("till"))).toBe(true);
    expect(registry.lookupAll("till")).toHaveLength(1);
  });

  test("registering the same process again changes its meta and adds nothing", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    await w.at(0).registry.register("topic", ref, { ...duplicate, meta: "old" });
    await w.at(0).registry.register("topic", ref, { ...duplicate, meta: "new" });
    await w.advance(100);
    expect(metasOn(w, 1, "topic")).toEqual(["new"]);
  });

  test("go with their process, with their node, and when they are unregistered", async () => {
    const w = await start(3);
    const refs = [await spawn(w, 0), await spawn(w, 0), await spawn(w, 1), await spawn(w, 2)];
    for (const [i, ref] of refs.entries()) {
      const place = [0, 0, 1, 2][i] as number;
      await w.at(place).registry.register("topic", ref, { ...duplicate, meta: i });
    }
    await w.advance(100);
    await w.run(refs[0]?.stop() ?? Promise.resolve());
    await w.advance(100);
    expect(metasOn(w, 2, "topic")).toEqual([1, 2, 3]);
    w.cluster.down(2);
    await w.advance(100);
    expect(metasOn(w, 0, "topic")).toEqual([1, 2]);
    const pid = refs[2]?.whereis();
    const gone = w.at(0).registry.unregister("topic", { ...duplicate, process: pid });
    expect(await w.run(gone)).toBe(true);
    await w.advance(100);
    expect(metasOn(w, 0, "topic")).toEqual([1]);
    expect(await w.run(w.at(0).registry.unregister("topic", duplicate))).toBe(true);
    expect(await w.run(w.at(0).registry.unregister("topic", duplicate))).toBe(false);
    await w.advance(100);
    expect(metasOn(w, 1, "topic")).toEqual([]);
  });

  test("a process of another node is given one there", async () => {
    const w = await start(2);
    const pid = (await spawn(w, 1)).whereis();
    if (pid === undefined) throw new Error("not started");
    const options = { ...duplicate, wait: "visible" } as const;
    await w.run(w.at(0).registry.register("topic", pid, options));
    expect(
      w
        .at(0)
        .registry.lookupAll("topic")
        .map((entry) => entry.pid),
    ).toEqual([pid]);
  });

  test("come back with a node that was cut off", async () => {
    const w = await start(2);
    await w.at(1).registry.register("topic", await spawn(w, 1), duplicate);
    await w.advance(100);
    w.cluster.partition([1]);
    await w.advance(100);
    expect(w.at(0).registry.lookupAll("topic")).toHaveLength(0);
    w.cluster.heal();
    await w.advance(500);
    expect(w.at(0).registry.lookupAll("topic")).toHaveLength(1);
  });

  test("a process that has ended is refused", async () => {
    const w = await start(1);
    const ref = await spawn(w, 0);
    const pid = ref.whereis();
    if (pid === undefined) throw new Error("not started");
    await w.run(ref.stop());
    expect(await codeOf(w.at(0).registry.register("topic", pid, duplicate))).toBe("ERR_NO_PROCESS");
  });

  test("names may hold the signs that their keys are made of", async () => {
    const w = await start(2);
    const ref = await spawn(w, 0);
    for (const name of ["7:x", ":", "a:b:c"]) {
      await w.at(0).registry.register(name, ref, duplicate);
    }
    await w.advance(100);
    for (const name of ["7:x", ":", "a:b:c"]) {
      expect(w.at(1).registry.lookupAll(name)).toHaveLength(1);
    }
    expect(w.at(1).registry.lookupAll("x")).toEqual([]);
  });
});
