import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { FAIR } from "../../../src/limits.js";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;
beforeEach(() => {
  world = new VirtualOverlays();
});
afterEach(() => world.close());

describe("a peer that asks and does not read", () => {
  test("is charged for what it sends, for a while, and for nothing when it reads", async () => {
    const [a, b] = await world.form(2);
    if (a === undefined || b === undefined) throw new Error("two nodes were started");
    const channel = "asked";
    const route = { to: b.self.id, channel, subject: "ask" };
    b.messenger.handle("ask", () => new Uint8Array(60_000));
    const request = () => a.messenger.request(route, 1).catch(() => {});
    const linkOfB = () => b.links().find((one) => one.channel === channel);
    await world.clock.run(request());
    // What b answers does not arrive any more, what a asks does.
    world.network.cut("b", "a", { oneWay: true });
    const asking = Array.from({ length: 400 }, request);
    await world.clock.advance(100);
    expect(linkOfB()?.queuedBytes).toBeGreaterThan(FAIR.unreadBytesMax);
    expect(linkOfB()?.heldBytes).toBeGreaterThan(4_000);
    await world.clock.advance(FAIR.withheldMs);
    expect(linkOfB()?.heldBytes).toBe(0);
    world.network.heal();
    await world.clock.advance(8_000);
    await Promise.all(asking);
  });
});
