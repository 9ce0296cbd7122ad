import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Clock, Connection } from "@foundation/core/ports";
import { createSimulator, type Simulator } from "../../../src/index.js";
import { app, follow, type App } from "./listening-app.js";

let sim: Simulator<App>;
const open = async (seed: number | string) => {
  sim = createSimulator<App>({ seed });
  for (const name of ["a", "b"]) sim.addNode(name, app);
  await sim.run("1s");
};
const appOf = (name: string) => sim.node(name).app as App;
const clockOf = (name: string): Clock => appOf(name).host.runtime.clock;
const connect = async (): Promise<Connection> => {
  const { signal } = new AbortController();
  const dialling = appOf("a").host.runtime.transport.dial("sim://b:7000", { signal });
  const connection = await sim.settle(dialling);
  follow(appOf("a"), connection);
  await sim.run(10);
  return connection;
};
beforeEach(() => open(11));
afterEach(() => sim.close());

describe("a suspended host", () => {
  test("goes on with the same boot, and learns that its connections are lost only then", async () => {
    await connect();
    const { host, log } = appOf("b");
    host.runtime.clock.setTimer(1_000, () => log.push("timer"));
    sim.suspend("b", 30_000);
    await sim.run("29s");
    expect([log, sim.node("b").state]).toEqual([[], "paused"]);
    await sim.run("2s");
    expect(log).toEqual(["timer", "closed lost"]);
    expect([sim.node("b").state, sim.node("b").boots, appOf("b").host]).toEqual(["up", 1, host]);
  });

  test("tells its peers or does not; one that was not told learns it when it sends afterwards", async () => {
    const seen = { told: 0, untold: 0 };
    for (let seed = 0; seed < 20; seed++) {
      sim.close();
      await open(seed);
      const connection = await connect();
      sim.suspend("b", 10_000);
      connection.send(Uint8Array.of(1));
      await sim.run("5s");
      if (appOf("a").log.length > 0) seen.told += 1;
      else seen.untold += 1;
      await sim.run("10s");
      connection.send(Uint8Array.of(2));
      await sim.run("1s");
      expect(appOf("a").log).toEqual(["closed lost"]);
      expect(appOf("b").log).toEqual(["closed lost"]);
    }
    expect(seen.told).toBeGreaterThan(0);
    expect(seen.untold).toBeGreaterThan(0);
  });

  test("answers no dial before it goes on", async () => {
    sim.suspend("b", 2_000);
    const { signal } = new AbortController();
    const dialling = appOf("a").host.runtime.transport.dial("sim://b:7000", { signal });
    const dialled = dialling.then(() => sim.clock.now());
    expect(await sim.settle(dialled)).toBeGreaterThan(3_000);
  });

  test("goes on at a heal, and not again at its hour", async () => {
    sim.suspend("b", 10_000);
    await sim.run("1s");
    sim.heal();
    expect(sim.node("b").state).toBe("up");
    sim.pause("b");
    await sim.run("20s");
    expect(sim.node("b").state).toBe("paused");
  });

  test("sleeps as long as the longest of its suspensions", async () => {
    sim.suspend("b", 10_000);
    sim.suspend("b", 1_000);
    await sim.run("9s");
    expect(sim.node("b").state).toBe("paused");
    await sim.run("2s");
    expect(sim.node("b").state).toBe("up");
  });

  test("may be killed meanwhile, and its next boot is awake", async () => {
    sim.suspend("b", 10_000);
    sim.crash("b");
    sim.restart("b");
    await sim.run("1s");
    expect(sim.node("b").state).toBe("up");
    await connect();
    await sim.run("20s");
    expect(appOf("b").log).toEqual([]);
  });

  test("has a clock that runs meanwhile, or stands when that is asked for", async () => {
    sim.suspend("a", 5_000);
    sim.suspend("b", 5_000, { clock: "stands" });
    const fired: string[] = [];
    for (const name of ["a", "b"]) {
      const clock = clockOf(name);
      clock.setTimer(2_000, () => fired.push(`${name} ${sim.clock.now()}`));
    }
    await sim.run("10s");
    expect(clockOf("a").now()).toBe(11_000);
    expect(clockOf("b").now()).toBe(6_000);
    expect(fired).toEqual(["a 6000", "b 8000"]);
  });
});

