import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { runInThisContext } from "node:vm";
import { startCluster } from "../../../src/index.js";
import { forEachSeed, simulateCluster } from "../../../src/testing/index.js";

const seedBefore = process.env["SEED"];

beforeEach(() => {
  delete process.env["SEED"];
});

afterEach(() => {
  if (seedBefore === undefined) delete process.env["SEED"];
  else process.env["SEED"] = seedBefore;
});

/** Where the simulation shall find something to say about. */
async function failureOf(run: () => Promise<unknown>): Promise<Error & { code?: unknown }> {
  try {
    await run();
  } catch (error) {
    return error as Error;
  }
  throw new Error("It was expected to fail and did not");
}

/** A run of the test body on two nodes, closed afterwards. */
async function onTwoNodes(
  body: (
    sim: Awaited<ReturnType<typeof simulateCluster<2>>>,
  ) => Promise<unknown> | undefined | void,
): Promise<void> {
  const sim = await simulateCluster({ nodes: 2, seed: 42 });
  try {
    await sim.formed();
    await body(sim);
  } finally {
    await sim.close();
  }
}

const replayLine = /\nseed 42: run again with SEED=42$/;

describe("what goes wrong in a simulated application", () => {
  test("eventually says what was seen last, how the nodes are, what was done and the seed", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        const [a, b] = sim.nodes;
        sim.crash(b);
        await sim.eventually(() => a.cluster.nodes().length === 3, { within: "2s" });
      }),
    );
    expect(error).toMatchObject({ code: "ERR_TIMEOUT" });
    expect(error.message).toMatch(/^Not within 2000 ms .*nodes\(\)\.length === 3 gave false/);
    expect(error.message).toMatch(/\n {2}a up, lists a\n {2}b down, in no cluster\n/);
    expect(error.message).toMatch(/\d b +crash +process\n/);
    expect(error.message).toMatch(replayLine);
    expect(error.stack).toContain("SEED=42");
  });

  test("a rejection nobody handles fails the wait, naming node and time", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        const [, b] = sim.nodes;
        b.within(() =>
          globalThis.setTimeout(() => void Promise.reject(new TypeError("no such order")), 1_000),
        );
        await sim.run("5s");
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SIMULATION_FAILED", details: { node: "b" } });
    expect(error.message).toMatch(/^Node b at \d+ ms.* rejected: TypeError: no such order\n/);
    expect(error.message).toMatch(replayLine);
  });

  test("whatever ends a simulation, the process listens to what it did before", async () => {
    const real = runInThisContext("process") as NodeJS.Process;
    const count = () =>
      ["unhandledRejection", "beforeExit", "SIGTERM"].map((name) => real.listenerCount(name));
    const before = count();
    await failureOf(() =>
      onTwoNodes(async (sim) => {
        sim.nodes[0].within(() =>
          globalThis.setTimeout(() => void Promise.reject(new Error("left alone")), 100),
        );
        await sim.run("1s");
      }),
    );
    expect(count()).toEqual(before);
  });

  test("a failure that no wait has told of is told by close", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        const [a] = sim.nodes;
        a.within(() => {
          try {
            void fetch("http://127.0.0.1:9/");
          } catch {
            // The application swallows it; the simulation does not.
          }
        });
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SIMULATION_ESCAPED" });
  });

  test("an application that fails to start fails the simulation", async () => {
    const error = await failureOf(() =>
      simulateCluster({
        nodes: 2,
        seed: 42,
        app: async ({ name }) => {
          await startCluster();
          if (name === "b") throw new RangeError("no configuration for b");
        },
      }),
    );
    expect(error.message).toMatch(/^Node b at .*no configuration for b/);
    // Nothing is left open: the next simulation starts.
    await onTwoNodes((sim) => sim.run("1s"));
  });

  test("real input and output is refused, naming the caller", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        const [a] = sim.nodes;
        await a.run(() => fetch("http://127.0.0.1:9/")).catch(() => undefined);
        await sim.run("1s");
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SIMULATION_ESCAPED" });
    expect(error.message).toContain("failures.test");
    expect(error.message).toMatch(replayLine);
  });

  test("an invariant is looked at all the time, and its breach ends the run at its instant", async () => {
    let breaks = false;
    let atMs = 0;
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        sim.check("never breaks", () => !breaks);
        const [a] = sim.nodes;
        a.within(() =>
          globalThis.setTimeout(() => {
            breaks = true;
            atMs = sim.now;
          }, 1_234),
        );
        await sim.run("60s");
      }),
    );
    expect(error).toMatchObject({ code: "ERR_SIMULATION_FAILED" });
    const seenMs = Number(/"never breaks" is broken at ([\d.]+) ms/.exec(error.message)?.[1]);
    expect(seenMs - atMs).toBeGreaterThanOrEqual(0);
    expect(seenMs - atMs).toBeLessThanOrEqual(10);
  });

  test("what runs on a node that crashes does not end, and the wait for it says why", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        const [, b] = sim.nodes;
        const forever = b.run(() => new Promise(() => {}));
        await Promise.all([forever, sim.run("1s").then(() => sim.crash(b))]);
      }),
    );
    expect(error).toMatchObject({ code: "ERR_TIMEOUT" });
    expect(error.message).toMatch(/node b went down/);
  });

  test("two waits at once share one stream of time", async () => {
    await onTwoNodes(async (sim) => {
      const startedMs = sim.now;
      await Promise.all([sim.run("2s"), sim.run("3s"), sim.nodes[0].run(() => 1)]);
      expect(sim.now - startedMs).toBe(3_000);
    });
  });

  test("after close every wait is refused, and the globals are the real ones", async () => {
    const before = [globalThis.setTimeout, globalThis.Date, Math.random, globalThis.performance];
    const sim = await simulateCluster({ nodes: 1, seed: 42 });
    expect(globalThis.setTimeout).not.toBe(before[0]);
    await sim.close();
    await sim.close();
    expect([globalThis.setTimeout, globalThis.Date, Math.random, globalThis.performance]).toEqual(
      before,
    );
    await expect(sim.run("1s")).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("after close nothing can be done, and what was still waited for says so", async () => {
    const sim = await simulateCluster({ nodes: 2, seed: 42 });
    const [a, b] = sim.nodes;
    const forgotten = sim.run("5s");
    const told = expect(forgotten).rejects.toThrow("was still waited for: await it before");
    await sim.close();
    await told;
    const acts = [
      () => sim.crash(a),
      () => sim.partition(a, b),
      () => sim.heal(),
      () => sim.check("x", () => true),
      () => a.within(() => 1),
    ];
    for (const act of acts) expect(act).toThrow("nothing can be done in it any more");
    expect(sim.trace.hash).toHaveLength(16);
  });

  test("a node of another simulation is not taken for the one of its name", async () => {
    const other = await simulateCluster({ nodes: 2, seed: 42 });
    await other.close();
    await onTwoNodes((sim) => {
      const [a, b] = sim.nodes;
      expect(() => sim.crash(other.nodes[0])).toThrow("this one belongs to another simulation");
      expect(() => sim.partition(a, undefined as unknown as string)).toThrow('no node "undefined"');
      expect(() => sim.partition([], b)).toThrow("two groups with a link between them");
      expect(() => sim.crash(a, { kind: "hard" as "power" })).toThrow('"process" or "power"');
      expect(() => sim.restart(a, { disk: "new" as "wiped" })).toThrow("kept");
      expect(() => sim.jumpWall(a, "1h" as unknown as number)).toThrow("a number of milliseconds");
      expect(() => sim.slow(a, b, { latency: 5 } as object)).toThrow("one of bytesPerMs");
      const member = a.cluster.nodes().find(({ name }) => name === "b");
      sim.crash(member ?? "b");
      expect(b.state).toBe("down");
      expect(() => b.within(() => 1)).toThrow("Node b is down");
    });
  });

  test("an invariant that is no function, or gives a promise, is refused", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        const noFunction = true as unknown as () => true;
        expect(() => sim.check("x", noFunction)).toThrow("holds must be a function");
        await expect(sim.eventually(noFunction)).rejects.toThrow("check must be a function");
        sim.check("the books balance", async () => false);
        await sim.run("1s");
      }),
    );
    expect(error.message).toMatch(/"the books balance" is broken at .* it gave a promise/);
  });

  test("formed says who does not see whom, and a start that does not come says whose", async () => {
    const error = await failureOf(() =>
      onTwoNodes(async (sim) => {
        sim.partition("a", "b");
        await sim.run("20s");
        await sim.formed({ within: "1s" });
      }),
    );
    expect(error.message).toMatch(/^Not within .*: The cluster has not formed: a does not list b/);
    const app = ({ name }: { name: string }) => (name === "b" ? new Promise(() => {}) : name);
    const late = await failureOf(() => simulateCluster({ nodes: 2, seed: 42, app }));
    expect(late.message).toMatch(/node b has neither returned nor started a cluster/);
  });
});

