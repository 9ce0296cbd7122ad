/** Constraints, loads and the choice of nodes, through whole registries. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { leastLoaded, pinned, type Member, type NodeId, type NodeLoad } from "@foundation/core";
import type { Constraints, RegistryOptions, StartOptions } from "../../../src/index.js";
import { codeOf, counter, other, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** A cluster whose nodes have these zones, in the order they were started. */
async function zoned(
  zones: readonly string[],
  registry: Partial<RegistryOptions> = {},
): Promise<World> {
  const w = await world(0, { nodes: zones.length }, registry);
  open = w;
  const labelled = (member: Member): Member => {
    const place = w.cluster.nodes.findIndex(({ name }) => name === member.name);
    const zone = zones[place];
    return zone === undefined ? member : { ...member, labels: { zone } };
  };
  for (let place = 0; place < zones.length; place++) {
    const { membership } = w.cluster.node(place);
    w.boot(place, {
      membership: {
        get self() {
          return labelled(membership.self);
        },
        members: () => membership.members().map(labelled),
        member: (id) => {
          const found = membership.member(id);
          return found && labelled(found);
        },
        subscribe: (listener) => membership.subscribe(listener),
      },
    });
  }
  await w.advance(100);
  return w;
}

async function plain(count: number, registry: Partial<RegistryOptions> = {}): Promise<World> {
  open = await world(count, {}, registry);
  return open;
}

function startOn(w: World, place: number, name: string, more: Partial<StartOptions> = {}) {
  const options = { name, distribute: true, ...more };
  return w.at(place).registry.startProcess(counter, { from: 0 }, options);
}

const idOf = (w: World, place: number): NodeId => w.cluster.node(place).id;

