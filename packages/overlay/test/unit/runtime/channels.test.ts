import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Transport } from "@foundation/core";
import type { Overlay } from "../../../src/index.js";
import { outcomeOf, VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;

const to = (node: Overlay, channel = "data") => ({ to: node.self.id, channel, subject: "test" });

beforeEach(() => {
  world = new VirtualOverlays();
});
afterEach(() => world.close());

/** A transport whose next dials fail while `failing` is above 0, and then wait while `held`. */
function heldDials(inner: Transport) {
  const gate = { held: false, failing: 0, dials: 0, waiting: [] as (() => void)[] };
  const transport: Transport = {
    ...inner,
    dial: async (address, options) => {
      gate.dials += 1;
      gate.failing -= 1;
      if (gate.failing >= 0) throw new Error("no route for a moment");
      if (gate.held) await new Promise<void>((resolve) => gate.waiting.push(resolve));
      return inner.dial(address, options);
    },
  };
  return { gate, transport };
}

describe("a channel", () => {
  test("that is dialled twice, the first dial being late, settles on one connection", async () => {
    const a = await world.start("a");
    const { gate, transport } = heldDials(world.network.transport("b"));
    const b = await world.start("b", { peers: [a.address], runtime: { transport } });
    a.messenger.handle("test", ({ payload }) => payload);
    a.messenger.handle("slow", () => world.clock.sleep(500));
    await world.clock.advance(1_000);
    Object.assign(gate, { held: true, failing: 1 });
    b.messenger.trySend(to(a), "never written");
    await world.clock.advance(5_010);
    b.messenger.trySend(to(a), "dials again");
    await world.clock.advance(10);
    gate.held = false;
    for (const release of gate.waiting) release();
    await world.clock.advance(1_000);
    const dials = gate.dials;
    const slow = outcomeOf(b.messenger.request({ ...to(a), subject: "slow" }, 1));
    await world.clock.advance(1_000);
    expect(slow).not.toHaveProperty("code");
    expect({ dials: gate.dials, open: world.network.openConnections }).toEqual({ dials, open: 2 });
  });

  test("beyond the 64th is refused when the peer opens it, and nothing else is disturbed", async () => {
    const [a, b] = (await world.form(2)) as [Overlay, Overlay];
    b.messenger.handle("test", ({ payload }) => payload);
    a.messenger.handle("test", ({ payload }) => payload);
    // Each has its own 64 names before it hears of the other's.
    for (let i = 0; i < 64; i += 1) {
      a.messenger.trySend(to(b, `a-${i}`), i);
      b.messenger.trySend(to(a, `b-${i}`), i);
    }
    expect(() => a.messenger.trySend(to(b, "one-more"), 1)).toThrow("64");
    await world.clock.advance(10_000);
    expect(a.membership.members()).toHaveLength(2);
    expect(b.membership.members()).toHaveLength(2);
  });
});