describe("clocks of one host", () => {
  test("a wall clock jumps from where it is, forwards and back", () => {
    const start = clockOf("a").wallNow();
    sim.skewWall("a", 500);
    sim.jumpWall("a", 3_600_000);
    expect(clockOf("a").wallNow() - start).toBe(3_600_500);
    sim.jumpWall("a", -7_200_000);
    expect(clockOf("a").wallNow() - start).toBe(-3_599_500);
    expect(clockOf("a").now()).toBe(clockOf("b").now());
    sim.heal();
    expect(clockOf("a").wallNow()).toBe(start);
  });

  test.each([
    [1.1, 1_100],
    [0.9, 900],
  ])("a monotonic clock that runs %s times as fast fires its timers so", async (rate, localMs) => {
    const fired: number[] = [];
    const start = clockOf("a").now();
    clockOf("a").setTimer(990, () => fired.push(sim.clock.now()));
    sim.driftClock("a", rate);
    clockOf("a").setTimer(990, () => fired.push(sim.clock.now()));
    await sim.run("1s");
    expect(clockOf("a").now() - start).toBeCloseTo(localMs, 6);
    expect(clockOf("b").now()).toBe(sim.clock.now());
    await sim.run("1s");
    expect(fired).toHaveLength(2);
    for (const atMs of fired) expect(atMs).toBeCloseTo(1_000 + 990 / rate, 6);
  });

  test("a drifting clock never goes back, and has reached what a timer was set for when it fires", async () => {
    const clock = clockOf("a");
    let last = clock.now();
    let fired = 0;
    const check = () => {
      expect(clock.now()).toBeGreaterThanOrEqual(last);
      last = clock.now();
    };
    const tick = (dueMs: number) => {
      check();
      expect(clock.now()).toBeGreaterThanOrEqual(dueMs);
      fired += 1;
      const delayMs = 0.1 + sim.random.next() * 7;
      const next = clock.now() + delayMs;
      clock.setTimer(delayMs, () => tick(next));
    };
    tick(0);
    for (let round = 0; round < 200; round++) {
      if (round % 20 === 19) sim.heal();
      else sim.driftClock("a", 0.9 + sim.random.next() * 0.2);
      check();
      await sim.run(10);
    }
    expect(fired).toBeGreaterThan(300);
  });

  test("a heal sets the rate right and leaves the clock where it has come to", async () => {
    sim.driftClock("a", 1.1);
    await sim.run("10s");
    sim.heal();
    const ahead = clockOf("a").now() - sim.clock.now();
    expect(ahead).toBeCloseTo(1_000, 6);
    await sim.run("10s");
    expect(clockOf("a").now() - sim.clock.now()).toBeCloseTo(ahead, 6);
  });

  test("a cancelled timer does not fire after a change of the rate", async () => {
    const timer = clockOf("a").setTimer(100, () => appOf("a").log.push("fired"));
    sim.driftClock("a", 1.05);
    timer.cancel();
    await sim.run("1s");
    expect(appOf("a").log).toEqual([]);
    expect(sim.node("a").pendingTimers).toBe(0);
  });

  test.each([0, -1, Number.NaN, Infinity])("a rate of %s is refused", (rate) => {
    expect(() => sim.driftClock("a", rate)).toThrow(
      `rate must be a number more than 0, as 0.9 or 1.1, found ${rate}`,
    );
  });
});

describe("connections of one link", () => {
  test("keep their own order, and none with each other", async () => {
    sim.link("a", "b", { latencyMs: 1, jitterMs: 20, spikeChance: 0, spikeMs: 0, bytesPerMs: 1e5 });
    const [first, second] = [await connect(), await connect()];
    await sim.run("1s");
    const { log } = appOf("b");
    let overtaken = 0;
    for (let i = 0; i < 50; i++) {
      log.length = 0;
      first.send(Uint8Array.of(1));
      first.send(Uint8Array.of(2));
      second.send(Uint8Array.of(3));
      await sim.run("1s");
      expect(log).toHaveLength(3);
      expect(log.indexOf("frame 1")).toBeLessThan(log.indexOf("frame 2"));
      if (log.indexOf("frame 3") < log.indexOf("frame 1")) overtaken += 1;
    }
    expect(overtaken).toBeGreaterThan(5);
  });

  test("lose the end of what was sent when they are reset, never something in the middle", async () => {
    const lengths = new Set<number>();
    for (let seed = 0; seed < 20; seed++) {
      sim.close();
      await open(`reset ${seed}`);
      const slow = { latencyMs: 5, jitterMs: 30, spikeChance: 0.1, spikeMs: 100, bytesPerMs: 10 };
      sim.link("a", "b", slow);
      const connection = await connect();
      for (let i = 0; i < 100; i++) connection.send(new Uint8Array(100).fill(i));
      await sim.run(100 + seed * 40);
      sim.reset("a", "b");
      await sim.run("10s");
      const frames = appOf("b").log.filter((line) => line.startsWith("frame"));
      expect(frames).toEqual(frames.map((_, i) => `frame ${i}`));
      expect(appOf("b").log.at(-1)).toBe("closed lost");
      lengths.add(frames.length);
    }
    expect(lengths.size).toBeGreaterThan(5);
    expect(Math.max(...lengths)).toBeLessThan(100);
  });
});

describe("a promise that nothing settles", () => {
  test("fails with what each node has to wait for", async () => {
    sim.stallDisk("a", 3_600_000);
    sim.pause("b");
    const reading = appOf("a").host.runtime.storage.read("x");
    await expect(sim.settle(reading, { within: "30s" })).rejects.toMatchObject({
      code: "ERR_TIMEOUT",
      details: { timeoutMs: 30_000, target: "settle" },
      message: expect.stringContaining(
        "a is up, 0 timers, 1 operations of its disk, stalled; b is paused, 0 timers",
      ),
    });
  });

  test("is not hidden when it rejects with a timeout of its own", async () => {
    const own = new Error("its own");
    await expect(sim.settle(Promise.reject(own))).rejects.toBe(own);
  });
});
