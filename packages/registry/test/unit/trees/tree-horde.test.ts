/**
 * What Horde's suites say of its DynamicSupervisor, as far as it is a behaviour and not an API of Elixir's: each of its cases
 * that applies, here of a tree. Those of redistribution and of quorums stand with placement and partitions.
 */
import { describe, expect, test } from "@jest/globals";
import { defineProcess } from "@foundation/core";
import type { SupervisorRef } from "../../../src/index.js";
import { codeOf, runningAt, type World } from "../runtime/world.js";
import { strongWorld, teller } from "../strong/strong-world.js";
import {
  child,
  children,
  diary,
  kill,
  placesOf,
  quit,
  shown,
  worldsOfTrees,
} from "./tree-world.js";

const { start, keep } = worldsOfTrees();

function dynamic(w: World, more: object = {}): Promise<SupervisorRef> {
  return w.run(w.at(0).registry.supervise("pool", { strategy: "dynamic", ...more }));
}

function left(w: World): SupervisorRef {
  const node = w.nodes.find(({ port }) => w.cluster.nodes.includes(port));
  if (node === undefined) throw new Error("no node is left");
  return node.registry.supervisor("pool");
}

describe("a dynamic tree", () => {
  test("has no children at first, and lists those of all nodes", async () => {
    const w = await start(3);
    const tree = await dynamic(w);
    expect(tree.children()).toEqual([]);
    for (let index = 0; index < 12; index++) await w.run(tree.startChild(child(`n${index}`)));
    expect(tree.children()).toHaveLength(12);
    expect(new Set(tree.children().map(({ node }) => node)).size).toBe(3);
    await w.advance(100);
    for (const { registry } of w.nodes) {
      expect(shown(registry.supervisor("pool"))).toBe(shown(tree));
    }
  });

  test("many transient children that end in order leave nothing behind", async () => {
    const w = await start(3);
    const tree = await dynamic(w);
    for (let index = 0; index < 60; index++) {
      await w.run(tree.startChild(child(`n${index}`, { restart: "transient" })));
    }
    for (let index = 0; index < 60; index++) quit(w, `pool/n${index}`);
    await w.advance(1_000);
    expect(tree.children()).toEqual([]);
    for (const { registry } of w.nodes) {
      expect(registry.children().map(({ identity }) => identity)).toEqual(["pool"]);
    }
  });

  test("starts many children at once, each exactly once", async () => {
    const w = await start(3);
    const tree = await dynamic(w);
    const ids = Array.from({ length: 100 }, (_, index) => `n${index}`);
    await w.run(Promise.all(ids.map((id) => tree.startChild(child(id)))));
    expect(tree.children()).toHaveLength(100);
    for (const places of Object.values(placesOf(w, tree))) expect(places).toHaveLength(1);
  });

  test("of several callers that start one id, one is told that it did", async () => {
    const w = await start(3);
    await dynamic(w);
    await w.advance(100);
    const asked = w.nodes.map(({ registry }) => {
      return codeOf(registry.supervisor("pool").startChild(child("one")));
    });
    const codes = await w.run(Promise.all(asked));
    expect(codes.filter((code) => code === "none")).toHaveLength(1);
    expect(codes.filter((code) => code === "ERR_INVALID_ARGUMENT")).toHaveLength(2);
  });

  test("a node that leaves hands its children over, and they start elsewhere", async () => {
    const w = await start(3);
    const tree = await dynamic(w);
    for (let index = 0; index < 9; index++) await w.run(tree.startChild(child(`n${index}`)));
    const { port, registry, kernel } = w.at(1);
    w.cluster.drain(port);
    await w.run(registry.drain());
    await w.run(registry.close());
    await w.run(kernel.close());
    w.cluster.leave(port);
    await w.advance(1_000);
    expect(left(w).children()).toHaveLength(9);
    for (const places of Object.values(placesOf(w, left(w)))) {
      expect(places).toHaveLength(1);
      expect(places).not.toEqual([1]);
    }
  });

  test("a child whose init starts another child is not held up by it, at a restart neither", async () => {
    const w = await start(2);
    const tree = await dynamic(w);
    let count = 0;
    const starter = defineProcess({
      name: "trees.starter",
      init: async () => {
        count += 1;
        await tree.startChild(child(`made-${count}`));
        return {};
      },
    });
    await w.run(tree.startChild({ id: "starter", process: starter }));
    kill(w, "pool/starter");
    await w.advance(1_000);
    expect(shown(tree)).toBe("starter:running made-1:running made-2:running");
  });

  test("a child that ended for good may be started again under its id", async () => {
    const w = await start(2);
    const tree = await dynamic(w);
    await w.run(tree.startChild(child("a", { restart: "temporary" })));
    quit(w, "pool/a");
    await w.advance(200);
    await w.run(tree.startChild(child("a")));
    expect(shown(tree)).toBe("a:running");
  });
});

