/** What code of a node finds in place of the global timers, dates and chance. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { promisify } from "node:util";
import { simulateCluster, type SimulatedCluster } from "../../../src/testing/index.js";

let sim: SimulatedCluster<unknown, 2>;

beforeEach(async () => {
  sim = await simulateCluster<2, unknown>({ nodes: 2, seed: 42, app: () => "idle" });
});

afterEach(() => sim.close());

describe("in code of a node", () => {
  test("timers run by virtual time, also intervals, and can be cancelled by handle or number", async () => {
    const [a] = sim.nodes;
    const seen: string[] = [];
    const startMs = sim.now;
    a.within(() => {
      const note = (what: string) => seen.push(`${what} ${sim.now - startMs}`);
      globalThis.setTimeout(note, 1_500, "once");
      const ticking = globalThis.setInterval(() => note("tick"), 1_000);
      globalThis.setTimeout(() => clearInterval(ticking), 2_500);
      clearTimeout(globalThis.setTimeout(note, 10, "cancelled"));
      clearTimeout(Number(globalThis.setTimeout(note, 20, "cancelled by number")));
      setImmediate(note, "soon");
      const refreshed = globalThis.setTimeout(note, 2_000, "late");
      globalThis.setTimeout(() => refreshed.refresh(), 1_800);
    });
    await sim.run("10s");
    expect(seen).toEqual(["soon 1", "tick 1000", "once 1500", "tick 2000", "late 3800"]);
  });

  test("a promise of a timer waits by virtual time", async () => {
    const [a] = sim.nodes;
    const startMs = sim.now;
    expect(await a.run(() => promisify(globalThis.setTimeout)(5_000, "done"))).toBe("done");
    expect(sim.now - startMs).toBe(5_000);
  });

  test("Date, performance.now and AbortSignal.timeout are the node's clock", async () => {
    const [a, b] = sim.nodes;
    sim.jumpWall(b, 3_600_000);
    const read = () => [Date.now(), new Date().getTime(), performance.now()] as const;
    const [first, second] = [a.within(read), b.within(read)];
    expect(second[0] - first[0]).toBe(3_600_000);
    expect(first[1]).toBe(first[0]);
    expect(first[2]).toBe(sim.now);
    expect(new Date(0).getTime()).toBe(0);
    expect(a.within(() => new Date(5)) instanceof Date).toBe(true);
    expect(Math.abs(Date.now() - first[0])).toBeGreaterThan(3_600_000);
    const signal = a.within(() => AbortSignal.timeout(2_000));
    await sim.run("1999ms");
    expect(signal.aborted).toBe(false);
    await sim.run("1ms");
    expect(signal.reason).toMatchObject({ name: "TimeoutError" });
  });

  test("chance and UUIDs follow from the seed, and differ between nodes", async () => {
    const draw = () => [Math.random(), Math.random(), crypto.randomUUID()];
    const [a, b] = sim.nodes;
    const drawn = [a.within(draw), b.within(draw)];
    expect(drawn[0]).not.toEqual(drawn[1]);
    expect(drawn[0]?.[2]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
    await sim.close();
    sim = await simulateCluster<2, unknown>({ nodes: 2, seed: 42, app: () => "idle" });
    const again = sim.nodes.map((node) => node.within(draw));
    expect(again).toEqual(drawn);
  });

  test("a timer that throws fails the simulation", async () => {
    const [a] = sim.nodes;
    a.within(() =>
      globalThis.setTimeout(() => {
        throw new RangeError("thrown by a timer");
      }, 100),
    );
    await expect(sim.run("1s")).rejects.toMatchObject({ code: "ERR_SIMULATION_FAILED" });
  });
});
