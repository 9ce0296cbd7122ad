/** When nodes tell each other what they define: what every registry has by itself only when somebody uses it. */
import { describe, expect, test } from "@jest/globals";
import { type DefinitionSource, type RegistryOptions } from "../../../src/index.js";
import { runningAt, type counter, type other, type World } from "../runtime/world.js";
import { child, worker, worldsOfTrees } from "../trees/tree-world.js";

const { start } = worldsOfTrees();

const defining = (...definitions: readonly (typeof counter | typeof other | typeof worker)[]) => {
  const source: DefinitionSource = {
    get: (name) => definitions.find((each) => each.name === name),
    names: () => definitions.map(({ name }) => name),
    onDefined: () => () => undefined,
  };
  return { definitions: source } satisfies Partial<RegistryOptions>;
};

/** Messages that say who has written what of names and definitions. */
const said = ({ cluster }: World): number => cluster.sent.get("crdt.owned.registry.claims") ?? 0;

describe("nodes that define nothing of their own", () => {
  test("have nothing to tell whoever joins before there is a tree, and then what they are ready for", async () => {
    const w = await start(1, {}, defining());
    w.cluster.add();
    w.boot(1);
    await w.advance(2_000);
    expect(said(w)).toBe(0);
    await w.run(w.at(0).registry.supervise("pool", { strategy: "dynamic" }));
    w.cluster.add();
    w.boot(2);
    await w.advance(2_000);
    expect(said(w)).toBeGreaterThan(0);
  });

  test("spread the first trees over all of them", async () => {
    const w = await start(3, {}, defining());
    for (let index = 0; index < 12; index += 1) {
      await w.run(w.at(0).registry.supervise(`pool/${index}`, { strategy: "dynamic" }));
    }
    const places = Array.from({ length: 12 }, (_, index) => runningAt(w, `pool/${index}`)).flat();
    expect(new Set(places)).toEqual(new Set([0, 1, 2]));
  });

  test("agree on who takes a tree over, also those that joined since", async () => {
    const w = await start(3, {}, defining(worker));
    for (const id of "abcdefgh") {
      await w.run(w.at(0).registry.supervise(`pool/${id}`, { children: [child(id)] }));
    }
    w.cluster.add();
    w.boot(3, defining(worker));
    await w.advance(1_000);
    w.cluster.down(0);
    w.cluster.down(1);
    await w.advance(2_000);
    // Who does not know who else is ready takes all of them over.
    for (const place of [2, 3]) {
      expect(w.at(place).runtime.meter.value("registry_name_conflicts_total")).toBe(0);
    }
    for (const id of "abcdefgh") expect(runningAt(w, `pool/${id}`)).toHaveLength(1);
    const places = Array.from("abcdefgh", (id) => runningAt(w, `pool/${id}`)).flat();
    expect(new Set(places)).toEqual(new Set([2, 3]));
  });
});

test("a node that no registry runs on is passed over", async () => {
  const w = await start(2, {}, defining());
  w.cluster.add();
  for (let index = 0; index < 8; index += 1) {
    await w.run(w.at(0).registry.supervise(`pool/${index}`, { strategy: "dynamic" }));
    expect(runningAt(w, `pool/${index}`)).toHaveLength(1);
  }
  w.cluster.down(1);
  await w.advance(2_000);
  const places = Array.from({ length: 8 }, (_, index) => runningAt(w, `pool/${index}`));
  expect(places.flat()).toEqual(Array.from({ length: 8 }, () => 0));
});
