/** Broadcasts while a full mesh fills, each on a channel that nobody has used before. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Overlay } from "../../../../src/index.js";
import { VirtualOverlays } from "../../../support/virtual-overlays.js";

const STEP_MS = 5;
let world: VirtualOverlays;
let nodes: readonly Overlay[];
beforeEach(async () => {
  world = new VirtualOverlays("young mesh");
  nodes = await world.form(10, { topology: "hyparview" });
});
afterEach(() => world.close());

/** What each node hears from now on. */
function listening(): readonly Set<unknown>[] {
  return nodes.map((node) => {
    const heard = new Set<unknown>();
    node.broadcast.handle("news", ({ payload }) => void heard.add(payload));
    return heard;
  });
}

function publish(from: Overlay, news: number): void {
  from.broadcast.publish("news", news, { channel: `channel-${news}` });
}

describe("a broadcast in a full mesh that has just begun", () => {
  test("reaches everybody, linked to its origin yet or not", async () => {
    const heard = listening();
    const origin = nodes[5] as Overlay;
    nodes[0]?.switchTopology("full-mesh");
    let unlinked = 0;
    for (let news = 0; news < 10; news += 1) {
      await world.clock.advance(STEP_MS);
      const isMesh = origin.topology === "full-mesh";
      if (isMesh && origin.observe().links < nodes.length - 1) unlinked += 1;
      publish(origin, news);
    }
    // Otherwise nothing was tried.
    expect(unlinked).toBeGreaterThan(0);
    await world.clock.advance(5_000);
    heard.forEach((each, i) => expect([i, each.size]).toEqual([i, i === 5 ? 0 : 10]));
  });

  test("reaches who came while it fills", async () => {
    nodes[0]?.switchTopology("full-mesh");
    await world.clock.advance(2 * STEP_MS);
    const origin = nodes[5] as Overlay;
    const late = await world.start("late", { peers: [(nodes[9] as Overlay).address] });
    const heard = new Set<number>();
    late.broadcast.handle("news", ({ payload }) => void heard.add(payload as number));
    const expected = new Set<number>();
    let unlinked = 0;
    for (let news = 0; news < 30; news += 1) {
      await world.clock.advance(STEP_MS);
      if (origin.membership.member(late.self.id) === undefined) continue;
      expected.add(news);
      const isLinked = origin.links().some(({ peer, up }) => peer === late.self.id && up);
      if (!isLinked) unlinked += 1;
      publish(origin, news);
    }
    expect(unlinked).toBeGreaterThan(0);
    await world.clock.advance(5_000);
    expect([...heard].sort((a, b) => a - b)).toEqual([...expected]);
  });
});
