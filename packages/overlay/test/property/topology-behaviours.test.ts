/**
 * What every topology promises, in the simulator: the same behaviours of full mesh, HyParView and client-server, with
 * whole overlays on virtual time. topology-behaviours of integration/ shows over sockets what can be shown there.
 */
import { describe, expect, test } from "@jest/globals";
import { lanConditions, throwsWith } from "@foundation/testkit";
import type { Overlay, OverlayOptions, TopologyFeature } from "../../src/index.js";
import { supports, topologyFeatures } from "../../src/protocol/switching/capabilities.js";
import { inWorld, topologies, type TopologyWorld } from "../support/topology-world.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** What a node was told about another one, in order, with the boot. */
const toldAbout = (world: TopologyWorld, name: string, about: string) =>
  world
    .app(name)
    .events.filter(({ node }) => node.id === world.idOf(about))
    .map(({ type, node }) => `${type} ${node.boot}`);

describe.each(topologies)("%s", (topology) => {
  const seeded = (seed: string) => ({ topology, seed: `${topology} ${seed}` });

  describe("says honestly", () => {
    const has = (feature: TopologyFeature) => supports(topology, feature);

    test("whether every member has a link to every other one before the first message", () =>
      inWorld(seeded("linked"), async (world) => {
        await world.form(16);
        await world.sim.run("90s");
        const linksOf = (node: Overlay) =>
          node.links().filter(({ channel, up }) => channel === "coordination" && up);
        const isLinkedToAll = world.overlays.every((node) => linksOf(node).length === 15);
        expect(isLinkedToAll).toBe(has("links-to-all"));
      }));

    test("whether links change though no member comes or goes", () =>
      inWorld(seeded("rotation"), async (world) => {
        await world.form(14);
        const views = () => world.overlays.map((node) => [...node.neighbours()].sort().join());
        const before = views();
        await world.sim.run("5m");
        expect(views().some((view, i) => view !== before[i])).toBe(has("link-rotation"));
      }));

    test("whether the role of a server has an effect, and whether some carry more than others", () =>
      inWorld(seeded("roles"), async (world) => {
        for (let i = 0; i < 14; i += 1) world.add(`n${i}`, i < 2 ? { roles: ["server"] } : {});
        await world.sim.run("2s");
        await world.settled();
        const degrees = world.overlays.map((node) => node.neighbours().length);
        const most = Math.max(...degrees);
        const isServers = degrees.every((degree, i) => (degree === most) === i < 2);
        expect(isServers).toBe(has("server-role"));
        expect(most <= 2 * Math.min(...degrees)).toBe(has("equal-load"));
      }));

    test("what it cannot do, by an error that says why and what to do instead", () =>
      inWorld(seeded("refuses"), async (world) => {
        await world.form(3);
        const overlay = world.overlay("n1");
        for (const feature of topologyFeatures) {
          const lack = overlay.capabilities.lacks[feature];
          if (lack === undefined) {
            expect(() => overlay.requireFeature(feature)).not.toThrow();
            continue;
          }
          expect(
            throwsWith(() => overlay.requireFeature(feature), "ERR_NOT_SUPPORTED").details,
          ).toEqual({
            topology,
            feature,
            ...lack,
          });
        }
        throwsWith(
          () => overlay.requireFeature("teleport" as TopologyFeature),
          "ERR_INVALID_ARGUMENT",
        );
      }));
  });

  describe("membership", () => {
    test("all list all, and say the same of each", () =>
      inWorld(seeded("list"), async (world) => {
        await world.form(12);
        const [first, ...others] = world.overlays.map(({ membership }) =>
          membership
            .members()
            .map(({ id, boot, status, name }) => `${name} ${id} ${boot} ${status}`),
        );
        expect(first).toHaveLength(12);
        for (const list of others) expect(list).toEqual(first);
      }));

    test("who leaves is gone as left, no stale node brings it back, and it can come again", () =>
      inWorld(seeded("leave"), async (world) => {
        await world.form(12);
        // One that sleeps through the farewell, and tells a newcomer of what it knows.
        world.sim.pause("n5");
        await world.leave("n4");
        await world.sim.run("1s");
        world.sim.resume("n5");
        world.add("late", {}, "n5");
        await world.sim.run("40s");
        expect(world.isWhole()).toBe(true);
        expect(world.told("node-down")).toEqual([]);
        const witnesses = world.names.filter((name) => name !== "late");
        expect(world.told("node-left")).toEqual(
          expect.arrayContaining(witnesses.map((name) => `${name}: n4`)),
        );
        for (const name of witnesses) expect(toldAbout(world, name, "n4").length).toBe(2);
        world.restart("n4");
        await world.settled();
        for (const name of world.names) {
          expect(world.overlay(name).membership.member(world.idOf("n4"))?.status).toBe("alive");
        }
        expect(await world.ask("n9", "n4", "again")).toBe("again");
      }));

    test("a restart at a new address takes the old one's place, which is told first", () =>
      inWorld(seeded("restart"), async (world) => {
        await world.form(12);
        const before = world.overlay("n4").address;
        world.restart("n4");
        await world.settled();
        const { self, address } = world.overlay("n4");
        expect(address).not.toBe(before);
        for (const name of world.names.filter((other) => other !== "n4")) {
          const { membership } = world.overlay(name);
          expect(membership.member(self.id)).toMatchObject({ boot: self.boot, address });
          const [up, down, again] = toldAbout(world, name, "n4").filter(
            (line) => !line.startsWith("node-suspect"),
          );
          expect([up, down, again].map((line) => line?.split(" ")[0])).toEqual([
            "node-up",
            "node-down",
            "node-up",
          ]);
          expect(again).toBe(`node-up ${self.boot}`);
        }
        expect(await world.ask("n9", "n4", 1)).toBe(1);
        expect(await world.ask("n4", "n9", 2)).toBe(2);
      }));

    test("a join storm through one node ends whole, and nobody is declared dead in it", () =>
      inWorld(seeded("storm"), async (world) => {
        world.add("n0");
        await world.sim.run("1s");
        for (let i = 1; i < 30; i += 1) world.add(`n${i}`, {}, "n0");
        expect(
          await world.sim.until(() => world.names.length === 30 && world.isWhole(), "10s"),
        ).toBe(true);
        await world.sim.run("20s");
        expect(world.told("node-down")).toEqual([]);
        expect(world.cutOff).toEqual([]);
        expect(world.oneSided).toEqual([]);
      }));
  });

  describe("views", () => {
    test("are connected and symmetric", () =>
      inWorld(seeded("views"), async (world) => {
        await world.form(18);
        for (let i = 0; i < 3; i += 1) {
          expect({ cutOff: world.cutOff, oneSided: world.oneSided }).toEqual({
            cutOff: [],
            oneSided: [],
          });
          await world.sim.run("30s");
        }
      }));

    test.each([
      ["a process that is killed", "process", "5s"],
      ["a host that falls silent", "power", "30s"],
    ] as const)("no longer hold %s, and are connected without it", (_, kind, within) =>
      inWorld(seeded(kind), async (world) => {
        await world.form(15);
        const dead = world.bestLinked();
        const id = world.idOf(dead);
        world.sim.crash(dead, { kind });
        expect(await world.sim.until(() => world.isWhole(), within)).toBe(true);
        await world.sim.run("20s");
        for (const node of world.overlays) {
          expect(node.neighbours()).not.toContain(id);
          expect(node.links().map(({ peer }) => peer)).not.toContain(id);
          expect(node.explain(id)).toMatchObject({ status: "down", link: "none" });
        }
        expect(world.cutOff).toEqual([]);
        expect(world.told("node-down").every((line) => line.endsWith(`: ${dead}`))).toBe(true);
      }),
    );
  });

  describe("the basics", () => {
    const delay = { ...lanConditions, latencyMs: 60, jitterMs: 80 };
    const lanes = {
      channels: [
        { name: "work", parallelism: 4 },
        { name: "events", parallelism: 4 },
      ],
    };
    interface Variant {
      readonly overlay?: Partial<OverlayOptions>;
      readonly conditions?: typeof lanConditions;
      readonly apart?: boolean;
    }
    const variants: readonly (readonly [string, Variant])[] = [
      ["plainly", {}],
      ["over several lanes", { overlay: lanes }],
      ["with a delay of 60 to 140 ms each way", { conditions: delay }],
      [
        "where two members never reach each other but over others",
        { overlay: { relay: true }, apart: true },
      ],
    ];

    test.each(variants)(
      "hold %s: each reaches each, and broadcasts reach all in order",
      (name, variant) =>
        inWorld({ ...seeded(name), ...variant }, async (world) => {
          await world.form(8, variant.apart === true ? ["n2", "n6"] : undefined);
          for (const from of world.names) {
            for (const to of world.names) {
              expect(await world.ask(from, to, `${from} ${to}`, "work")).toBe(`${from} ${to}`);
            }
          }
          for (const origin of world.names) for (const i of numbers(10)) world.publish(origin, i);
          await world.sim.run("5s");
          for (const name of world.names) {
            for (const origin of world.names) {
              expect(world.heardOf(name, origin)).toEqual(name === origin ? [] : numbers(10));
            }
          }
          expect(world.told("node-down")).toEqual([]);
        }),
    );

    test("hold for streams and large messages, linked or not", () =>
      inWorld(seeded("streams"), async (world) => {
        await world.form(12);
        const sizes = [1, 70_000, 3_000_000];
        for (const name of world.names) {
          world.sim.node(name).within(({ overlay }) =>
            overlay.messenger.handleStream("sum", async (stream) => {
              let bytes = 0;
              for await (const piece of stream) bytes += piece.length;
              return bytes;
            }),
          );
        }
        for (const to of ["n1", "n6", "n11"]) {
          for (const size of sizes) {
            const route = { to: world.idOf(to), channel: "data", subject: "sum" };
            const pieces = numbers(3).map(() => new Uint8Array(size));
            const streaming = world.sim
              .node("n3")
              .within(({ overlay }) => overlay.messenger.stream(route, pieces));
            expect(await world.sim.settle(streaming)).toBe(3 * size);
            const echoed = await world.ask("n3", to, new Uint8Array(size).fill(7));
            expect((echoed as Uint8Array).length).toBe(size);
          }
        }
      }));
  });
});
