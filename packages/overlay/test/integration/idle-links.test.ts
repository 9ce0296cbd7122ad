/**
 * Requests that race with the closing of idle links, over real WebSockets on loopback: none has an unknown outcome.
 * The nodes' clocks run fifteen times as fast, with the times of a wide network, so that links are idle after four seconds.
 */
import { expect, test } from "@jest/globals";
import { nodeClock, type Clock } from "@foundation/core";
import type { Overlay } from "../../src/index.js";
import { LINK } from "../../src/limits.js";
import { FaultySockets } from "../support/faulty-sockets.js";
import { OverlayCluster } from "../support/overlay-cluster.js";
import { eventually, listEachOther } from "../support/real-overlays.js";

const FASTER = 15;
const CLIENTS = 6;
const ROUNDS = 2;
const DELAY_MS = 20;

/** Real time, in which an hour takes four minutes. */
function fastClock(): Clock {
  const inner = nodeClock();
  return new Proxy(inner, {
    get: (target, key) => {
      if (key === "now") return () => FASTER * target.now();
      if (key === "setTimer") {
        const setTimer: Clock["setTimer"] = (delayMs, run) =>
          target.setTimer(delayMs / FASTER, run);
        return setTimer;
      }
      if (key === "sleep") {
        const sleep: Clock["sleep"] = (ms, options) => target.sleep(ms / FASTER, options);
        return sleep;
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

test("requests that race with the closing of idle links are answered, and run once", async () => {
  const clock = nodeClock();
  const cluster = new OverlayCluster({ topology: "client-server", preset: "wan" });
  try {
    const start = (roles: readonly string[]) =>
      cluster.start({
        roles,
        // The closing takes as long as an answer: requests are to fall into that time.
        runtime: {
          clock: fastClock(),
          transport: new FaultySockets({ delayMs: DELAY_MS }).transport,
        },
      });
    for (let i = 0; i < 2; i += 1) await start(["server"]);
    for (let i = 0; i < CLIENTS; i += 1) await start([]);
    await eventually("all list all", () => listEachOther(cluster.nodes), 30_000);
    const clients = cluster.nodes.slice(2);
    const ran = new Map<unknown, number>();
    for (const { messenger } of clients) {
      messenger.handle("echo", ({ payload }) => {
        ran.set(payload, (ran.get(payload) ?? 0) + 1);
        return payload;
      });
    }
    const hasLink = (one: Overlay, other: Overlay) =>
      one.links().some(({ peer, up }) => peer === other.self.id && up);
    let reopened = 0;
    const play = async (one: Overlay, other: Overlay, pair: number): Promise<void> => {
      const ask = async (from: Overlay, to: Overlay, text: string) => {
        const route = { to: to.self.id, channel: "work", subject: "echo" };
        expect(await from.messenger.request(route, text, { timeoutMs: 400_000 })).toBe(text);
      };
      for (let round = 0; round < ROUNDS; round += 1) {
        await ask(one, other, `open ${pair} ${round}`);
        // Within the time in which links that were used just now are found idle, and closed.
        const share = (round * 15 + pair) / (15 * ROUNDS);
        await clock.sleep((LINK.idleMs + share * 2 * LINK.idleCheckMs) / FASTER);
        if (!hasLink(one, other)) reopened += 1;
        await Promise.all([
          ask(one, other, `from one ${pair} ${round}`),
          ask(other, one, `from the other ${pair} ${round}`),
        ]);
      }
    };
    const pairs = clients.flatMap((one, i) => clients.slice(i + 1).map((other) => [one, other]));
    await Promise.all(pairs.map(([one, other], i) => play(one as Overlay, other as Overlay, i)));
    expect(ran.size).toBe(3 * ROUNDS * pairs.length);
    expect([...ran.values()].every((times) => times === 1)).toBe(true);
    expect(reopened).toBeGreaterThan(0);
  } finally {
    await cluster.close();
  }
}, 120_000);
