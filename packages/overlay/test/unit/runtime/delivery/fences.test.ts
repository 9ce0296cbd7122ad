import { describe, expect, test } from "@jest/globals";
import { VirtualOverlays, outcomeOf } from "../../../support/virtual-overlays.js";

const channels = [{ name: "processes", parallelism: 4 }];
const keys = ["p", "q", "r", "s", "t", "u", "v", "w"];

/** Lanes of very different latency: what is sent on one may be late by up to 300 ms. */
async function lanes(seed: number) {
  const world = new VirtualOverlays(seed, 1, 300);
  const [a, b] = await world.form(2, { channels });
  if (a === undefined || b === undefined) throw new Error("two nodes were started");
  const order: string[] = [];
  b.messenger.handle("cast", ({ payload }) => void order.push(String(payload)));
  b.messenger.handle("down", ({ payload }) => {
    order.push(String(payload));
    return "told";
  });
  const route = { to: b.self.id, channel: "processes" };
  return { world, a, b, order, route };
}

describe("DOWN after the last message", () => {
  test("a fenced request arrives after everything that was sent before it, on any of four lanes", async () => {
    let overtaken = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      for (const fence of [true, false]) {
        const { world, a, order, route } = await lanes(seed);
        const sent: string[] = [];
        for (let round = 0; round < 10; round += 1) {
          for (const key of keys) {
            sent.push(`${key} ${round}`);
            a.messenger.trySend({ ...route, subject: "cast", key }, `${key} ${round}`);
          }
          await world.clock.advance(3);
        }
        const told = outcomeOf(a.messenger.request({ ...route, subject: "down", fence }, "down"));
        // What comes after it may overtake it: it waits, the lanes do not.
        for (const key of keys) a.messenger.trySend({ ...route, subject: "cast", key }, "later");
        await world.clock.advance(5_000);
        expect(told).toEqual({ value: "told" });
        const before = order.slice(0, order.indexOf("down")).filter((text) => text !== "later");
        if (fence)
          expect({ seed, sent: before.toSorted() }).toEqual({ seed, sent: sent.toSorted() });
        else if (before.length < sent.length) overtaken += 1;
        expect(order.length).toBe(sent.length + 1 + keys.length);
        await world.close();
      }
    }
    // Without the fence it does overtake: the network is as unfair as it should be.
    expect(overtaken).toBeGreaterThan(10);
  });

  test("a plain message can be fenced too, and with one lane nothing is added", async () => {
    for (const parallelism of [1, 4]) {
      const world = new VirtualOverlays(7, 1, 300);
      const options = { channels: [{ name: "processes", parallelism }] };
      const [a, b] = await world.form(2, options);
      if (a === undefined || b === undefined) throw new Error("two nodes were started");
      const order: string[] = [];
      for (const subject of ["cast", "down"]) {
        b.messenger.handle(subject, ({ payload }) => void order.push(String(payload)));
      }
      const route = { to: b.self.id, channel: "processes" };
      for (const key of keys) a.messenger.trySend({ ...route, subject: "cast", key }, key);
      await a.messenger.send({ ...route, subject: "down", fence: true }, "down");
      await world.clock.advance(5_000);
      expect(order.length).toBe(keys.length + 1);
      expect(order.at(-1)).toBe("down");
      const out = a.links().filter(({ channel }) => channel === "processes");
      const messages = out.reduce((sum, { messagesOut }) => sum + messagesOut, 0);
      expect(messages).toBe(keys.length + 1 + (parallelism === 1 ? 0 : out.length));
      await world.close();
    }
  });

  test("a request whose mark was lost with its lane is not handled late: its caller has given up", async () => {
    const { world, a, order, route } = await lanes(3);
    for (const key of keys) a.messenger.trySend({ ...route, subject: "cast", key }, key);
    await world.clock.advance(2_000);
    for (let round = 0; round < 30; round += 1) {
      for (const key of keys) a.messenger.trySend({ ...route, subject: "cast", key }, key);
      const text = `down ${round}`;
      const down = { ...route, subject: "down", fence: true };
      const told = outcomeOf(a.messenger.request(down, text, { timeoutMs: 1_000 }));
      await world.clock.advance(round * 10);
      world.network.sever("a", "b");
      await world.clock.advance(3_000);
      const times = order.filter((one) => one === text).length;
      if ("value" in told) expect(times).toBe(1);
      else
        expect(["ERR_OUTCOME_UNKNOWN", "ERR_NODE_UNREACHABLE", "ERR_TIMEOUT"]).toContain(told.code);
      expect(times).toBeLessThanOrEqual(1);
    }
    // And the lanes are as good as before.
    const told = outcomeOf(a.messenger.request({ ...route, subject: "down", fence: true }, "last"));
    await world.clock.advance(3_000);
    expect(told).toEqual({ value: "told" });
    await world.close();
  });
});
