import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Overlay } from "../../../src/index.js";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;
let a: Overlay;
let b: Overlay;

beforeEach(async () => {
  world = new VirtualOverlays();
  [a, b] = (await world.form(2)) as [Overlay, Overlay];
});
afterEach(() => world.close());

const route = (node: Overlay, key?: string) => ({
  to: node.self.id,
  channel: "orders",
  subject: "n",
  ...(key === undefined ? {} : { key }),
});

describe("a channel that a peer has opened before this node decides what it promises", () => {
  test("can still be configured, and keeps what it sends from then on", async () => {
    const received: unknown[] = [];
    b.messenger.handle("n", ({ payload }) => void received.push(payload));
    a.messenger.handle("n", () => "an answer");
    expect(await world.clock.run(b.messenger.request(route(a), 0))).toBe("an answer");
    a.configureChannel({ name: "orders", delivery: "reliable", windowBytes: 64 * 1024 });
    for (let n = 0; n < 200; n += 1) {
      await world.clock.run(a.messenger.send(route(b), n));
      await world.clock.advance(1);
      if (n % 50 === 25) world.network.sever("a", "b");
    }
    await world.clock.advance(3_000);
    expect(received).toEqual([...Array(200).keys()]);
    const link = a.links().find(({ channel }) => channel === "orders");
    expect(link).toMatchObject({ windowBytes: 64 * 1024, queuedBytes: 0, retainedBytes: 0 });
    expect(link?.reconnects).toBeGreaterThan(1);
  });

  test("cannot once this node has sent on it itself", async () => {
    await world.clock.run(a.messenger.send(route(b), 1));
    const configure = () => a.configureChannel({ name: "orders", delivery: "reliable" });
    expect(configure).toThrow("configured once, and before its first use");
    expect(() => a.configureChannel({ name: "orders" })).not.toThrow();
  });
});
