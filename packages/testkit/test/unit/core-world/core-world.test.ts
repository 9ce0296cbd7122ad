/** createCoreWorld: time, timers, datagrams, crashes, disks, and that a seed decides all of it. */
import { describe, expect, test } from "@jest/globals";
import {
  createCoreWorld,
  quietConditions,
  type CoreConditions,
  type CoreHost,
  type CoreWorldOptions,
} from "@foundation/testkit";
import { Post, type Order } from "./post.js";

type Options = Omit<CoreWorldOptions<Order, Order, string, string, Post>, "create" | "seed">;

function worldOf(options: Options = {}, seed: number | string = 1) {
  return createCoreWorld({
    seed,
    nodes: 3,
    ...options,
    create: (host: CoreHost<Order, string, string>, disk: readonly string[]) =>
      new Post(host, [...disk]),
  });
}

const send = (to: number, text: string): Order => ({ type: "send", to, text });
const jittery: CoreConditions = { ...quietConditions, latencyMs: 1, jitterMs: 100 };

describe("time", () => {
  test("does not pass by itself, and passes to the millisecond", () => {
    const world = worldOf();
    expect(world.now).toBe(0);
    world.run("1.5s");
    expect(world.now).toBe(1_500);
  });

  test("runs what is due at one instant in the order it was asked for", () => {
    const world = worldOf();
    const log: string[] = [];
    for (const text of ["a", "b", "c"]) world.at(10, () => log.push(text));
    world.at(5, () => log.push("first"));
    world.run(10);
    expect(log).toEqual(["first", "a", "b", "c"]);
  });

  test("stops where `until` finds its condition true, and says when it does not", () => {
    const world = worldOf();
    world.input(0, { type: "wait", timer: "t", ms: 42 });
    expect(world.until(() => world.node(0).core.log.includes("timer t"), "1s")).toBe(true);
    expect(world.now).toBe(50);
    expect(world.until(() => false, "1s")).toBe(false);
    expect(world.now).toBe(1_050);
  });

  test("a timer replaces one of its name, and a cancelled one does not fire", () => {
    const world = worldOf();
    world.input(0, { type: "wait", timer: "a", ms: 10 });
    world.input(0, { type: "wait", timer: "a", ms: 50 });
    world.input(0, { type: "wait", timer: "b", ms: 10 });
    world.input(0, { type: "forget", timer: "b" });
    world.run(49);
    expect(world.node(0).core.log).toEqual(["start"]);
    world.run(1);
    expect(world.node(0).core.log).toEqual(["start", "timer a"]);
  });

  test("runs faster on a node whose clock drifts, and its timers fire earlier", () => {
    const world = worldOf();
    world.driftClock(0, 2);
    world.input(0, { type: "wait", timer: "t", ms: 100 });
    world.run(50);
    expect(world.node(0).core.log).toEqual(["start", "timer t"]);
    expect(world.node(0).core.host.now()).toBe(100);
    expect(world.node(1).core.host.now()).toBe(50);
  });

  test("shows on the wall as it is skewed, from where the world began", () => {
    const world = worldOf({ wallStartMs: 1_000_000 });
    world.run(10);
    world.skewWall(0, -500);
    expect(world.node(0).core.host.wallNow()).toBe(999_510);
    world.heal();
    expect(world.node(0).core.host.wallNow()).toBe(1_000_010);
  });
});

