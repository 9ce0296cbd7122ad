/** What code of a node finds in place of the global timers, dates and chance. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import nodeCrypto from "node:crypto";
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

  test("whatever crypto draws follows from the seed", async () => {
    const draw = () => {
      const told: unknown[] = [];
      nodeCrypto.randomBytes(4, (_, bytes) => told.push(bytes.toString("hex")));
      const numbers = nodeCrypto.randomFillSync(new Uint16Array(8), 2, 4);
      const drawn = [
        nodeCrypto.randomBytes(8).toString("hex"),
        nodeCrypto.randomInt(5),
        nodeCrypto.randomInt(1_000, 1_002),
        [...numbers],
        [...crypto.getRandomValues(new Uint8Array(4))],
        [...nodeCrypto.webcrypto.getRandomValues(new Uint8Array(4))],
      ] as const;
      return { drawn, told };
    };
    const first = sim.nodes[0].within(draw);
    await sim.run("1s");
    expect(first.told).toEqual([expect.stringMatching(/^[0-9a-f]{8}$/)]);
    const [bytes, small, large, filled] = first.drawn;
    expect(bytes).toHaveLength(16);
    expect(small).toBeLessThan(5);
    expect([1_000, 1_001]).toContain(large);
    expect(filled.map((each) => each > 0)).toEqual([0, 0, 1, 1, 1, 1, 0, 0].map(Boolean));
    await sim.close();
    sim = await simulateCluster<2, unknown>({ nodes: 2, seed: 42, app: () => "idle" });
    const again = sim.nodes[0].within(draw);
    await sim.run("1s");
    expect(again).toEqual(first);
  });

  test("the time of day is whole milliseconds, and the process's clocks are the node's", async () => {
    const [a] = sim.nodes;
    await sim.run("1s");
    const atMs = await a.run(
      () =>
        new Promise<number>((resolve) => {
          nodeCrypto.randomInt(9, () => resolve(Date.now()));
        }),
    );
    expect(Number.isInteger(atMs)).toBe(true);
    const read = () => [process.hrtime.bigint(), process.hrtime(), process.uptime()] as const;
    const [nanos, [seconds, rest], upSeconds] = a.within(read);
    expect(nanos).toBe(BigInt(Math.round(sim.now * 1_000_000)));
    expect(BigInt(seconds) * 1_000_000_000n + BigInt(rest)).toBe(nanos);
    expect(upSeconds).toBe(sim.now / 1_000);
    const since = a.within(() => process.hrtime([1, 0]));
    expect(since).toEqual([seconds - 1, rest]);
  });

  test("signals of a process are those of its node, and its exit ends the node alone", async () => {
    const told: string[] = [];
    const before = process.listenerCount("SIGTERM");
    const [a, b] = sim.nodes;
    const listen = (name: string) => () => {
      process.on("exit", (code) => told.push(`${name} exits with ${code}`));
      process.once("SIGTERM", (signal) => {
        told.push(`${name} ${signal}`);
        globalThis.setTimeout(() => {
          const exit: (code: number) => void = process.exit;
          exit(3);
          told.push("after the exit");
        }, 500);
      });
      return process.listenerCount("SIGTERM");
    };
    expect(a.within(listen("a"))).toBe(1);
    b.within(listen("b"));
    expect(process.listenerCount("SIGTERM")).toBe(before);
    const startMs = sim.now;
    await sim.stop(a);
    expect(told).toEqual(["a SIGTERM", "a exits with 3"]);
    expect(sim.now - startMs).toBeLessThan(600);
    expect([a.state, b.state]).toEqual(["down", "up"]);
    expect(sim.trace.lines({ match: ({ kind }) => kind === "exit" })).toHaveLength(1);
    sim.restart(a);
    await sim.run("1s");
    expect(a.state).toBe("up");
  });

  test("a program that exits while it starts leaves its node down, and fails nothing else", async () => {
    await sim.close();
    let starts = 0;
    const app = async ({ name, boot }: { name: string; boot: number }) => {
      starts += 1;
      if (name === "b" && boot > 1) process.exit(1);
      return "idle";
    };
    sim = await simulateCluster<2, unknown>({ nodes: 2, seed: 42, app });
    sim.restart("b");
    await sim.run("1s");
    expect([starts, sim.node("b").state]).toEqual([3, "down"]);
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
