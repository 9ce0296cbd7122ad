import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { DiscoveryStrategy, Meter, Transport } from "@foundation/core";
import { memoryMeter } from "@foundation/core/testing";
import { defineProcess, defineTopic, isFoundationError, startCluster } from "../../src/index.js";
import { limits } from "../../src/limits.js";
import { MemoryWorld } from "../support/memory-world.js";

const counter = defineProcess({
  name: "foundation.memory.counter",
  init: (args: { from: number }) => ({ total: args.from }),
  call: {
    add: ({ state }, by: number) => (state.total += by),
    where: ({ self }) => self.node,
  },
});
const ticked = defineTopic<{ at: number }>("foundation.memory.ticked");

describe("startCluster without a socket", () => {
  let world: MemoryWorld;
  beforeEach(() => {
    world = new MemoryWorld();
  });
  afterEach(() => world.close());

  test("three nodes form, share a process and a topic, and outlive one of them", async () => {
    const [a, b, c] = await world.form("a", "b", "c");
    const { clock } = world;
    const names = a!.cluster.nodes().map(({ name }) => name);
    expect([...names].sort()).toEqual(["a", "b", "c"]);

    const options = { name: "orders", distribute: true, wait: "visible" } as const;
    await clock.run(a!.cluster.startProcess(counter, { from: 10 }, options));
    for (const { cluster } of [a!, b!, c!]) {
      await clock.run(cluster.process(counter, "orders").call("add", 1));
    }
    expect(await clock.run(c!.cluster.process(counter, "orders").call("add", 0))).toBe(13);

    const messages = b!.cluster.pubsub.subscribe(ticked);
    await clock.run(messages.ready());
    c!.cluster.pubsub.publish(ticked, { at: 1 });
    const first = await clock.run(messages[Symbol.asyncIterator]().next());
    expect(first.value?.data).toEqual({ at: 1 });

    const host = await clock.run(a!.cluster.process(counter, "orders").call("where"));
    const dead = [a!, b!, c!].find(({ cluster }) => cluster.self.id === host)!;
    const alive = [a!, b!, c!].find((node) => node !== dead)!;
    await clock.run(dead.cluster.leave());
    await clock.advance(5_000);
    expect(alive.cluster.nodes()).toHaveLength(2);
    expect(await clock.run(alive.cluster.process(counter, "orders").call("add", 1))).toBe(14);
  });

  test("a node that left holds no timer and no connection", async () => {
    await world.form("a", "b");
    await world.close();
    await world.clock.advance(0);
    expect(world.network.openConnections).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  test("info counts the messages of the last seconds", async () => {
    const [a, b] = await world.form("a", "b");
    await world.clock.run(a!.cluster.startProcess(counter, { from: 0 }, { name: "orders" }));
    await world.clock.advance(2_000);
    const quiet = b!.cluster.info().messageRate;
    const ref = b!.cluster.process(counter, "orders");
    for (let i = 0; i < 500; i += 1) await world.clock.run(ref.call("add", 1));
    await world.clock.advance(1_000);
    expect(b!.cluster.info().messageRate).toBeGreaterThan(quiet + 100);
    await world.clock.advance(30_000);
    expect(b!.cluster.info().messageRate).toBeLessThan(quiet + 100);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "%s while a node starts ends the start and withdraws it before the process exits",
    async (signal) => {
      const silent: DiscoveryStrategy = {
        name: "silent",
        discover: ({ signal: ended }) =>
          (async function* () {
            await new Promise<void>((resume) =>
              ended.addEventListener("abort", () => resume(), { once: true }),
            );
            yield* [];
          })(),
      };
      const { options, signals } = world.options("a", { cluster: silent });
      const started = startCluster(options).catch((error: unknown) => error);
      while (signals.listeners === 0) await new Promise((resume) => setImmediate(resume));
      signals.raise(signal);
      const startedMs = world.clock.now();
      const failure = await world.passing(started);
      expect(failure).toMatchObject({ code: "ERR_ABORTED" });
      expect(signals.exits).toEqual([signal === "SIGTERM" ? 0 : 130]);
      expect(signals.listeners).toBe(0);
      expect(world.clock.now() - startedMs).toBeLessThan(limits.firstRoundMs);
      await world.clock.advance(5_000);
      expect(world.clock.pendingTimers).toBe(0);
    },
  );

  test("a signal of the caller ends the first round of discovery, without waiting for it", async () => {
    const abort = new AbortController();
    const hanging: DiscoveryStrategy = {
      name: "hanging",
      discover: () => (abort.abort(), new Promise<void>(() => {})) as never,
    };
    const { options } = world.options("a", { cluster: hanging, signal: abort.signal });
    const started = startCluster(options).catch((error: unknown) => error);
    while (!abort.signal.aborted) await new Promise((resume) => setImmediate(resume));
    const startedMs = world.clock.now();
    expect(await world.passing(started)).toMatchObject({ code: "ERR_ABORTED" });
    // Discovery itself waits this long for its strategy to end.
    expect(world.clock.now() - startedMs).toBeLessThan(limits.firstRoundMs + 3_000);
  });

  test("a part that cannot be made takes down what was made before it, and is what is told", async () => {
    const meter = memoryMeter();
    const broken: Meter = {
      counter: (name, ...rest) => {
        if (name.startsWith("pubsub")) throw new RangeError("no room for pubsub");
        return meter.counter(name, ...rest);
      },
      gauge: (...all) => meter.gauge(...all),
      histogram: (...all) => meter.histogram(...all),
      snapshot: () => meter.snapshot(),
    };
    const transport = world.network.transport("a");
    const listening: Transport = {
      ...transport,
      listen: async (...all) => {
        const listener = await transport.listen(...all);
        const close = () => listener.close().then(() => Promise.reject(new Error("cannot close")));
        return { ...listener, address: listener.address, close };
      },
    };
    const overlay = { host: "a", port: 1_000 };
    const { options, logger, signals } = world.options("a", { overlay });
    const runtime = { ...options.runtime, meter: broken, transport: listening };
    const failed = startCluster({ ...options, runtime }).catch((error: unknown) => error);
    expect(await world.passing(failed)).toMatchObject({ message: "no room for pubsub" });
    expect(logger.lines.some(({ level }) => level === "warn")).toBe(true);
    expect(signals.listeners).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
    await world.start("a", { overlay });
  });

  test("the handle gives out only what its type says", async () => {
    const [a] = await world.form("a");
    const { registry, pubsub } = a!.cluster;
    expect(Object.keys(registry).sort()).toEqual([
      "count",
      "lookup",
      "lookupAll",
      "register",
      "select",
      "unregister",
      "update",
      "watch",
    ]);
    expect(Object.keys(pubsub).sort()).toEqual(["publish", "subscribe"]);
    expect("close" in registry || "close" in pubsub || "drain" in registry).toBe(false);
  });

  test("ready() rejects a wrong argument, it does not throw", async () => {
    const [a] = await world.form("a");
    const waiting = a!.cluster.ready({ nodes: 0 });
    await expect(waiting).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
  });

  test("health() does not call a node unreachable that came while it asked", async () => {
    const [a] = await world.form("a", "b");
    world.network.cut("a", "b");
    const asked = a!.cluster.health();
    await world.start("c");
    const { nodes } = await world.clock.run(asked);
    const status = (wanted: string) => nodes.find(({ name }) => name === wanted)?.status;
    expect(a!.cluster.nodes().map(({ name }) => name)).toContain("c");
    expect(status("b")).toBe("unreachable");
    expect(status("c")).not.toBe("unreachable");
    world.network.heal();
  });

  test("dropped messages count against the health only for a while", async () => {
    const [a] = await world.form("a");
    const { cluster } = a!;
    const slow = cluster.pubsub.subscribe(ticked, { buffer: 1, overflow: "drop-oldest" });
    for (let at = 0; at < 10; at += 1) cluster.pubsub.publish(ticked, { at });
    await world.clock.advance(1_000);
    expect((await world.clock.run(cluster.health())).services.pubsub).toBe("degraded");
    expect(cluster.info().health).toBe("degraded");
    await world.clock.advance(limits.problemMs + 1_000);
    expect((await world.clock.run(cluster.health())).services.pubsub).toBe("healthy");
    await slow.close();
  });

  test("after leave every member of the handle ends typed, and none hangs", async () => {
    const [a] = await world.form("a", "b");
    const { cluster } = a!;
    await world.clock.run(cluster.leave());
    const calls = [
      () => cluster.startProcess(counter, { from: 1 }),
      () => cluster.process(counter, "orders").call("add", 1),
      () => cluster.send("orders", 1),
      () => cluster.ready({ nodes: 9 }),
      () => cluster.registry.unregister("orders"),
      async () => cluster.pubsub.publish(ticked, { at: 1 }),
      async () => cluster.pubsub.subscribe(ticked),
    ];
    for (const call of calls) {
      const outcome = await world.clock.run(
        call().then(
          () => "fine",
          (error: unknown) => error,
        ),
      );
      if (outcome !== "fine") expect(isFoundationError(outcome)).toBe(true);
    }
    expect(await world.clock.run(cluster.watch().next())).toMatchObject({ done: true });
    await world.clock.run(cluster.drain());
  });
});
