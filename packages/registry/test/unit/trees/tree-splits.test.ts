/** Trees of one name that were started on two sides of a cut. */
import { describe, expect, test } from "@jest/globals";
import { codeOf, runningAt, type World } from "../runtime/world.js";
import {
  broken,
  child,
  children,
  on,
  placesOf,
  shown,
  slow,
  worker,
  worldsOfTrees,
} from "./tree-world.js";

const { start } = worldsOfTrees();

/** Starts the tree at one place; true when it runs. */
async function supervise(w: World, place: number, ids = "abc"): Promise<string> {
  const options = { children: children(ids), timeout: "2s" } as const;
  return codeOf(w.run(w.at(place).registry.supervise("pool", options)));
}

/** All nodes say that the tree runs whole, and each of it runs once. */
function expectWhole(w: World, ids = "abc"): void {
  const whole = Array.from(ids, (id) => `${id}:running`).join(" ");
  for (const { registry } of w.nodes) expect(shown(registry.supervisor("pool"))).toBe(whole);
  const tree = w.at(0).registry.supervisor("pool");
  for (const places of Object.values(placesOf(w, tree))) expect(places).toHaveLength(1);
  expect(runningAt(w, "pool")).toHaveLength(1);
}

function expectNothing(w: World): void {
  for (const { registry, kernel } of w.nodes) {
    expect(registry.children()).toEqual([]);
    expect(kernel.list()).toEqual([]);
  }
}

async function heal(w: World): Promise<void> {
  w.cluster.heal();
  await w.advance(40_000);
}

describe.each([0, 1])("a tree started on two sides of a cut, with node %d alone", (alone) => {
  const other = 1 - alone;
  async function cut(): Promise<World> {
    const w = await start(3);
    w.cluster.partition([alone]);
    await w.advance(10_000);
    return w;
  }

  test("is one tree after the heal", async () => {
    const w = await cut();
    expect(await supervise(w, alone)).toBe("none");
    expect(await supervise(w, other)).toBe("none");
    await heal(w);
    expectWhole(w);
  });

  test("is one tree though one side had started it before", async () => {
    const w = await cut();
    broken.add("b");
    expect(await supervise(w, alone)).toBe("ERR_INIT_FAILED");
    broken.clear();
    expect(await supervise(w, alone)).toBe("none");
    expect(await supervise(w, other)).toBe("none");
    await heal(w);
    expectWhole(w);
  });

  test.each([1, 3])("goes on where the other side failed to start it %d times", async (times) => {
    const w = await cut();
    expect(await supervise(w, other)).toBe("none");
    broken.add("b");
    for (let time = 0; time < times; time++) {
      expect(await supervise(w, alone)).toBe("ERR_INIT_FAILED");
    }
    broken.clear();
    await heal(w);
    expectWhole(w);
  });

  test.each([1, 3])("goes on where the other side took it back %d times", async (times) => {
    const w = await cut();
    expect(await supervise(w, other)).toBe("none");
    slow.add("b");
    for (let time = 0; time < times; time++) expect(await supervise(w, alone)).toBe("ERR_TIMEOUT");
    slow.clear();
    await w.advance(20_000);
    await heal(w);
    expectWhole(w);
  });

  test("is over for both where a user stopped it on one", async () => {
    const w = await cut();
    expect(await supervise(w, alone)).toBe("none");
    expect(await supervise(w, other)).toBe("none");
    await w.run(w.at(alone).registry.supervisor("pool").stop());
    await heal(w);
    expectNothing(w);
  });

  test("is over for both where a user stopped it on one and a later start of it failed", async () => {
    const w = await cut();
    expect(await supervise(w, other)).toBe("none");
    expect(await supervise(w, alone)).toBe("none");
    await w.run(w.at(alone).registry.supervisor("pool").stop());
    broken.add("b");
    for (let time = 0; time < 2; time++) {
      expect(await supervise(w, alone)).toBe("ERR_INIT_FAILED");
    }
    broken.clear();
    await heal(w);
    expectNothing(w);
  });

  test("keeps ended what a user ended", async () => {
    const w = await cut();
    for (let time = 0; time < 2; time++) {
      expect(await supervise(w, alone)).toBe("none");
      if (time === 0) await w.run(w.at(alone).registry.supervisor("pool").stop());
    }
    expect(await supervise(w, other)).toBe("none");
    const tree = w.at(alone).registry.supervisor("pool");
    await w.run(tree.endChild("b"));
    await heal(w);
    expect(shown(tree)).toBe("a:running b:ended c:running");
    expect(runningAt(w, "pool/b")).toEqual([]);
  });

  test("under two plans has the children of one", async () => {
    const w = await cut();
    expect(await supervise(w, alone, "abc")).toBe("none");
    await w.run(w.at(alone).registry.supervisor("pool").stop());
    expect(await supervise(w, alone, "ab")).toBe("none");
    expect(await supervise(w, other, "abcd")).toBe("none");
    await heal(w);
    expectWhole(w, "ab");
    for (const id of "cd") expect(runningAt(w, `pool/${id}`)).toEqual([]);
  });

  test("restores supervisors under it", async () => {
    const w = await cut();
    const options = {
      children: [child("x"), { id: "sub", supervisor: { children: children("ab") } }],
    } as const;
    broken.add("b");
    const failed = w.at(alone).registry.supervise("pool", options);
    expect(await codeOf(w.run(failed))).toBe("ERR_INIT_FAILED");
    broken.clear();
    await w.run(w.at(alone).registry.supervise("pool", options));
    await w.run(w.at(other).registry.supervise("pool", options));
    await heal(w);
    for (const id of ["pool", "pool/x", "pool/sub", "pool/sub/a", "pool/sub/b"]) {
      expect({ id, places: runningAt(w, id) }).toEqual({ id, places: [expect.any(Number)] });
    }
  });

  test("does so where its nodes hear of each other one after the other", async () => {
    const w = await cut();
    const at = on(w, 2);
    broken.add("b");
    expect(await supervise(w, alone)).toBe("ERR_INIT_FAILED");
    broken.clear();
    expect(await supervise(w, alone)).toBe("none");
    const options = { children: ["a", "b", "c"].map((id) => child(id, at)) };
    await w.run(w.at(other).registry.supervise("pool", options));
    w.cluster.heal();
    w.cluster.partition([other]);
    await w.advance(15_000);
    await heal(w);
    expectWhole(w);
    const called = w.at(2).registry.supervisor("pool").process(worker, "b").call("where");
    expect(await w.run(called)).toEqual(expect.any(String));
  });
});
