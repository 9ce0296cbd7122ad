import { afterEach, describe, expect, test } from "@jest/globals";
import { createCodec, defineProcess } from "@foundation/core";
import type { NameConflict } from "../../../src/index.js";
import { counter, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
async function start(...options: Parameters<typeof world>): Promise<World> {
  open = await world(...options);
  return open;
}
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const basket = defineProcess({
  name: "conflicts.basket",
  init: () => ({ items: [] as string[], merges: 0 }),
  call: {
    put: ({ state }, item: string) => {
      state.items.push(item);
    },
    items: ({ state }) => [...state.items].sort(),
    merges: ({ state }) => state.merges,
    hang: () => new Promise<void>(() => undefined),
    fill: ({ state }, length: number) => {
      state.items.push("x".repeat(length));
    },
  },
  resolveConflict: ({ state }, other) => {
    state.merges += 1;
    for (const item of other.items) if (!state.items.includes(item)) state.items.push(item);
  },
});

const distributed = (name: string) => ({ name, distribute: true }) as const;

/** Both sides of a cut run the basket, and each has put something into its own. */
async function twoBaskets(w: World, options: object = {}): Promise<readonly [number, number]> {
  const named = { ...distributed("b"), ...options };
  await w.run(w.at(0).registry.startProcess(basket, undefined, named));
  await w.advance(500);
  await w.run(w.at(0).registry.process(basket, "b").call("put", "both"));
  const [home] = runningAt(w, "b") as [number];
  w.cluster.partition([home]);
  await w.advance(10_000);
  const places = runningAt(w, "b");
  expect(places).toHaveLength(2);
  for (const place of places) {
    await w.run(w.at(place).registry.process(basket, "b").call("put", `at ${place}`));
  }
  return places as unknown as readonly [number, number];
}

describe("two processes of one name, when a cut heals", () => {
  test("become one that knows what both knew, by resolveConflict, once", async () => {
    const w = await start(3);
    const places = await twoBaskets(w);
    w.cluster.heal();
    await w.advance(10_000);
    expect(runningAt(w, "b")).toHaveLength(1);
    const ref = w.at(0).registry.process(basket, "b");
    // Who was started anew does not have what only the older one had, but for the merge.
    expect(await w.run(ref.call("items"))).toEqual([...places.map((at) => `at ${at}`), "both"]);
    expect(await w.run(ref.call("merges"))).toBe(1);
  });

  test("hand a large state over too", async () => {
    const w = await start(3, {}, { limits: { inlineStateBytesMax: 1_000 } });
    const places = await twoBaskets(w);
    for (const place of places) {
      await w.run(
        w
          .at(place)
          .registry.process(basket, "b")
          .call("fill", 200_000 + place),
      );
    }
    w.cluster.heal();
    await w.advance(10_000);
    const items = await w.run(w.at(0).registry.process(basket, "b").call("items"));
    expect(items.map(({ length }) => length).sort((a, b) => a - b)).toEqual([
      ...[4, 4, 4],
      ...places.map((place) => 200_000 + place).sort((a, b) => a - b),
    ]);
  });

  test("tell the application who ends, who stays and what is lost, where a definition says nothing", async () => {
    const conflicts: NameConflict[] = [];
    const w = await start(
      3,
      {},
      {
        onConflict: (conflict) => {
          conflicts.push(conflict);
          throw new Error("its own trouble");
        },
      },
    );
    await w.run(w.at(0).registry.startProcess(counter, { from: 40 }, distributed("c")));
    await w.advance(500);
    const [home] = runningAt(w, "c") as [number];
    w.cluster.partition([home]);
    await w.advance(10_000);
    await w.run(w.at(home).registry.process(counter, "c").call("add", 2));
    w.cluster.heal();
    await w.advance(10_000);
    const [winner] = runningAt(w, "c") as [number];
    expect(conflicts).toMatchObject([
      {
        name: "c",
        definition: "test.counter",
        loser: { node: w.at(home).port.id },
        winner: { node: w.at(winner).port.id },
        state: { total: 42 },
      },
    ]);
  });

  test("are one after a bounded time, also when the loser's handler never ends", async () => {
    const w = await start(3);
    const [first, second] = await twoBaskets(w);
    for (const place of [first, second]) {
      w.at(place)
        .registry.process(basket, "b")
        .call("hang")
        .catch(() => undefined);
    }
    await w.advance(100);
    w.cluster.heal();
    await w.advance(20_000);
    expect(runningAt(w, "b")).toHaveLength(1);
  });

  test("with names of their own nodes are merged alike", async () => {
    const w = await start(2);
    w.cluster.partition([0]);
    await w.advance(1_000);
    for (const place of [0, 1]) {
      const ref = await w.run(
        w.at(place).registry.startProcess(basket, undefined, { name: "local" }),
      );
      await w.run(ref.call("put", `at ${place}`));
    }
    w.cluster.heal();
    await w.advance(10_000);
    expect(runningAt(w, "local")).toHaveLength(1);
    const ref = w.at(0).registry.process(basket, "local");
    expect(await w.run(ref.call("items"))).toEqual(["at 0", "at 1"]);
  });

  test("that end while the loser's state is upgraded have not taken it", async () => {
    const w = await start(2);
    let upgraded = () => {};
    const upgrading = defineProcess({
      name: "conflicts.upgrading",
      version: 2,
      init: () => ({ items: [] as string[] }),
      upgrade: () =>
        new Promise<{ items: string[] }>((resolve) => {
          upgraded = () => resolve({ items: [] });
        }),
      resolveConflict: () => undefined,
    });
    const { registry, kernel, port } = w.at(0);
    await w.run(registry.startProcess(upgrading, undefined, { name: "u", restart: "temporary" }));
    const head = { name: "u", definition: "conflicts.upgrading", version: 1 };
    const asked = w
      .at(1)
      .port.messenger.request(
        { to: port.id, channel: "processes", subject: "registry.conflict" },
        [head, createCodec().encode({ items: ["old"] })],
        { timeoutMs: 5_000 },
      );
    await w.advance(100);
    for (const { pid } of kernel.list()) kernel.exit(pid, { type: "killed" });
    await w.advance(100);
    upgraded();
    expect(await w.run(asked)).toBe("later");
  });
});
