/**
 * A request that is made while the idle link to its target is being closed: at every moment around the closing, from
 * either side, it is answered, since both sides agree before anything is closed.
 */
import { expect, test } from "@jest/globals";
import type { Overlay } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

const LATENCY_MS = 40;
const STEP_MS = 9;

const isLinked = (one: Overlay, other: Overlay) =>
  one.links().some(({ peer, channel, up }) => {
    return peer === other.self.id && channel === "data" && up;
  });

/** Two clients that nobody wants to be linked, and their server. */
async function scene() {
  const overlays = new VirtualOverlays("idle race", LATENCY_MS, 0);
  const { clock } = overlays;
  const topology = "client-server";
  const server = await overlays.start("s", { topology, roles: ["server"] });
  const one = await overlays.start("a", { topology, peers: [server.address] });
  const other = await overlays.start("b", { topology, peers: [server.address] });
  await clock.advance(30_000);
  const ran: unknown[] = [];
  for (const { messenger } of [one, other]) {
    messenger.handle("echo", ({ payload }) => {
      ran.push(payload);
      return payload;
    });
  }
  const ask = (from: Overlay, payload: unknown) => {
    const to = from === one ? other : one;
    return from.messenger.request({ to: to.self.id, channel: "data", subject: "echo" }, payload);
  };
  /** Asks once, and waits until the link that opened is closed again; gives the time that took. */
  const rested = async () => {
    await clock.run(ask(one, "open"));
    const openedAt = clock.now();
    while (isLinked(one, other) || isLinked(other, one)) {
      if (clock.now() - openedAt > 300_000) throw new Error("the link is never closed");
      await clock.advance(10);
    }
    await clock.advance(1_000);
    return clock.now() - 1_000 - openedAt;
  };
  return { overlays, clock, one, other, ask, ran, rested };
}

test("a request is answered at whatever moment of the closing of an idle link it is made, and runs once", async () => {
  const { overlays, clock, one, other, ask, ran, rested } = await scene();
  const closedAfterMs = await rested();
  let reopened = 0;
  for (const from of [one, other]) {
    for (let beforeMs = 6 * LATENCY_MS; beforeMs > -3 * LATENCY_MS; beforeMs -= STEP_MS) {
      await clock.run(ask(one, "open"));
      await clock.advance(closedAfterMs - beforeMs);
      if (!isLinked(from, from === one ? other : one)) reopened += 1;
      ran.length = 0;
      const text = `${beforeMs} ms before`;
      expect(await clock.run(ask(from, text))).toBe(text);
      expect(ran).toEqual([text]);
      await clock.advance(150_000);
      expect(isLinked(one, other) || isLinked(other, one)).toBe(false);
    }
  }
  // The moments lie before and after the closing.
  expect(reopened).toBeGreaterThan(10);
  expect(reopened).toBeLessThan(70);
  await overlays.close();
}, 180_000);
