/**
 * Clients and servers, in the simulator: where clients refuse clients they reach each other over their servers, and
 * nobody is without a server for long when servers die.
 */
import { describe, expect, test } from "@jest/globals";
import { throwsWith } from "@foundation/testkit";
import { createOverlay, type OverlayOptions } from "../../src/index.js";
import { inWorld, type TopologyWorld } from "../support/topology-world.js";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const refused: Partial<OverlayOptions> = { clientLinks: "refused" };
const seeded = (seed: string, overlay: Partial<OverlayOptions> = refused) =>
  ({ topology: "client-server", seed, overlay }) as const;
const servers = ["s0", "s1", "s2"];
const clients = numbers(6).map((i) => `c${i}`);

/** Three servers by their role and six clients, each started with the options that `of` gives for it. */
async function formed(
  world: TopologyWorld,
  of: (name: string) => Partial<OverlayOptions> = () => ({}),
): Promise<void> {
  for (const name of servers) world.add(name, { roles: ["server"], ...of(name) });
  await world.sim.run("1s");
  for (const name of clients) world.add(name, of(name));
  await world.sim.run("1s");
  await world.settled();
  // Links that joining has opened rest by then.
  await world.sim.run("90s");
}

const refusalsOf = (world: TopologyWorld, name: string, direction: "inbound" | "outbound") =>
  world
    .overlay(name)
    .refusals()
    .find((each) => each.code === "ERR_CLIENT_REFUSED" && each.direction === direction)?.count ?? 0;

/** Nothing that a client sends directly reaches another client. */
function cutClientsApart(world: TopologyWorld): void {
  for (const a of clients) for (const b of clients) if (a < b) world.sim.partition([a], [b]);
}

