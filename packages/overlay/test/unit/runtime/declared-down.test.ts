import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Overlay } from "../../../src/index.js";
import { outcomeOf, VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;
let heard: unknown[];
beforeEach(() => {
  world = new VirtualOverlays();
  heard = [];
});
afterEach(() => world.close());

const channels = [
  { name: "reliable", delivery: "reliable" as const },
  { name: "acked", delivery: "acked" as const },
  { name: "latest", monotonic: true },
];

async function two(): Promise<[Overlay, Overlay]> {
  const [a, b] = (await world.form(2, { channels })) as [Overlay, Overlay];
  b.messenger.handle("test", ({ payload }) => void heard.push(payload));
  return [a, b];
}

const members = (node: Overlay) => node.membership.members().length;

/** Both are cut off until each has declared the other down, then they meet again as they were. */
async function partAndMeet(a: Overlay, b: Overlay): Promise<void> {
  await world.clock.advance(25_000);
  expect([members(a), members(b)]).toEqual([1, 1]);
  world.network.heal("a", "b");
  await world.clock.advance(10_000);
  expect([members(a), members(b)]).toEqual([2, 2]);
}

describe("a node that was declared down and returns as it was", () => {
  test("gets what was sent to it before, though nothing more is sent on those lanes", async () => {
    const [a, b] = await two();
    const to = (channel: string) => ({ to: b.self.id, channel, subject: "test" });
    a.messenger.trySend(to("reliable"), "written");
    await world.clock.advance(1_000);
    world.network.cut("a", "b");
    a.messenger.trySend(to("reliable"), "under way");
    // A lane that has never been up.
    a.messenger.trySend(to("latest"), "old");
    a.messenger.trySend(to("latest"), "new");
    await partAndMeet(a, b);
    expect(heard.toSorted()).toEqual(["new", "under way", "written"]);
  });

  test("gets what was sent whenever the network went while its lane was being opened", async () => {
    for (let cutMs = 0; cutMs <= 40; cutMs += 1) {
      world = new VirtualOverlays(cutMs);
      heard = [];
      const [a, b] = await two();
      a.messenger.handle("test", ({ payload }) => void heard.push(payload));
      // From the side that dials, and so is the last to know that the lane is up.
      b.messenger.trySend({ to: a.self.id, channel: "reliable", subject: "test" }, "once");
      await world.clock.advance(cutMs);
      world.network.cut("a", "b");
      await partAndMeet(a, b);
      expect([cutMs, ...heard]).toEqual([cutMs, "once"]);
      await world.close();
    }
  });

  test("does not run what its sender was told not to have been sent", async () => {
    const [a, b] = await two();
    world.network.cut("a", "b");
    const sent = outcomeOf(
      a.messenger.send({ to: b.self.id, channel: "acked", subject: "test" }, "acked"),
    );
    await partAndMeet(a, b);
    expect(sent).toEqual({ code: "ERR_NODE_UNREACHABLE" });
    a.messenger.trySend({ to: b.self.id, channel: "acked", subject: "test" }, "next");
    await world.clock.advance(5_000);
    expect(heard).toEqual(["next"]);
  });
});
