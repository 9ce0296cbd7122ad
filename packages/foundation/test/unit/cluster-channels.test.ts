/** Channels of whole nodes, without a socket. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Cluster } from "../../src/index.js";
import { limits } from "../../src/limits.js";
import { MemoryWorld } from "../support/memory-world.js";

describe("channels of a cluster without a socket", () => {
  let world: MemoryWorld;
  let a: Cluster;
  let b: Cluster;
  beforeEach(async () => {
    world = new MemoryWorld();
    const nodes = await world.form("a", "b");
    [a, b] = nodes.map(({ cluster }) => cluster) as [Cluster, Cluster];
  });
  afterEach(() => world.close());

  test("messages and requests go over links of the channel's own, with the lanes asked for", async () => {
    const bulk = a.channel<number, number>("bulk", { parallelism: 4 });
    const received: number[] = [];
    b.channel<number, number>("bulk").handle(({ payload, kind }) => {
      if (kind === "message") received.push(payload);
      return payload * 2;
    });
    for (let i = 0; i < 8; i += 1) await world.clock.run(bulk.send(b.self, i, { key: `k${i}` }));
    expect(await world.clock.run(bulk.request(b.self, 21, { timeout: "2s" }))).toBe(42);
    await world.clock.advance(100);
    expect(received.sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const { links, messagesOut, queuedBytes } = bulk.stats();
    const lanes = new Set(links.map(({ lane }) => lane));
    expect(lanes.size).toBeGreaterThan(1);
    expect(Math.max(...lanes)).toBeLessThan(4);
    expect(messagesOut).toBe(9);
    // As of the last write: a little old, never too small.
    expect(queuedBytes).toBeLessThan(1_000);
    expect(a.info().links.all.length).toBeGreaterThanOrEqual(links.length);
    expect(a.info().links.up).toBeGreaterThanOrEqual(links.length);
  });

  test("the same name is the same handle, a name of the framework and other options are refused", () => {
    expect(a.channel("bulk", { priority: 0 })).toBe(a.channel("bulk"));
    expect(() => a.channel("bulk", { priority: 2 })).toThrow(/expected priority 0/);
    expect(() => a.channel("state")).toThrow(/framework's own/);
    expect(() => a.channel("lanes", { parallelism: 17 })).toThrow(/1 to 16/);
  });

  test("a node sends to itself as to any other", async () => {
    const echo = a.channel<object, object>("echo");
    const sent = { nested: [1] };
    echo.handle(({ payload }) => payload);
    const answer = await world.clock.run(echo.request(a.self, sent));
    expect(answer).toEqual(sent);
    expect(answer).not.toBe(sent);
  });

  test("a receiver that takes nothing is told by health() after a while, a slow one is not", async () => {
    const bulk = a.channel("bulk");
    const done: (() => void)[] = [];
    b.channel("bulk").handle(() => new Promise<void>((resolve) => done.push(resolve)));
    const bytes = new Uint8Array(60_000);
    while (bulk.trySend(b.self, bytes) === "accepted") await world.clock.advance(1);
    expect(bulk.stats().queuedBytes).toBeGreaterThan(bytes.length);
    expect((await world.clock.run(a.health())).services.overlay).toBe("healthy");
    await world.clock.advance(limits.stuckLinkMs + 2 * limits.linkSampleMs);
    const report = await world.clock.run(a.health());
    expect(report.services.overlay).toBe("degraded");
    expect(report.recommendations.join()).toMatch(/^b has taken nothing on channel bulk for \d+ s/);
    expect(bulk.stats().stalls).toBeGreaterThan(0);
    while (done.length > 0) {
      for (const finish of done.splice(0)) finish();
      await world.clock.advance(10);
    }
    await world.clock.advance(2 * limits.linkSampleMs);
    expect(bulk.stats().queuedBytes).toBeLessThan(bytes.length);
    expect((await world.clock.run(a.health())).services.overlay).toBe("healthy");
  });

  test("after leave a channel sends nothing, and a new one cannot be opened", async () => {
    const bulk = a.channel("bulk");
    await world.clock.run(a.leave());
    await expect(bulk.send(b.self, 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^ERR_/),
    });
    expect(() => a.channel("late")).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
    expect(bulk.stats().queuedBytes).toBe(0);
  });

  test("reconfigure is in force at once, shows in explain() and refuses the rest", async () => {
    const secret = "Zk0wq1TzZf3p2G8s7Vb5nXcLhYt4Rr6Ee9Uu0Aa1Ii=";
    await a.reconfigure({ shutdown: { timeout: "1s" } });
    const shown = a.config.explain().find(({ path }) => path === "shutdown.timeout");
    expect(shown).toEqual({ path: "shutdown.timeout", value: "1s", layer: "reconfigure" });
    await expect(a.reconfigure({ node: { name: "z" } })).rejects.toMatchObject({
      code: "ERR_RESTART_REQUIRED",
      details: { paths: ["node.name"] },
    });
    // The nodes of this world bring an authentication of their own, and the logger is the test's.
    await expect(a.reconfigure({ security: { secret } })).rejects.toMatchObject({
      details: { paths: ["security.secret"], changeable: ["shutdown.timeout"] },
    });
  });
});