describe("seeds", () => {
  test("SEED of the environment goes before the one of the test", async () => {
    process.env["SEED"] = "7001";
    const sim = await simulateCluster({ nodes: 1, seed: 42 });
    expect(sim.seed).toBe("7001");
    await sim.close();
  });

  test("without any, each simulation draws its own", async () => {
    const seeds = new Set<string>();
    for (let run = 0; run < 3; run++) {
      const sim = await simulateCluster({ nodes: 1 });
      seeds.add(sim.seed);
      await sim.close();
    }
    expect(seeds.size).toBe(3);
  });

  test("forEachSeed plays each, stops at the first that fails, and names it", async () => {
    const played: string[] = [];
    const error = await failureOf(() =>
      forEachSeed({ seeds: [1, "two", 3], nodes: 1 }, (sim) => {
        played.push(sim.seed);
        if (sim.seed === "two") throw new Error("the books do not balance");
      }),
    );
    expect(played).toEqual(["1", "two"]);
    expect(error.message).toBe("the books do not balance\nseed two: run again with SEED=two");
  });

  test("forEachSeed with SEED plays only that one", async () => {
    process.env["SEED"] = "two";
    const played: string[] = [];
    await forEachSeed({ seeds: 50, nodes: 1 }, (sim) => void played.push(sim.seed));
    expect(played).toEqual(["two"]);
  });

  test.each([[[]], ["567"], [0], [[{}]]])("forEachSeed refuses the seeds %j", async (seeds) => {
    const error = await failureOf(() =>
      forEachSeed({ nodes: 1, seeds: seeds as unknown as number }, () => {}),
    );
    expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    expect(error.message).toMatch(/^forEachSeed: seeds? must be/);
  });

  test.each([
    ["nodes", { nodes: 0 }],
    ["nodes", { nodes: ["a", "a"] }],
    ["nodes", { nodes: ["A"] }],
    ["network", { nodes: 1, network: "moon" }],
    ["faults", { nodes: 1, faults: "some" }],
    ["faults", { nodes: 1, faults: null }],
    ["faults", { nodes: 1, faults: ["crash"] }],
    ["each key of faults", { nodes: 1, faults: { kind: ["crash"] } }],
    ["faults.kinds", { nodes: 1, faults: { kinds: ["meteor"] } }],
    ["faults.kinds", { nodes: 1, faults: { kinds: "crash" } }],
    ["faults.every", { nodes: 1, faults: { every: 0 } }],
    ["the options", undefined],
    ["each key of the options", { nodes: 1, sedd: 4 }],
    ["nodes", {}],
    ["nodes", { nodes: "3" }],
    ["nodes", { nodes: null }],
    ["nodes", { nodes: [1, 2] }],
    ["nodes", { nodes: { a: null } }],
    ["app", { nodes: 1, app: 3 }],
    ["seed", { nodes: 1, seed: Number.NaN }],
    ["seed", { nodes: 1, seed: "" }],
    ["seed", { nodes: 1, seed: {} }],
    ["guard", { nodes: 1, guard: "none" }],
    ["verbose", { nodes: 1, verbose: "yes" }],
    ["options", { nodes: 1, options: 5 }],
    ["network", { nodes: 1, network: null }],
    ["seed", { nodes: 1, seed: null }],
    ["network.latencyMs", { nodes: 1, network: { latencyMs: "5" } }],
    ["network.spikeChance", { nodes: 1, network: { spikeChance: 2 } }],
    ["each key of network", { nodes: 1, network: { latency: 5 } }],
  ])("a wrong value of %s is refused: %j", async (argument, options) => {
    const error = await failureOf(() => simulateCluster(options as unknown as { nodes: number }));
    expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT", details: { argument } });
  });
});
