/** Constraints of strong children: who is given a name by the store must still be allowed to run it. */
import { afterEach, expect, test } from "@jest/globals";
import { pinned } from "@foundation/core";
import { counter, runningAt } from "../runtime/world.js";
import { strongWorld, type StrongWorld } from "../strong/strong-world.js";

let open: StrongWorld | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

const NAMES = ["a", "b", "c"];
const strong = {
  consistency: "strong",
  constraints: { group: "g", antiAffinity: { group: "g" } },
} as const;

test("strong children that avoid each other stay apart when their nodes die, and wait for room", async () => {
  open = await strongWorld(4);
  const w = open;
  for (const [place, name] of NAMES.entries()) {
    const placement = pinned(w.cluster.node(place).id);
    const options = { ...strong, name, placement };
    await w.run(w.at(place).registry.startProcess(counter, { from: 0 }, options));
  }
  const placesOf = () => NAMES.flatMap((name) => runningAt(w, name)).sort();
  w.stores[0]?.cut();
  w.cluster.down(0);
  await w.advance(60_000);
  expect(placesOf()).toEqual([1, 2, 3]);
  w.stores[1]?.cut();
  w.cluster.down(1);
  // Two nodes for three: whoever claims next to its like would be refused by itself.
  for (let second = 0; second < 60; second++) {
    await w.advance(1_000);
    expect(placesOf()).toEqual([2, 3]);
  }
  w.revive(0);
  await w.advance(60_000);
  expect(placesOf()).toEqual([0, 2, 3]);
});
