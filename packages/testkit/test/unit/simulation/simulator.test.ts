import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Connection } from "@foundation/core/ports";
import childProcess from "node:child_process";
import fs from "node:fs";
import { promisify } from "node:util";
import { nodeRuntime } from "@foundation/core";
import { createSimulator, lanConditions, type Simulator } from "../../../src/index.js";
import { app, follow, type App } from "./listening-app.js";

describe("the simulator", () => {
  let sim: Simulator<App>;
  beforeEach(() => {
    sim = createSimulator<App>({ seed: 7 });
  });
  afterEach(() => sim.close());

  const start = async (...names: string[]) => {
    for (const name of names) sim.addNode(name, app);
    await sim.run("1s");
  };
  const appOf = (name: string) => sim.node(name).app as App;
  const connect = async (from: string, to: string): Promise<Connection> => {
    const { signal } = new AbortController();
    const { transport } = appOf(from).host.runtime;
    const connection = await sim.settle(transport.dial(`sim://${to}:7000`, { signal }));
    follow(appOf(from), connection);
    await sim.run(10);
    return connection;
  };

  test("timers of all nodes run in the order of virtual time", async () => {
    await start("a", "b");
    const order: string[] = [];
    appOf("a").host.runtime.clock.setTimer(20, () => order.push("a20"));
    appOf("b").host.runtime.clock.setTimer(10, () => order.push("b10"));
    appOf("a").host.runtime.clock.setTimer(10, () => order.push("a10"));
    await sim.run("1s");
    expect(order).toEqual(["b10", "a10", "a20"]);
  });

  test("after a crash no timer runs and no promise of the dead boot settles", async () => {
    await start("a");
    const { runtime } = appOf("a").host;
    const ran: string[] = [];
    runtime.clock.setTimer(50, () => ran.push("timer"));
    void runtime.clock.sleep(50).finally(() => ran.push("sleep"));
    void runtime.storage.read("x").finally(() => ran.push("storage"));
    sim.crash("a");
    await sim.run("1s");
    expect(ran).toEqual([]);
    expect(sim.node("a").state).toBe("down");
  });

  test("a crashed process resets its connections, a host that goes off says nothing until it is on again", async () => {
    await start("a", "b", "c");
    await connect("a", "b");
    const toC = await connect("a", "c");
    sim.crash("b");
    sim.crash("c", { kind: "power" });
    await sim.run("5s");
    expect(appOf("a").log).toEqual(["closed lost"]);
    toC.send(Uint8Array.of(1));
    await sim.run("5s");
    expect(appOf("a").log).toEqual(["closed lost"]);
    sim.restart("c");
    await sim.run("1s");
    expect(appOf("a").log).toEqual(["closed lost", "closed lost"]);
  });

  test("a cut holds frames back in order, and a heal lets them through", async () => {
    await start("a", "b");
    const connection = await connect("a", "b");
    sim.partition(["a"], ["b"]);
    connection.send(Uint8Array.of(1));
    connection.send(Uint8Array.of(2));
    await sim.run("3s");
    expect(appOf("b").log).toEqual([]);
    sim.heal();
    await sim.run("1s");
    expect(appOf("b").log).toEqual(["frame 1", "frame 2"]);
  });

  test("mend ends the cut between two groups, and no other", async () => {
    await start("a", "b", "c");
    const [toB, toC] = [await connect("a", "b"), await connect("a", "c")];
    sim.partition(["a"], ["b", "c"]);
    toB.send(Uint8Array.of(1));
    toC.send(Uint8Array.of(2));
    await sim.run("1s");
    sim.mend(["b"], ["a"]);
    await sim.run("1s");
    expect(appOf("b").log).toEqual(["frame 1"]);
    expect(appOf("c").log).toEqual([]);
    sim.mend(["a"], ["b", "c"]);
    await sim.run("1s");
    expect(appOf("c").log).toEqual(["frame 2"]);
  });

  test("a one-way cut lets the other direction through", async () => {
    await start("a", "b");
    const connection = await connect("a", "b");
    sim.partition(["a"], ["b"], { oneWay: true });
    connection.send(Uint8Array.of(1));
    appOf("b").connections[0]?.send(Uint8Array.of(2));
    await sim.run("1s");
    expect([appOf("a").log, appOf("b").log]).toEqual([["frame 2"], []]);
  });

  test("a half-open connection is noticed by the side that still believes only when it sends", async () => {
    await start("a", "b");
    const connection = await connect("a", "b");
    sim.reset("a", "b", { half: true });
    await sim.run("5s");
    expect([appOf("a").log, appOf("b").log]).toEqual([[], ["closed lost"]]);
    connection.send(Uint8Array.of(1));
    await sim.run("1s");
    expect(appOf("a").log).toEqual(["closed lost"]);
  });

  test("a clogged link delivers at its bandwidth", async () => {
    await start("a", "b");
    const connection = await connect("a", "b");
    const slow = { latencyMs: 5, jitterMs: 0, spikeChance: 0, spikeMs: 0, bytesPerMs: 100 };
    sim.link("a", "b", slow);
    for (let i = 0; i < 10; i++) connection.send(new Uint8Array(20_000).fill(i));
    await sim.run(1_010);
    expect(appOf("b").log).toHaveLength(5);
    await sim.run("1s");
    expect(appOf("b").log).toHaveLength(10);
  });

  test("what waits on a clogged link leaves at the link's usual pace once it is healed, in order", async () => {
    await start("a", "b");
    const connection = await connect("a", "b");
    sim.link("a", "b", { ...lanConditions, bytesPerMs: 1 });
    for (let i = 0; i < 10; i++) connection.send(new Uint8Array(20_000).fill(i));
    await sim.run("1s");
    expect(appOf("b").log).toEqual([]);
    sim.heal();
    await sim.run("100ms");
    expect(appOf("b").log).toEqual(Array.from({ length: 10 }, (_, index) => `frame ${index}`));
  });

  test("a paused node does nothing; afterwards its timers come before what arrived", async () => {
    await start("a", "b");
    const connection = await connect("a", "b");
    const { log, host } = appOf("b");
    sim.pause("b");
    connection.send(Uint8Array.of(1));
    host.runtime.clock.setTimer(500, () => log.push("timer"));
    await sim.run("2s");
    expect(log).toEqual([]);
    sim.resume("b");
    await sim.run("1s");
    expect(log).toEqual(["timer", "frame 1"]);
  });

  test("a skewed wall clock does not move the monotonic one", async () => {
    await start("a", "b");
    sim.skewWall("a", 3_600_000);
    const [a, b] = [appOf("a").host.runtime.clock, appOf("b").host.runtime.clock];
    expect(a.wallNow() - b.wallNow()).toBe(3_600_000);
    expect(a.now()).toBe(b.now());
  });

  test("code that asks for the runtime gets that of the node it runs on", async () => {
    await start("a");
    const same = sim.node("a").within((own) => nodeRuntime().clock === own.host.runtime.clock);
    expect(same).toBe(true);
  });

  test("an error nobody catches fails the run and names node, time and seed", async () => {
    await start("a");
    appOf("a").host.runtime.clock.setTimer(250, () => {
      throw new TypeError("a planted bug");
    });
    await expect(sim.run("1s")).rejects.toMatchObject({
      code: "ERR_SIMULATION_FAILED",
      details: { node: "a", seed: "7", atMs: 1_250 },
      message: expect.stringContaining("a planted bug"),
    });
  });

  test.each([
    ["setTimeout", () => globalThis.setTimeout(() => {}, 1)],
    ["setInterval", () => globalThis.setInterval(() => {}, 1)],
    ["setImmediate", () => globalThis.setImmediate(() => {})],
    ["Date.now", () => Date.now()],
    ["new Date()", () => new Date()],
    ["Math.random", () => Math.random()],
    ["performance.now", () => performance.now()],
    ["crypto.randomUUID", () => crypto.randomUUID()],
    ["AbortSignal.timeout", () => AbortSignal.timeout(5)],
    ["fetch", () => fetch("http://127.0.0.1:1")],
    ["fs.writeSync", () => fs.writeSync(99, "")],
    ["child_process.execFile", () => promisify(childProcess.exec)("true")],
    ["process.kill", () => process.kill(process.pid, 0)],
  ])("%s in a node's code is refused and names its caller", async (what, escape) => {
    await start("a");
    // The code swallows the error, and still does not get away with it.
    appOf("a").host.runtime.clock.setTimer(1, () => {
      try {
        void escape();
      } catch {
        // on purpose
      }
    });
    await expect(sim.run("1s")).rejects.toMatchObject({
      code: "ERR_SIMULATION_ESCAPED",
      details: { what, caller: expect.stringContaining("simulator.test") },
    });
  });

  test("what a node writes to stdout or stderr by number is written, and told of in the same event", async () => {
    await start("a");
    const told: unknown[] = [];
    appOf("a").host.runtime.clock.setTimer(1, () => {
      fs.write(2, "", (error, written) => told.push(error, written, sim.clock.now()));
      told.push(fs.writeSync(1, ""));
    });
    await sim.run("1s");
    expect(told).toEqual([0, null, 0, 1_001]);
  });

  test("a file read at once is part of the program, one opened to be written is not", async () => {
    await start("a");
    const { clock } = appOf("a").host.runtime;
    const sizes: number[] = [];
    clock.setTimer(1, () => sizes.push(fs.readFileSync(import.meta.filename).byteLength));
    await sim.run("1s");
    expect(sizes[0]).toBeGreaterThan(1_000);
    clock.setTimer(1, () => void fs.openSync("never-made", "w"));
    await expect(sim.run("1s")).rejects.toMatchObject({ details: { what: "fs.openSync" } });
  });

  test("dates as data, and everything outside of nodes, are let through", async () => {
    await start("a");
    const { clock } = appOf("a").host.runtime;
    const dates: boolean[] = [];
    clock.setTimer(1, () => dates.push(new Date(5) instanceof Date, Date.UTC(2_020, 1) > 0));
    await sim.run("1s");
    expect(dates).toEqual([true, true]);
    expect(Date.now()).toBeGreaterThan(0);
    expect(performance.now()).toBeGreaterThan(0);
    expect(crypto.randomUUID()).toHaveLength(36);
    expect(AbortSignal.abort()).toBeInstanceOf(AbortSignal);
  });

  test("two simulations at once are refused, and closing one puts the globals back", () => {
    expect(() => createSimulator({ seed: 8 })).toThrow("still open");
    const guarded = Date;
    sim.close();
    expect(Date).not.toBe(guarded);
  });
});

describe("the trace", () => {
  const play = async (seed: number, extra = 0): Promise<{ hash: string; lines: string }> => {
    const sim = createSimulator<App>({ seed, verbose: true });
    try {
      for (const name of ["a", "b", "c"]) sim.addNode(name, app);
      await sim.run("1s");
      const { transport } = (sim.node("a").app as App).host.runtime;
      const { signal } = new AbortController();
      const connection = await sim.settle(transport.dial("sim://b:7000", { signal }));
      for (let i = 0; i < 50; i++) connection.send(Uint8Array.of(i + extra));
      await sim.run(5);
      sim.crash("b");
      await sim.run("1s");
      return { hash: sim.trace.hash, lines: sim.trace.lines().join("\n") };
    } finally {
      sim.close();
    }
  };

  test("equal seeds give equal traces, byte for byte", async () => {
    for (let seed = 0; seed < 20; seed++) expect(await play(seed)).toEqual(await play(seed));
  });

  test("another seed, and another byte in a frame, give another hash", async () => {
    const hashes = [await play(1), await play(2), await play(1, 1)].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(3);
  });
});