describe("datagrams", () => {
  test("come after the latency, one way", () => {
    const world = worldOf({ conditions: { ...quietConditions, latencyMs: 20, jitterMs: 0 } });
    world.input(0, send(1, "hello"));
    world.run(19);
    expect(world.node(1).core.log).toEqual(["start"]);
    world.run(1);
    expect(world.node(1).core.log).toEqual(["start", "hello from 0/1"]);
    expect(world.delivered).toBe(1);
  });

  const received = (transport: "datagrams" | "ordered") => {
    const world = worldOf({ transport, conditions: jittery });
    for (let n = 0; n < 50; n += 1) world.input(0, send(1, String(n)));
    world.run("1s");
    return world
      .node(1)
      .core.log.slice(1)
      .map((text) => Number(text.split(" ")[0]));
  };

  test("overtake each other", () => {
    const numbers = received("datagrams");
    expect(numbers).toHaveLength(50);
    expect(numbers).not.toEqual([...numbers].sort((a, b) => a - b));
  });

  test("that are ordered do not", () => {
    expect(received("ordered")).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test("are lost and come twice as often as it is said", () => {
    const conditions = { ...quietConditions, lossChance: 0.3, repeatChance: 0.2 };
    const world = worldOf({ conditions });
    for (let n = 0; n < 1_000; n += 1) world.input(0, send(1, String(n)));
    world.run("1s");
    const log = world.node(1).core.log.slice(1);
    const different = new Set(log).size;
    expect(different).toBeGreaterThan(620);
    expect(different).toBeLessThan(780);
    expect(log.length - different).toBeGreaterThan(90);
    expect(log.length - different).toBeLessThan(200);
  });

  test("sent into a cut are gone, in its direction only", () => {
    const world = worldOf();
    world.partition([0], [1], { oneWay: true });
    world.input(0, send(1, "there"));
    world.input(1, send(0, "back"));
    world.run(100);
    world.heal();
    world.run(100);
    expect(world.node(1).core.log).toEqual(["start"]);
    expect(world.node(0).core.log).toEqual(["start", "back from 1/1"]);
  });

  test("travel as the link of two nodes says, until it is as usual again", () => {
    const world = worldOf();
    world.link(0, 1, { ...quietConditions, latencyMs: 500, jitterMs: 0 });
    world.input(0, send(1, "slow"));
    world.input(0, send(2, "fast"));
    world.run(10);
    expect(world.node(1).core.log).toEqual(["start"]);
    expect(world.node(2).core.log).toEqual(["start", "fast from 0/1"]);
    world.link(0, 1);
    world.input(0, send(1, "fast"));
    world.run(10);
    expect(world.node(1).core.log).toEqual(["start", "fast from 0/1"]);
  });
});

describe("a node", () => {
  test("that was killed does nothing, and comes back as another boot", () => {
    const world = worldOf();
    world.input(0, { type: "wait", timer: "t", ms: 10 });
    world.crash(0);
    expect(world.node(0).state).toBe("down");
    world.input(0, send(1, "from a dead one"));
    world.input(1, send(0, "to a dead one"));
    world.run(100);
    expect(world.node(0).core.log).toEqual(["start"]);
    world.restart(0);
    expect(world.node(0)).toMatchObject({ state: "up", boot: 2 });
    world.input(0, send(1, "again"));
    world.run(100);
    expect(world.node(0).core.log).toEqual(["start"]);
    expect(world.node(1).core.log).toEqual(["start", "again from 0/2"]);
  });

  test("that is paused keeps what is due and what comes, timers first", () => {
    const world = worldOf();
    world.input(0, { type: "wait", timer: "t", ms: 50 });
    world.pause(0);
    expect(world.node(0).state).toBe("paused");
    world.input(1, send(0, "hello"));
    world.run(100);
    expect(world.node(0).core.log).toEqual(["start"]);
    world.resume(0);
    expect(world.node(0).core.log).toEqual(["start", "timer t", "hello from 1/1"]);
  });

  test("that is killed while it is paused has forgotten what waited", () => {
    const world = worldOf();
    world.pause(0);
    world.input(1, send(0, "hello"));
    world.run(100);
    world.crash(0);
    world.restart(0);
    world.run(100);
    expect(world.node(0).core.log).toEqual(["start"]);
  });

  test("whose core throws ends the run with the seed, the node and the time", () => {
    const world = worldOf({}, "a seed");
    world.at(25, () => world.input(1, { type: "throw" }));
    expect(() => world.run("1s")).toThrow(
      expect.objectContaining({
        code: "ERR_SIMULATION_FAILED",
        details: { seed: "a seed", node: "1", atMs: 25 },
        cause: expect.objectContaining({ message: "a bug, on purpose" }),
      }),
    );
  });

  test("that there is not is refused", () => {
    const world = worldOf();
    for (const act of [() => world.crash(3), () => world.node(-1), () => world.driftClock(0, 0)]) {
      expect(act).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    }
  });
});

describe("a disk", () => {
  const write = (text: string): Order => ({ type: "write", text });

  test("says when a write is there for good, in order, and hands it to the next boot", () => {
    const world = worldOf({ disk: { syncMs: 5, jitterMs: 20 } });
    for (const text of ["a", "b", "c"]) world.input(0, write(text));
    world.run(4);
    expect(world.disk(0)).toEqual([]);
    world.run(100);
    const { log } = world.node(0).core;
    expect(log).toEqual(["start", "persisted a", "persisted b", "persisted c"]);
    world.crash(0, { kind: "power" });
    world.restart(0);
    expect(world.node(0).core.found).toEqual(["a", "b", "c"]);
  });

  test("loses some of what was not synced when the power goes, never the middle of it", () => {
    const kept = new Set<string>();
    for (let seed = 0; seed < 40; seed += 1) {
      const world = worldOf({ disk: { syncMs: 50, jitterMs: 0 } }, seed);
      world.input(0, write("a"));
      world.run(100);
      for (const text of ["b", "c"]) world.input(0, write(text));
      world.crash(0, { kind: "power" });
      world.restart(0);
      world.run(100);
      kept.add(world.disk(0).join(""));
    }
    expect([...kept].sort()).toEqual(["a", "ab", "abc"]);
  });

  test("keeps what a killed process wrote, and nothing when it is wiped", () => {
    const world = worldOf();
    world.input(0, write("a"));
    world.crash(0, { kind: "process" });
    world.restart(0);
    expect(world.node(0).core.found).toEqual(["a"]);
    world.crash(0);
    world.restart(0, { disk: "wiped" });
    expect(world.node(0).core.found).toEqual([]);
  });

  test("that stalls syncs nothing until it answers again, or the world is healed", () => {
    const world = worldOf();
    for (const node of [0, 1]) {
      world.stallDisk(node, 20_000);
      world.input(node, write("a"));
    }
    world.run("19s");
    expect(world.node(1).core.log).toEqual(["start"]);
    world.run("1s");
    expect(world.node(1).core.log).toEqual(["start", "persisted a"]);
    world.stallDisk(0, 20_000);
    expect(world.node(0).core.log).toEqual(["start", "persisted a"]);
    world.input(0, write("b"));
    world.run("1s");
    expect(world.disk(0)).toEqual(["a"]);
    world.heal();
    expect(world.disk(0)).toEqual(["a", "b"]);
  });

  test("that stalls twice answers again when the longer one ends", () => {
    const world = worldOf();
    world.stallDisk(0, 20_000);
    world.stallDisk(0, 1_000);
    world.input(0, write("a"));
    world.run("19s");
    expect(world.disk(0)).toEqual([]);
    world.run("1s");
    expect(world.disk(0)).toEqual(["a"]);
  });

  test("that stalls for a node alone leaves the others be", () => {
    const world = worldOf();
    world.stallDisk(1, 20_000);
    world.input(0, write("a"));
    world.run("1s");
    expect(world.node(0).core.log).toEqual(["start", "persisted a"]);
  });
});

describe("a seed", () => {
  const play = (seed: number, change: (world: ReturnType<typeof worldOf>) => void = () => {}) => {
    const conditions = { ...jittery, lossChance: 0.1, repeatChance: 0.1 };
    const world = worldOf({ conditions }, seed);
    for (let n = 0; n < 100; n += 1) {
      const from = Math.floor(world.random.next() * 3);
      world.at(n * 7, () => world.input(from, send((from + 1) % 3, `message ${n}`)));
    }
    world.at(300, () => change(world));
    world.run("2s");
    return world.trace.hash;
  };

  test("decides everything: played twice it gives one hash, and another seed another", () => {
    const hashes = new Set<string>();
    for (let seed = 0; seed < 20; seed += 1) {
      const hash = play(seed);
      expect(play(seed)).toBe(hash);
      hashes.add(hash);
    }
    expect(hashes.size).toBe(20);
  });

  test("shows in its hash what a message says, and a fault that hits nothing", () => {
    const hash = play(1);
    expect(play(1, (world) => world.input(0, send(1, "one more")))).not.toBe(hash);
    expect(play(1, (world) => world.skewWall(2, 1))).not.toBe(hash);
  });
});
