import { afterEach, describe, expect, test } from "@jest/globals";
import { defineProcess, type ProcessDefinition } from "@foundation/core";
import { definitionOf, definedNames } from "@foundation/core";
import type { DefinitionSource } from "../../../src/index.js";
import { codeOf, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const calls = {
  add: ({ state }: { state: { total: number; ballast?: string } }, by: number) =>
    (state.total += by),
  crash: (): void => {
    throw new Error("crashed on purpose");
  },
};

const each = defineProcess({
  name: "snapshots.each",
  init: () => ({ total: 0 }),
  persist: "each-message",
  call: calls,
});

const manual = defineProcess({
  name: "snapshots.manual",
  init: () => ({ total: 0, ballast: "" }),
  persist: "manual",
  call: {
    ...calls,
    save: (context) => context.persist(),
    grow: async (context, bytes: number) => {
      context.state.ballast = "x".repeat(bytes);
      await context.persist();
    },
  },
});

const regular = defineProcess({
  name: "snapshots.regular",
  init: () => ({ total: 0 }),
  persist: { every: "1s" },
  call: calls,
});

const unkept = defineProcess({
  name: "snapshots.unkept",
  init: () => ({ total: 0 }),
  call: { ...calls, save: (context) => context.persist() },
});

const distributed = (name: string) => ({ name, distribute: true }) as const;

function survivor(w: World) {
  const node = w.nodes.find(({ port }) => w.cluster.nodes.includes(port));
  if (node === undefined) throw new Error("no node is left");
  return node;
}

describe("a process that asks for its state to be kept", () => {
  test("goes on from its last snapshot after a crash", async () => {
    const w = await start(2);
    const ref = await w.run(w.at(0).registry.startProcess(each, undefined, distributed("p")));
    await w.run(ref.call("add", 5));
    expect(await codeOf(w.run(ref.call("crash")))).toBe("ERR_HANDLER_FAILED");
    await w.advance(100);
    expect(await w.run(ref.call("add", 1))).toBe(6);
  });

  test("goes on from its last snapshot where another node takes it over: an answered call is in it", async () => {
    const w = await start(3);
    await w.run(w.at(0).registry.startProcess(each, undefined, distributed("p")));
    const [host] = runningAt(w, "p") as [number];
    const caller = w.at((host + 1) % 3).registry.process(each, "p");
    for (const by of [1, 2, 3]) await w.run(caller.call("add", by));
    w.cluster.down(host);
    await w.advance(2_000);
    expect(runningAt(w, "p")).not.toContain(host);
    expect(await w.run(caller.call("add", 10))).toBe(16);
  });

  test("by hand: what it did after its last snapshot is gone", async () => {
    const w = await start(2);
    const ref = await w.run(w.at(0).registry.startProcess(manual, undefined, distributed("p")));
    await w.run(ref.call("add", 5));
    await w.run(ref.call("save"));
    await w.run(ref.call("add", 7));
    expect(await codeOf(w.run(ref.call("crash")))).toBe("ERR_HANDLER_FAILED");
    await w.advance(100);
    expect(await w.run(ref.call("add", 0))).toBe(5);
  });

  test("at intervals: a takeover finds the state of the last one", async () => {
    const w = await start(3);
    await w.run(w.at(0).registry.startProcess(regular, undefined, distributed("p")));
    const [host] = runningAt(w, "p") as [number];
    const caller = w.at((host + 1) % 3).registry.process(regular, "p");
    await w.run(caller.call("add", 4));
    await w.advance(1_500);
    await w.run(caller.call("add", 100));
    w.cluster.down(host);
    await w.advance(500);
    expect(await w.run(caller.call("add", 0))).toBe(4);
  });

  test("begins with init after a stop: nothing of it is kept on any node", async () => {
    const w = await start(3);
    const ref = await w.run(w.at(0).registry.startProcess(each, undefined, distributed("p")));
    await w.run(ref.call("add", 5));
    await w.run(ref.stop());
    await w.advance(500);
    const again = await w.run(w.at(1).registry.startProcess(each, undefined, distributed("p")));
    expect(await w.run(again.call("add", 1))).toBe(1);
  });

  test("does so on one node only, too, without a name in the cluster", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(each, undefined, { name: "p" }));
    await w.run(ref.call("add", 5));
    expect(await codeOf(w.run(ref.call("crash")))).toBe("ERR_HANDLER_FAILED");
    await w.advance(10);
    expect(await w.run(ref.call("add", 1))).toBe(6);
    await w.run(ref.stop());
    const again = await w.run(w.at(0).registry.startProcess(each, undefined, { name: "p" }));
    expect(await w.run(again.call("add", 1))).toBe(1);
  });

  test("is told when its state is too large to be kept, and what to do", async () => {
    const w = await start(1, {}, { limits: { snapshotBytesMax: 10_000 } });
    const ref = await w.run(w.at(0).registry.startProcess(manual, undefined, distributed("p")));
    await w.run(ref.call("grow", 5_000));
    await expect(w.run(ref.call("grow", 20_000))).rejects.toMatchObject({
      code: "ERR_VALUE_TOO_LARGE",
      message: expect.stringContaining("snapshotBytesMax"),
      details: { limitBytes: 10_000 },
    });
  });

  test("says so where its definition does not ask for it", async () => {
    const w = await start(1);
    const ref = await w.run(w.at(0).registry.startProcess(unkept, undefined, distributed("p")));
    expect(await codeOf(w.run(ref.call("save")))).toBe("ERR_INVALID_ARGUMENT");
  });

  test("after a cut the snapshot of the instance that stays is the one that is kept", async () => {
    const w = await start(3);
    await w.run(w.at(0).registry.startProcess(each, undefined, distributed("p")));
    const [host] = runningAt(w, "p") as [number];
    const near = w.at(host).registry.process(each, "p");
    const far = w.at((host + 1) % 3).registry.process(each, "p");
    await w.run(near.call("add", 1));
    w.cluster.partition([host]);
    await w.advance(1_000);
    for (const by of [10, 10, 10]) await w.run(near.call("add", by));
    await w.run(far.call("add", 100));
    w.cluster.heal();
    await w.advance(15_000);
    const stays = await w.run(far.call("add", 0));
    expect(await w.run(near.call("add", 0))).toBe(stays);
    const [winner] = runningAt(w, "p") as [number];
    w.cluster.down(winner);
    await w.advance(2_000);
    expect(await w.run(survivor(w).registry.process(each, "p").call("add", 0))).toBe(stays);
  });

  test("a snapshot of an older version goes through upgrade on the node that takes it over", async () => {
    const older = definitionOf("snapshots.each") as ProcessDefinition;
    const newer: ProcessDefinition = {
      ...older,
      version: 2,
      upgrade: (state, from) => ({ total: (state as { total: number }).total * 100 + from }),
    };
    const upgraded: DefinitionSource = {
      get: (name) => (name === older.name ? newer : definitionOf(name)),
      names: definedNames,
      onDefined: () => () => undefined,
    };
    const w = await start(2);
    const { port } = w.at(1);
    const other = w.cluster.restart(port);
    expect(other.name).toBe(port.name);
    w.boot(1, { definitions: upgraded });
    await w.advance(200);
    const options = { ...distributed("p"), placement: { ...pinnedTo(w, 0) } };
    await w.run(w.at(0).registry.startProcess(each, undefined, options));
    await w.run(w.at(0).registry.process(each, "p").call("add", 7));
    w.cluster.down(0);
    await w.advance(2_000);
    expect(await w.run(w.at(1).registry.process(each, "p").call("add", 0))).toBe(701);
  });
});

function pinnedTo(w: World, place: number) {
  const { id } = w.at(place).port;
  return { name: "pinned", agrees: true, place: () => id, placeMany: () => [id] };
}
