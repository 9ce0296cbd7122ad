/**
 * What every topology promises while things fail, in the simulator: whole overlays on virtual time, among them links
 * that are cut one way, processes that pause, halves of a partition, and nine of ten that die at once.
 */
import { describe, expect, test } from "@jest/globals";
import { inWorld, topologies } from "../support/topology-world.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

describe.each(topologies)("%s", (topology) => {
  const seeded = (seed: string) => ({ topology, seed: `${topology} ${seed}` });

  describe("broadcasts", () => {
    test("miss nobody who lives, once and in order, though nodes join and die meanwhile", () =>
      inWorld(seeded("misses"), async (world) => {
        await world.form(16);
        const origins = ["n1", "n6", "n11"];
        for (const i of numbers(60)) {
          for (const origin of origins) world.publish(origin, i);
          if (i === 15 || i === 30) world.crash(world.bestLinked(origins));
          if (i === 20) world.add("late");
          await world.sim.run("100ms");
        }
        await world.sim.run("30s");
        expect(world.isWhole()).toBe(true);
        for (const name of world.names.filter((each) => each !== "late")) {
          for (const origin of origins) {
            expect({ name, origin, heard: world.heardOf(name, origin) }).toEqual({
              name,
              origin,
              heard: name === origin ? [] : numbers(60),
            });
          }
        }
      }));

    test("of a slow handler hold up nobody, nor other broadcasts at the same node", () =>
      inWorld(seeded("slow"), async (world) => {
        await world.form(12);
        const done = new Map<string, number>();
        for (const name of world.names) {
          world.sim.node(name).within(({ overlay }) =>
            overlay.broadcast.handle("work", async () => {
              if (name === world.bestLinked()) await world.sim.clock.sleep(60_000);
              done.set(name, (done.get(name) ?? 0) + 1);
            }),
          );
        }
        const slow = world.bestLinked();
        const origin = world.names.find((name) => name !== slow) as string;
        for (const i of numbers(100)) {
          world.sim
            .node(origin)
            .within(({ overlay }) => overlay.broadcast.publish("work", i, { channel: "events" }));
        }
        world.publish(origin, "after the work");
        await world.sim.run("2s");
        for (const name of world.names.filter((each) => each !== origin)) {
          expect(world.heardOf(name, origin)).toEqual(["after the work"]);
          expect(done.get(name) ?? 0).toBe(name === slow ? 0 : 100);
        }
      }));
  });

  describe("nobody is wrongly declared dead", () => {
    test("by a link that carries nothing one way", () =>
      inWorld(seeded("one way"), async (world) => {
        await world.form(12);
        for (const from of ["n1", "n4", world.bestLinked()]) {
          const [neighbour] = world.overlay(from).neighbours();
          const to = world.nameOf(neighbour as NonNullable<typeof neighbour>);
          world.sim.partition([from], [to], { oneWay: true });
          await world.sim.run("60s");
          world.sim.heal();
          await world.sim.run("20s");
          expect(world.told("node-down")).toEqual([]);
        }
        expect(world.isWhole()).toBe(true);
      }));

    test("by a pause of 3 s, neither the paused nor by it", () =>
      inWorld(seeded("3 s"), async (world) => {
        await world.form(12);
        for (const name of world.names) {
          world.sim.pause(name);
          await world.sim.run("3s");
          world.sim.resume(name);
          await world.sim.run("12s");
        }
        expect(world.told("node-down")).toEqual([]);
        expect(world.isWhole()).toBe(true);
      }));

    test("by a pause of 5 s, but for one in twenty at most", () =>
      inWorld(seeded("5 s"), async (world) => {
        await world.form(10);
        let deaths = 0;
        for (const i of numbers(20)) {
          const before = world.told("node-down").length;
          // Wherever in the others' periods it falls: pauses must not begin with a probe each time.
          await world.sim.run(Math.floor(1_000 * world.sim.random.next()));
          world.sim.pause(`n${i % 10}`);
          await world.sim.run("5s");
          world.sim.resume(`n${i % 10}`);
          await world.sim.run("25s");
          if (world.told("node-down").length > before) deaths += 1;
          expect(world.isWhole()).toBe(true);
        }
        expect(deaths).toBeLessThanOrEqual(1);
      }));
  });

  describe("heals", () => {
    test("after a partition in halves, each of which listed itself", () =>
      inWorld(seeded("halves"), async (world) => {
        await world.form(12);
        const halves = [world.names.slice(0, 6), world.names.slice(6)] as const;
        world.sim.partition(...halves);
        const sizeOf = (name: string) => world.overlay(name).membership.members().length;
        const isSplit = () => world.names.every((name) => sizeOf(name) === 6);
        expect(await world.sim.until(isSplit, "120s")).toBe(true);
        world.publish("n0", "to a half");
        await world.sim.run("20s");
        for (const name of halves[0].slice(1)) {
          expect(world.heardOf(name, "n0")).toEqual(["to a half"]);
        }
        world.sim.heal();
        expect(await world.sim.until(() => world.isWhole(), "30s")).toBe(true);
        await world.sim.run("20s");
        expect(world.cutOff).toEqual([]);
        for (const origin of ["n0", "n7"]) world.publish(origin, "to all");
        await world.sim.run("5s");
        for (const name of world.names) {
          for (const origin of ["n0", "n7"].filter((each) => each !== name)) {
            expect(world.heardOf(name, origin).at(-1)).toBe("to all");
          }
        }
      }));

    test.each([
      ["process", "20s"],
      ["power", "90s"],
    ] as const)("after nine of ten died at once (%s)", (kind, within) =>
      inWorld(seeded(`90 % ${kind}`), async (world) => {
        await world.form(30);
        for (const name of world.names.filter((_, i) => i % 10 !== 3)) {
          world.sim.crash(name, { kind });
        }
        expect(world.names).toHaveLength(3);
        // Who had no link to a survivor is found by looks at those without one, which follow each other.
        expect(await world.sim.until(() => world.isWhole(), within)).toBe(true);
        await world.sim.run("20s");
        expect(world.cutOff).toEqual([]);
        expect(world.oneSided).toEqual([]);
        world.publish("n3", "to the rest");
        await world.sim.run("5s");
        for (const name of world.names.filter((each) => each !== "n3")) {
          expect(world.heardOf(name, "n3")).toEqual(["to the rest"]);
        }
      }),
    );
  });
});

// Where members have links to few, most of the other half has to be looked for.
test.each(["hyparview", "client-server"] as const)(
  "halves of forty with few links each know soon that they are halves, and heal (%s)",
  (topology) =>
    inWorld({ topology, seed: `${topology} twenty` }, async (world) => {
      await world.form(40);
      world.sim.partition(world.names.slice(0, 20), world.names.slice(20));
      const sizeOf = (name: string) => world.overlay(name).membership.members().length;
      const isSplit = () => world.names.every((name) => sizeOf(name) === 20);
      expect(await world.sim.until(isSplit, "30s")).toBe(true);
      world.sim.heal();
      expect(await world.sim.until(() => world.isWhole(), "30s")).toBe(true);
    }),
);