describe("constraints of a start", () => {
  const apart: Constraints = { group: "g", antiAffinity: { group: "g" } };

  test("hold for a burst of starts, of which none waits for another", async () => {
    const w = await plain(4);
    const names = ["a", "b", "c", "d"];
    await w.run(Promise.all(names.map((name) => startOn(w, 0, name, { constraints: apart }))));
    const places = names.map((name) => runningAt(w, name));
    expect(places.flat().sort()).toEqual([0, 1, 2, 3]);
  });

  test("that no node meets are refused with what is wrong with each node", async () => {
    const w = await plain(2);
    await w.run(startOn(w, 0, "a", { constraints: apart, on: idOf(w, 1) }));
    w.cluster.drain(0);
    await w.advance(10);
    const refused = await w.run(
      startOn(w, 1, "b", { constraints: apart }).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    expect(refused).toMatchObject({
      code: "ERR_NO_CANDIDATE",
      details: {
        name: "b",
        nodes: expect.arrayContaining([
          { node: w.cluster.node(0).name, why: "it is draining" },
          {
            node: w.cluster.node(1).name,
            why: 'a child of it keeps the group "g" off its node',
          },
        ]),
      },
    });
    expect(runningAt(w, "b")).toEqual([]);
  });

  test("of one node hold although two others chose it at the same moment", async () => {
    const w = await plain(3);
    const more = { constraints: { group: "g", capacity: 1 }, placement: pinned(idOf(w, 2)) };
    const codes = [startOn(w, 0, "a", more), startOn(w, 1, "b", more)].map(codeOf);
    expect((await w.run(Promise.all(codes))).sort()).toEqual(["ERR_NO_CANDIDATE", "none"]);
    expect([...runningAt(w, "a"), ...runningAt(w, "b")]).toEqual([2]);
  });

  test("count a start that failed no longer", async () => {
    const w = await plain(1);
    const constraints = { capacity: { prefix: "n", max: 1 } };
    const failing = w
      .at(0)
      .registry.startProcess(
        counter,
        { from: 1n as unknown as number },
        { name: "n1", distribute: true, constraints, meta: "x".repeat(70_000) },
      );
    expect(await codeOf(w.run(failing))).toBe("ERR_VALUE_TOO_LARGE");
    await w.run(startOn(w, 0, "n2", { constraints }));
    expect(await codeOf(w.run(startOn(w, 0, "n3", { constraints })))).toBe("ERR_NO_CANDIDATE");
    await w.run(w.at(0).registry.process(counter, "n2").stop());
    await w.run(startOn(w, 0, "n3", { constraints }));
  });

  test("that make no sense are refused with what is wrong about them", async () => {
    const w = await plain(1);
    const constraints = { spread: { over: "" } };
    await expect(startOn(w, 0, "a", { constraints })).rejects.toThrow(/spread must be/);
  });

  test("spread a burst evenly over zones", async () => {
    const w = await zoned(["east", "east", "east", "west"]);
    const names = ["a", "b", "c", "d", "e", "f"];
    const constraints: Constraints = { group: "g", spread: { over: "zone" } };
    await w.run(Promise.all(names.map((name) => startOn(w, 0, name, { constraints }))));
    const west = names.filter((name) => runningAt(w, name)[0] === 3);
    expect(west).toHaveLength(3);
  });
});

describe("constraints of a child whose node is gone", () => {
  test("hold: children that avoid each other stay apart, and wait while there is no room", async () => {
    const w = await plain(4);
    const constraints: Constraints = { group: "g", antiAffinity: { group: "g" } };
    const names = ["a", "b", "c"];
    await w.run(Promise.all(names.map((name) => startOn(w, 0, name, { constraints }))));
    await w.advance(50);
    const placesOf = () => names.flatMap((name) => runningAt(w, name)).sort();
    const [first, second] = names.map((name) => runningAt(w, name)[0] as number);
    w.cluster.down(first as number);
    await w.advance(50);
    expect(placesOf()).toEqual([0, 1, 2, 3].filter((place) => place !== first));
    w.cluster.down(second as number);
    await w.advance(20_000);
    expect(placesOf()).toEqual([0, 1, 2, 3].filter((each) => each !== first && each !== second));
    w.cluster.restart(first as number);
    w.boot(first as number);
    await w.advance(1_000);
    expect(placesOf()).toEqual([0, 1, 2, 3].filter((place) => place !== second));
  });

  test("hold for all that a node leaves behind at once, each knowing where the others go", async () => {
    const w = await zoned(["east", "east", "west", "west", "north"]);
    const names = Array.from({ length: 12 }, (_, i) => `child-${i}`);
    const constraints: Constraints = { group: "g", spread: { over: "zone" } };
    await w.run(Promise.all(names.map((name) => startOn(w, 0, name, { constraints }))));
    await w.advance(50);
    const countAt = (places: readonly number[]) =>
      names.filter((name) => places.includes(runningAt(w, name)[0] as number)).length;
    expect([countAt([0, 1]), countAt([2, 3]), countAt([4])]).toEqual([4, 4, 4]);
    w.cluster.down(4);
    await w.advance(1_000);
    expect([countAt([0, 1]), countAt([2, 3])]).toEqual([6, 6]);
  });

  test("keep together what belongs together", async () => {
    const w = await plain(4);
    const constraints: Constraints = { group: "g", affinity: { group: "g" } };
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    await w.run(startOn(w, 0, "a", { constraints }));
    await w.run(Promise.all(names.slice(1).map((name) => startOn(w, 0, name, { constraints }))));
    const [home] = runningAt(w, "a") as [number];
    for (const name of names) expect(runningAt(w, name)).toEqual([home]);
    await w.advance(50);
    w.cluster.down(home);
    // Before any of them could be told where another one is.
    await w.advance(1);
    const taken = names.flatMap((name) => runningAt(w, name));
    expect(new Set(taken).size).toBe(1);
    await w.advance(1_000);
    for (const name of names) expect(runningAt(w, name)).toEqual([taken[0]]);
  });

  test("let it go where another one made room, at once and not at the next sweep", async () => {
    const w = await plain(3);
    const constraints: Constraints = { group: "g", antiAffinity: { group: "g" } };
    const names = ["a", "b", "c"];
    await w.run(Promise.all(names.map((name) => startOn(w, 0, name, { constraints }))));
    await w.advance(50);
    w.cluster.down(runningAt(w, "a")[0] as number);
    await w.advance(7_000);
    expect(runningAt(w, "a")).toEqual([]);
    const told = w.nodes.flatMap(({ runtime }) =>
      runtime.logger.lines.filter(({ message }) => message.startsWith("Children wait")),
    );
    expect(told).toHaveLength(1);
    expect(told[0]?.fields).toMatchObject({
      identities: ["a"],
      why: expect.arrayContaining([expect.stringContaining('keeps the group "g" off its node')]),
    });
    const [room] = runningAt(w, "b") as [number];
    await w.run(w.at(room).registry.process(counter, "b").stop());
    await w.advance(20);
    expect(runningAt(w, "a")).toEqual([room]);
  });
});

describe("load", () => {
  const loads = (shares: readonly number[], w: () => World) => (id: NodeId) => {
    const place = w().cluster.nodes.findIndex((node) => node.id === id);
    const share = shares[place];
    const load = { eventLoop: share ?? 0, processor: 0.1, memory: 1 - (share ?? 0) };
    return share === undefined ? undefined : (load satisfies NodeLoad);
  };

  test("decides first starts by leastLoaded; takeovers are decided by what all agree on", async () => {
    const shares = loads([0.5, 0.05, 0.5], () => open as World);
    const loadOf = (id: NodeId) => ({ ...(shares(id) as NodeLoad), memory: 0 });
    const placement = leastLoaded();
    open = await world(3, {}, { loadOf });
    const w = open;
    const names = Array.from({ length: 12 }, (_, i) => `child-${i}`);
    for (const name of names) await w.run(startOn(w, 0, name, { placement }));
    const calm = names.filter((name) => runningAt(w, name)[0] === 1);
    // One of two is chosen: all those whose two had it among them, which is two of three.
    expect(calm.length).toBeGreaterThan(5);
    w.cluster.down(1);
    await w.advance(1_000);
    for (const name of names) expect(runningAt(w, name)).toHaveLength(1);
  });

  test("keeps a child with a limit off busy nodes", async () => {
    const w = await plain(3, { loadOf: loads([0.9, 0.95, 0.4], () => open as World) });
    for (const name of ["a", "b", "c"]) {
      await w.run(startOn(w, 0, name, { constraints: { cpu: { below: 0.8 } } }));
      expect(runningAt(w, name)).toEqual([2]);
    }
    const refused = startOn(w, 0, "d", { constraints: { cpu: { below: 0.3 } } });
    await expect(w.run(refused)).rejects.toThrow(/its cpu is used to 0.90, not below 0.3/);
    await w.run(startOn(w, 0, "e", { constraints: { cpu: { below: 0.3, preferred: true } } }));
  });

  test("tells the best node for a workload, and no node that is draining or lacks what is asked", async () => {
    const w = await plain(3, { loadOf: loads([0.8, 0.5, 0.2], () => open as World) });
    const { registry } = w.at(0);
    // The busiest event loop is on the node with the most memory free.
    expect(registry.bestNodeFor({ cpu: "high", memory: "low" }).id).toBe(idOf(w, 2));
    expect(registry.bestNodeFor({ cpu: "low", memory: "high" }).id).toBe(idOf(w, 0));
    expect(registry.bestNodeFor({ cpu: "low", for: other }).id).toBeDefined();
    w.cluster.drain(2);
    await w.advance(10);
    expect(registry.bestNodeFor({ cpu: "high", memory: "low" }).id).toBe(idOf(w, 1));
    expect(() => registry.bestNodeFor({ role: "gpu" })).toThrow(
      expect.objectContaining({ code: "ERR_NO_CANDIDATE" }),
    );
  });

  test("that nobody told leaves the node with the fewest children as the best", async () => {
    const w = await plain(3);
    for (const [name, place] of [
      ["a", 0],
      ["b", 2],
    ] as const) {
      await w.run(startOn(w, 0, name, { on: idOf(w, place) }));
    }
    await w.advance(10);
    expect(w.at(1).registry.bestNodeFor().id).toBe(idOf(w, 1));
  });
});

describe("constraints of a child that is moved", () => {
  test("are asked of the node that it comes to, which refuses it, and it goes on where it was", async () => {
    const w = await plain(3);
    const constraints: Constraints = { group: "g", antiAffinity: { group: "g" } };
    await w.run(startOn(w, 0, "a", { constraints, placement: pinned(idOf(w, 0)) }));
    await w.run(startOn(w, 0, "b", { constraints, placement: pinned(idOf(w, 1)) }));
    await w.run(w.at(2).registry.process(counter, "a").call("add", 3));
    const refused = w.at(2).registry.migrate("a", { to: idOf(w, 1) });
    expect(await codeOf(w.run(refused.done))).toBe("ERR_NO_CANDIDATE");
    expect(runningAt(w, "a")).toEqual([0]);
    await w.run(w.at(2).registry.migrate("a", { to: idOf(w, 2) }).done);
    expect(runningAt(w, "a")).toEqual([2]);
    expect(await w.run(w.at(1).registry.process(counter, "a").call("total"))).toBe(3);
  });

  test("are kept when its node drains", async () => {
    const w = await plain(3);
    const constraints: Constraints = { group: "g", antiAffinity: { group: "g" } };
    await w.run(startOn(w, 0, "a", { constraints, placement: pinned(idOf(w, 0)) }));
    await w.run(startOn(w, 0, "b", { constraints, placement: pinned(idOf(w, 1)) }));
    w.cluster.drain(0);
    await w.run(w.at(0).registry.drain());
    expect(runningAt(w, "a")).toEqual([2]);
    expect(runningAt(w, "b")).toEqual([1]);
  });

  test("make it a child of the cluster, whether that was said or not", async () => {
    const w = await plain(2);
    const constraints: Constraints = { capacity: 1 };
    await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, { name: "a", constraints }));
    expect(w.at(0).registry.children()).toMatchObject([{ identity: "a", state: "running" }]);
    const local = startOn(w, 0, "b", { constraints, distribute: false });
    expect(await codeOf(w.run(local))).toBe("ERR_INVALID_ARGUMENT");
  });
});
