import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { NodeId, Transport } from "@foundation/core";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;
beforeEach(() => {
  world = new VirtualOverlays();
});
afterEach(() => world.close());

/** A transport that knows a host under a second name, and counts its dials. */
function aliasing(inner: Transport, alias: string, host: string) {
  const dials: string[] = [];
  const transport: Transport = {
    ...inner,
    dial: (address, options) => {
      dials.push(address);
      return inner.dial(address.replace(alias, host), options);
    },
  };
  return { transport, dials };
}

describe("an address from discovery", () => {
  test.each(["a", "localhost"])(
    "written as %s is dialled again as soon as its member has left or died, by whoever comes back there",
    async (name) => {
      let a = await world.start("a");
      const { transport, dials } = aliasing(world.network.transport("b"), "localhost", "a");
      const peers = [`memory://${name}:1000`];
      const b = await world.start("b", { peers, runtime: { transport } });
      await world.clock.advance(1_000);
      expect(b.membership.members()).toHaveLength(2);
      for (const end of ["leave", "close"] as const) {
        await world.clock.run(a[end]());
        await world.clock.advance(200);
        expect(b.membership.members()).toHaveLength(1);
        a = await world.start("a");
        // The longest pause between two dials of one address.
        await world.clock.advance(5_100);
        expect({ end, listed: b.membership.members().length }).toEqual({ end, listed: 2 });
      }
      const before = dials.length;
      b.dial(peers);
      await world.clock.advance(15_000);
      expect(dials).toHaveLength(before);
    },
  );

  test("under another name of a node that is linked already is dialled once", async () => {
    const a = await world.start("a");
    const { transport, dials } = aliasing(world.network.transport("b"), "localhost", "a");
    const b = await world.start("b", { peers: [a.address], runtime: { transport } });
    await world.clock.advance(1_000);
    b.dial(["memory://localhost:1000"]);
    await world.clock.advance(1_000);
    b.dial(["memory://localhost:1000"]);
    await world.clock.advance(15_000);
    expect(dials.filter((address) => address.includes("localhost"))).toHaveLength(1);
  });
});

describe("leaving", () => {
  test("ends when the farewell has arrived everywhere, on links that were dialled too", async () => {
    const [a, b, c] = await world.form(3);
    const told: string[] = [];
    for (const node of [a, b, c]) {
      node?.membership.subscribe(({ type }) => void told.push(`${node.self.name} ${type}`));
    }
    // The last one has dialled all others.
    await world.clock.run(c?.leave() ?? Promise.resolve());
    expect(told.toSorted()).toEqual(["a node-left", "b node-left"]);
    expect(world.network.openConnections).toBe(1);
  });

  test("ends by its timeout when the others do not answer", async () => {
    const [a, b] = await world.form(2);
    b?.messenger.trySend({ to: a?.self.id as NodeId, channel: "data", subject: "test" }, 1);
    await world.clock.advance(100);
    world.network.cut("a", "b");
    const begun = world.clock.now();
    await world.clock.run(b?.leave({ timeout: "500ms" }) ?? Promise.resolve());
    expect(world.clock.now() - begun).toBeLessThanOrEqual(800);
  });
});