describe("clients that refuse clients", () => {
  test("are linked to servers only, and reach each other over them at once", () =>
    inWorld(seeded("reach"), async (world) => {
      await formed(world);
      for (const name of clients) {
        const neighbours = world.overlay(name).neighbours();
        for (const id of neighbours) expect(servers).toContain(world.nameOf(id));
        expect(neighbours).toHaveLength(2);
      }
      cutClientsApart(world);
      for (const from of clients) {
        for (const to of clients) {
          const before = world.sim.clock.now();
          expect(await world.ask(from, to, `${from} ${to}`)).toBe(`${from} ${to}`);
          // No dial had to fail first.
          expect(world.sim.clock.now() - before).toBeLessThan(500);
        }
      }
      const large = new Uint8Array(400_000).fill(3);
      expect(await world.ask("c1", "c4", large)).toEqual(large);
      expect(world.told("node-down")).toEqual([]);
      expect(world.isWhole()).toBe(true);
    }));

  test("stream to each other, and their broadcasts reach all", () =>
    inWorld(seeded("streams"), async (world) => {
      await formed(world);
      cutClientsApart(world);
      world.sim.node("c5").within(({ overlay }) =>
        overlay.messenger.handleStream("sum", async (stream) => {
          let bytes = 0;
          for await (const piece of stream) bytes += piece.length;
          return bytes;
        }),
      );
      const route = { to: world.idOf("c5"), channel: "data", subject: "sum" };
      const pieces = numbers(40).map(() => new Uint8Array(50_000));
      const streaming = world.sim
        .node("c2")
        .within(({ overlay }) => overlay.messenger.stream(route, pieces));
      expect(await world.sim.settle(streaming)).toBe(2_000_000);
      for (const i of numbers(20)) world.publish("c2", i);
      await world.sim.run("3s");
      for (const name of world.names.filter((each) => each !== "c2")) {
        expect(world.heardOf(name, "c2")).toEqual(numbers(20));
      }
    }));

  test("refuse by a code that both sides count; who can goes over servers then, who cannot is told", () =>
    inWorld(seeded("typed", {}), async (world) => {
      const others = { c0: {}, c1: { relay: true } } as Record<string, Partial<OverlayOptions>>;
      await formed(world, (name) => others[name] ?? refused);
      const before = refusalsOf(world, "c4", "inbound");
      await expect(world.ask("c0", "c4", 1)).rejects.toMatchObject({
        code: "ERR_NODE_UNREACHABLE",
      });
      expect(refusalsOf(world, "c0", "outbound")).toBeGreaterThan(0);
      expect(refusalsOf(world, "c4", "inbound")).toBeGreaterThan(before);
      expect(await world.ask("c1", "c4", 2)).toBe(2);
      expect(refusalsOf(world, "c1", "outbound")).toBeGreaterThan(0);
      // A refusal is an answer: nobody takes it for a death.
      await world.sim.run("30s");
      expect(world.told("node-down")).toEqual([]);
      expect(world.told("node-suspect")).toEqual([]);
    }));

  test("say so among their capabilities, and say what else can be done", () =>
    inWorld(seeded("says"), async (world) => {
      await formed(world);
      const overlay = world.overlay("c0");
      expect(overlay.capabilities.unicast).toBe("relayed");
      const { details } = throwsWith(
        () => overlay.requireFeature("link-on-demand"),
        "ERR_NOT_SUPPORTED",
      );
      expect(details["instead"]).toContain('"on-demand"');
      overlay.requireFeature("unicast");
    }));

  test("take in newcomers, and members that start again, whoever they ask first", () =>
    inWorld(seeded("first contact"), async (world) => {
      await formed(world);
      world.add("late", {}, "c3");
      await world.settled();
      expect(await world.ask("late", "c5", 1)).toBe(1);
      // It asks the oldest, so these have to be gone from its sight.
      world.sim.partition(servers, ["late"]);
      world.crash("late");
      await world.sim.run("5s");
      world.sim.heal();
      world.restart("late");
      await world.settled();
      expect(await world.ask("c5", "late", 2)).toBe(2);
    }));

  test("find each other when all servers die at once, and make servers of their own", () =>
    inWorld(seeded("no servers"), async (world) => {
      await formed(world);
      for (const name of servers) world.crash(name);
      expect(await world.sim.until(() => world.isWhole(), "60s")).toBe(true);
      await world.sim.run("30s");
      expect(world.cutOff).toEqual([]);
      expect(world.oneSided).toEqual([]);
      for (const from of clients) expect(await world.ask(from, "c2", from)).toBe(from);
    }));
});

test.each(["on-demand", "refused"] as const)(
  "servers that die one by one lose no reliable message between clients (%s)",
  (clientLinks) => {
    const channels = [{ name: "sure", delivery: "reliable" }] as const;
    return inWorld(seeded("fail over", { clientLinks, channels }), async (world) => {
      await formed(world);
      const heard: unknown[] = [];
      world.sim
        .node("c5")
        .within(({ overlay }) =>
          overlay.messenger.handle("number", ({ payload }) => void heard.push(payload)),
        );
      const route = { to: world.idOf("c5"), channel: "sure", subject: "number" };
      for (const i of numbers(300)) {
        const outcome = world.sim
          .node("c0")
          .within(({ overlay }) => overlay.messenger.trySend(route, i));
        expect(outcome).toBe("accepted");
        world.publish("c0", i);
        if (i === 100 || i === 200) world.crash(world.bestLinked(["c0", "c5"]));
        await world.sim.run("20ms");
      }
      await world.sim.run("30s");
      expect(heard).toEqual(numbers(300));
      for (const name of world.names.filter((each) => each !== "c0")) {
        expect(world.heardOf(name, "c0")).toEqual(numbers(300));
      }
    });
  },
);

test.each([
  ["where relay is false", { clientLinks: "refused", relay: false }],
  ["of another name", { clientLinks: "forbidden" as "refused" }],
] as const)("a way of linking clients %s is refused at the start", async (_, options) => {
  const starting = createOverlay({ cluster: "test", secret: "a secret of the test", ...options });
  await expect(starting).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
    details: { argument: "clientLinks" },
  });
});