describe("supervisors under supervisors", () => {
  const sub = (strategy: "one-for-one" | "rest-for-one", maxRestarts: number) => ({
    id: "sub",
    supervisor: { strategy, maxRestarts, children: children("xy") },
  });

  test.each(["one-for-one", "rest-for-one"] as const)(
    "%s: a child restarts once within its own supervisor, without the one above",
    async (strategy) => {
      const w = await start(3);
      const options = { strategy, children: [sub(strategy, 1), child("b")] } as const;
      const tree = await w.run(w.at(0).registry.supervise("pool", options));
      diary.length = 0;
      kill(w, "pool/sub/y");
      await w.advance(1_000);
      expect(diary).toEqual(["+y"]);
      expect(tree.children().map(({ restarts }) => restarts)).toEqual([0, 0]);
    },
  );

  test("rest-for-one: when it gives up, it and those after it are restored", async () => {
    const w = await start(3);
    const options = {
      strategy: "rest-for-one",
      children: [child("a"), sub("one-for-one", 0), child("b")],
    } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    diary.length = 0;
    kill(w, "pool/sub/x");
    await w.advance(2_000);
    expect(diary).toEqual(["-y", "-b", "+x", "+y", "+b"]);
    expect(shown(tree)).toBe("a:running sub:running b:running");
  });

  test("one whose node dies goes on elsewhere, and its children that live are not touched", async () => {
    const w = await start(4);
    const options = {
      strategy: "one-for-all",
      maxRestarts: 0,
      children: [{ id: "sub", supervisor: { maxRestarts: 0, children: children("stuvwxyz") } }],
    } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    const [place] = runningAt(w, "pool/sub") as [number];
    const lost = Object.entries(placesOf(w, tree.supervisor("sub"))).filter(
      ([, [at]]) => at === place,
    );
    diary.length = 0;
    w.cluster.down(place);
    await w.advance(3_000);
    expect([...diary].sort()).toEqual(lost.map(([id]) => `+${id}`).sort());
    const seen = left(w).supervisor("sub");
    for (const places of Object.values(placesOf(w, seen))) expect(places).toHaveLength(1);
  });

  test("are stopped by the one above only", async () => {
    const w = await start(1);
    const options = { children: [sub("one-for-one", 0)] } as const;
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    expect(await codeOf(w.run(tree.supervisor("sub").stop()))).toBe("ERR_INVALID_ARGUMENT");
    expect(await w.run(tree.endChild("sub"))).toBe(true);
    expect(diary).toEqual(["+x", "+y", "-y", "-x"]);
  });
});

