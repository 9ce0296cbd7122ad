import { describe, expect, test } from "@jest/globals";
import type { NodeLoad } from "@foundation/core";
import type { Overlay } from "../../../src/index.js";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

const calm: NodeLoad = { eventLoop: 0.2, processor: 0.1, memory: 0.3 };
const busy: NodeLoad = { ...calm, eventLoop: 0.9 };

async function three(): Promise<[VirtualOverlays, Overlay, Overlay, Overlay]> {
  const world = new VirtualOverlays("load");
  const [a, b, c] = (await world.form(3)) as [Overlay, Overlay, Overlay];
  return [world, a, b, c];
}

describe("shared load", () => {
  test("is known to those a node is linked to, and to itself, once it was told", async () => {
    const [world, a, b, c] = await three();
    expect(b.loadOf(a.self.id)).toBeUndefined();
    a.shareLoad(calm);
    await world.clock.advance(100);
    expect([a, b, c].map((node) => node.loadOf(a.self.id))).toEqual([calm, calm, calm]);
  });

  test("is not told again before it has moved by a tenth", async () => {
    const [world, a, b] = await three();
    a.shareLoad(calm);
    await world.clock.advance(100);
    a.shareLoad({ ...calm, eventLoop: 0.25 });
    await world.clock.advance(100);
    expect(b.loadOf(a.self.id)).toEqual(calm);
    a.shareLoad(busy);
    await world.clock.advance(100);
    expect(b.loadOf(a.self.id)).toEqual(busy);
  });

  test("is forgotten with the node", async () => {
    const [world, a, b] = await three();
    a.shareLoad(calm);
    await world.clock.advance(100);
    await world.clock.run(a.leave());
    await world.clock.advance(1_000);
    expect(b.loadOf(a.self.id)).toBeUndefined();
  });

  test("is told to who comes later, when it is looked at again", async () => {
    const [world, a] = await three();
    a.shareLoad(calm);
    const late = await world.start("late", { peers: [a.address] });
    await world.clock.advance(1_000);
    a.shareLoad(calm);
    await world.clock.advance(100);
    expect(late.loadOf(a.self.id)).toEqual(calm);
  });
});