describe("rules of children", () => {
  test("a child that is not distributed runs where its supervisor runs, and goes with it", async () => {
    const w = await start(4);
    const local = Array.from("abcd", (id) => child(id, { distribute: false }));
    const tree = await w.run(
      w.at(0).registry.supervise("pool", { maxRestarts: 0, children: local }),
    );
    const [owner] = runningAt(w, "pool") as [number];
    for (const places of Object.values(placesOf(w, tree))) expect(places).toEqual([owner]);
    w.cluster.down(owner);
    await w.advance(3_000);
    const [next] = runningAt(w, "pool") as [number];
    expect(next).not.toBe(owner);
    for (const places of Object.values(placesOf(w, left(w)))) expect(places).toEqual([next]);
  });

  test("a child that does not end in its time is killed; kill asks nobody", async () => {
    const w = await start(1);
    const stubborn = defineProcess({
      name: "trees.stubborn",
      init: () => ({}),
      terminate: () => new Promise<void>(() => undefined),
    });
    const tree = await w.run(
      w.at(0).registry.supervise("pool", {
        children: [
          { id: "slow", process: stubborn, shutdown: "300ms" },
          child("quick", { shutdown: "kill" }),
        ],
      }),
    );
    const began = w.clock.now();
    await w.run(tree.stop());
    expect(w.clock.now() - began).toBeGreaterThanOrEqual(300);
    expect(w.clock.now() - began).toBeLessThan(500);
    expect(diary).toEqual(["+quick"]);
  });

  test("a child with a role waits, when it ended and no node has the role, until one has", async () => {
    const w = await start(2);
    w.cluster.add({ roles: ["ai"] });
    w.boot(2);
    await w.advance(200);
    const options = { maxRestarts: 0, children: [child("a", { on: { role: "ai" } })] };
    const tree = await w.run(
      w.at(0).registry.supervise("pool", { ...options, on: w.at(0).port.id }),
    );
    expect(runningAt(w, "pool/a")).toEqual([2]);
    w.cluster.down(2);
    await w.advance(5_000);
    expect(shown(tree)).toBe("a:lost");
    w.cluster.add({ roles: ["ai"] });
    w.boot(3);
    await w.advance(2_000);
    expect(runningAt(w, "pool/a")).toEqual([3]);
    expect(shown(tree)).toBe("a:running");
  });

  test("a strong child is restarted after a crash and after the death of its node, once at a time", async () => {
    const w = await strongWorld(3);
    keep(w);
    const options = {
      children: [
        { id: "till", process: teller, args: { from: 0 }, consistency: "strong" as const },
        child("a"),
      ],
    };
    const tree = await w.run(w.at(0).registry.supervise("pool", options));
    const first = await w.run(tree.process(teller, "till").call("pay", 1));
    expect(await codeOf(w.run(tree.process(teller, "till").call("crash")))).toBe(
      "ERR_HANDLER_FAILED",
    );
    await w.advance(3_000);
    const second = await w.run(tree.process(teller, "till").call("pay", 1));
    expect(second).toBeGreaterThanOrEqual(first);
    const [host] = runningAt(w, "pool/till") as [number];
    w.stores[host]?.cut();
    w.cluster.down(host);
    await w.advance(30_000);
    const seen = left(w);
    const third = await w.run(seen.process(teller, "till").call("pay", 1));
    expect(third).toBeGreaterThan(second);
    expect(runningAt(w, "pool/till")).toHaveLength(1);
  });

  test("a guarded tree stops on the side of a cut that has no quorum, and is one again after the heal", async () => {
    const w = await start(3, {}, { expect: 3 });
    const guarded = children("abc").map((each) => ({ ...each, partition: "quorum" as const }));
    const options = { partition: "quorum", maxRestarts: 0, children: guarded } as const;
    await w.run(w.at(0).registry.supervise("pool", options));
    w.cluster.partition([0]);
    await w.advance(40_000);
    for (const id of ["pool", "pool/a", "pool/b", "pool/c"]) {
      const places = runningAt(w, id);
      expect({ id, places }).toEqual({ id, places: [expect.any(Number)] });
      expect(places).not.toContain(0);
    }
    w.cluster.heal();
    await w.advance(40_000);
    expect(shown(w.at(0).registry.supervisor("pool"))).toBe("a:running b:running c:running");
    for (const id of ["pool", "pool/a", "pool/b", "pool/c"]) {
      expect(runningAt(w, id)).toHaveLength(1);
    }
  });
});
