/** Strong processes on the virtual clock: starts, fail-over, cuts, pauses, stops. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { coreErrors } from "@foundation/core";
import type { NameClaim } from "@foundation/core/ports";
import type { RegistryOptions } from "../../../src/index.js";
import { codeOf, other, runningAt, world } from "../runtime/world.js";
import type { CuttableNames } from "./cuttable-names.js";
import {
  ledger,
  outside,
  passedTokens,
  strongWorld,
  teller,
  type StrongWorld,
} from "./strong-world.js";

const TTL_MS = 10_000;

let open: StrongWorld | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function opened(count = 3, registry: Partial<RegistryOptions> = {}): Promise<StrongWorld> {
  open = await strongWorld(count, {}, registry);
  return open;
}

const strong = { consistency: "strong", name: "till" } as const;

/** Where it runs, by place. */
function hostOf(world: StrongWorld, name = "till"): number {
  const [place, ...more] = runningAt(world, name);
  expect(more).toEqual([]);
  return place ?? -1;
}

/** Who has the name, asked of the store. */
async function holder({ stores }: StrongWorld, name: string): Promise<unknown> {
  return await stores[0]?.lookup(name);
}

/** Questions that the nodes which are left have put to the store. */
function askedBy({ stores }: StrongWorld): number {
  return stores.slice(1).reduce((sum, { asked }) => sum + asked, 0);
}

function otherThan(...places: readonly number[]): number {
  return [0, 1, 2, 3].find((place) => !places.includes(place)) ?? -1;
}

describe("a strong process", () => {
  test("runs under the token of its name and is found from everywhere", async () => {
    const world = await opened();
    const ref = await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const token = await world.run(ref.call("pay", 5));
    expect(token).toBeGreaterThan(0);
    await world.advance(100);
    for (const { registry } of world.nodes) {
      expect(await world.run(registry.process(teller, "till").call("pay", 1))).toBe(token);
      expect(registry.lookup("till")?.pid).toEqual(ref.whereis());
    }
  });

  test("is refused with what to configure where no name store is", async () => {
    const bare = await world(1);
    const start = bare.at(0).registry.startProcess(teller, { from: 0 }, strong);
    await expect(bare.run(start)).rejects.toMatchObject({
      code: "ERR_NAME_STORE_REQUIRED",
      message: expect.stringContaining("nameStore"),
    });
    await bare.close();
  });
});

describe("two starts of one strong name", () => {
  test("at once from nodes that choose differently: one runs, the other is told that it is taken", async () => {
    const world = await opened();
    const starts = [0, 1].map((place) => {
      const { registry, port } = world.at(place);
      return codeOf(registry.startProcess(teller, { from: 0 }, { ...strong, on: port.id }));
    });
    expect((await world.run(Promise.all(starts))).sort()).toEqual(["ERR_NAME_TAKEN", "none"]);
    await world.advance(30_000);
    expect(runningAt(world, "till")).toHaveLength(1);
  });

  test("the second one may have a reference to the first instead", async () => {
    const world = await opened();
    await world.run(
      world
        .at(0)
        .registry.startProcess(teller, { from: 0 }, { ...strong, on: world.at(0).port.id }),
    );
    await world.advance(100);
    const again = { ...strong, on: world.at(1).port.id, ifRunning: "return" } as const;
    const ref = await world.run(world.at(1).registry.startProcess(teller, { from: 0 }, again));
    expect(await world.run(ref.call("where"))).toBe(world.at(0).port.id);
  });
});

describe("fail-over of a strong process", () => {
  test("a host that dies is followed when its name is free, not before, under a later token", async () => {
    const world = await opened();
    const ref = await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const first = await world.run(ref.call("pay", 1));
    const host = hostOf(world);
    world.stores[host]?.cut();
    world.cluster.down(host);
    await world.advance(TTL_MS - 1_000);
    expect(runningAt(world, "till")).toEqual([]);
    await world.advance(2_000);
    const next = hostOf(world);
    expect(next).not.toBe(host);
    const same = world.at(next).registry.process(teller, "till");
    expect(await world.run(same.call("pay", 1))).toBeGreaterThan(first);
  });

  test("calls meanwhile fail at once and typed", async () => {
    const world = await opened();
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    const caller = world.at(otherThan(host)).registry.process(teller, "till");
    world.stores[host]?.cut();
    world.cluster.down(host);
    await world.advance(10);
    const before = world.clock.now();
    await expect(world.run(caller.call("pay", 1))).rejects.toMatchObject({
      code: "ERR_NO_PROCESS",
      retryable: true,
      message: expect.stringContaining("the name store frees it within 10000 ms"),
    });
    expect(world.clock.now() - before).toBeLessThan(100);
  });

  test("a start is not answered with what a dead host alone knew of, and runs when the name is free", async () => {
    const world = await opened();
    world.cluster.partition([0]);
    await world.advance(30_000);
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    world.stores[0]?.cut();
    world.cluster.down(0);
    const asker = world.at(1).registry;
    const options = { ...strong, distribute: true, ifRunning: "return", timeout: "30s" } as const;
    const started = await world.run(asker.startProcess(teller, { from: 0 }, options));
    expect(await world.run(started.call("pay", 1))).toBeGreaterThan(1);
    expect(hostOf(world)).toBeGreaterThan(0);
  });

  test("a start is not answered with the claim of an earlier one that gave up", async () => {
    const world = await opened(1);
    const [store] = world.stores as [CuttableNames];
    const acquire = store.acquire.bind(store);
    let left: NameClaim | undefined;
    store.acquire = async (...parameters) => {
      left = await acquire(...parameters);
      store.acquire = acquire;
      throw coreErrors.ERR_TIMEOUT("The answer came late", { timeoutMs: 1, target: "store" });
    };
    const { registry } = world.at(0);
    const options = { ...strong, distribute: true, ifRunning: "return", timeout: "30s" } as const;
    const first = codeOf(registry.startProcess(teller, { from: 0 }, options));
    expect(await world.run(first)).toBe("ERR_MINORITY_SIDE");
    world.clock.setTimer(3_000, () => void left?.release());
    const started = await world.run(registry.startProcess(teller, { from: 0 }, options));
    expect(await world.run(started.call("pay", 1))).toBeGreaterThan(1);
  });

  test.each([0, 1, 2])(
    "a start is not answered with the claim of one that gave up on node %i",
    async (place) => {
      const world = await opened();
      const store = world.stores[place] as CuttableNames;
      const { id: node, boot } = world.at(place).port;
      const data = { node, boot, definition: teller.name };
      const left = await world.run(store.acquire("till", data, { ttl: "60s" }));
      expect(left).toBeDefined();
      world.clock.setTimer(3_000, () => void left?.release());
      const options = { ...strong, distribute: true, ifRunning: "return", timeout: "30s" } as const;
      const started = await world.run(
        world.at(1).registry.startProcess(teller, { from: 0 }, options),
      );
      expect(await world.run(started.call("pay", 1))).toBeGreaterThan(1);
    },
  );

  test("a host that is cut off from the store alone stops having effect before another one has", async () => {
    const world = await opened();
    const ref = await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    const caller = world.at(otherThan(host)).registry.process(teller, "till");
    expect(ref.name).toBe("till");
    world.cutStore(host);
    for (let at = 0; at < 30_000; at += 100) {
      void caller.call("pay", at, { timeout: "100ms" }).catch(() => undefined);
      await world.advance(100);
    }
    expect(ledger.every(({ passed }) => passed)).toBe(true);
    expect(new Set(ledger.map(({ node }) => node)).size).toBe(2);
    const tokens = passedTokens();
    expect([...tokens].sort((a, b) => a - b)).toEqual(tokens);
    expect(hostOf(world)).not.toBe(host);
  });

  test("the crashed instance comes back on its node under the same claim", async () => {
    const world = await opened();
    const ref = await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const token = await world.run(ref.call("pay", 1));
    const host = hostOf(world);
    expect(await world.run(codeOf(ref.call("crash")))).toBe("ERR_HANDLER_FAILED");
    await world.advance(1_000);
    expect(hostOf(world)).toBe(host);
    expect(await world.run(ref.call("pay", 1))).toBe(token);
  });

  test("a node that was started anew does not go on where its old start was", async () => {
    const world = await opened();
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    world.revive(host);
    await world.advance(TTL_MS - 1_000);
    expect(runningAt(world, "till")).toEqual([]);
    await world.advance(5_000);
    expect(runningAt(world, "till")).toHaveLength(1);
  });
});

describe("many strong processes of a host that dies", () => {
  test("run elsewhere once each, and each free name is asked for once where the store answers", async () => {
    const world = await opened();
    const names = Array.from({ length: 90 }, (_, number) => `till-${number}`);
    for (const name of names) {
      const options = { ...strong, name };
      await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, options));
    }
    await world.advance(100);
    const lost = names.filter((name) => hostOf(world, name) === 0);
    expect(lost.length).toBeGreaterThan(15);
    world.stores[0]?.cut();
    world.cluster.down(0);
    await world.advance(TTL_MS);
    const before = askedBy(world);
    await world.advance(1_000);
    for (const name of names) expect([1, 2]).toContain(hostOf(world, name));
    expect(askedBy(world) - before).toBe(lost.length);
  });
});

describe("the time to live of a strong name", () => {
  test("says how soon its process is elsewhere", async () => {
    const world = await opened(3, { leaseTtl: "2s" });
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    world.stores[host]?.cut();
    world.cluster.down(host);
    await world.advance(1_900);
    expect(runningAt(world, "till")).toEqual([]);
    await world.advance(200);
    expect(hostOf(world)).not.toBe(host);
  });
});

describe("a temporary strong process", () => {
  test("that has lost its name is over, here and elsewhere", async () => {
    const world = await opened();
    const temporary = { ...strong, restart: "temporary" } as const;
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, temporary));
    world.cutStore(hostOf(world));
    await world.advance(60_000);
    expect(runningAt(world, "till")).toEqual([]);
    expect(world.at(1).registry.children()).toEqual([]);
  });
});

describe("a strong process in a cut", () => {
  test("runs on the side of the store only, and calls of the other side say why they fail", async () => {
    const world = await opened();
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    const lonely = world.at(host).registry.process(teller, "till");
    world.isolate(host);
    await world.advance(TTL_MS + 5_000);
    expect(world.at(host).kernel.list()).toEqual([]);
    const before = world.clock.now();
    await expect(world.run(lonely.call("pay", 1))).rejects.toMatchObject({
      code: "ERR_MINORITY_SIDE",
      retryable: true,
    });
    expect(world.clock.now() - before).toBeLessThan(100);
    expect(hostOf(world)).not.toBe(host);
    await world.mend();
    await world.advance(10_000);
    expect(runningAt(world, "till")).toHaveLength(1);
    expect(await world.run(lonely.call("where"))).toBe(world.at(hostOf(world)).port.id);
  });

  test("cannot be started on the side that is cut off from the store", async () => {
    const world = await opened();
    world.isolate(2);
    await world.advance(100);
    const { registry, port } = world.at(2);
    const start = registry.startProcess(teller, { from: 0 }, { ...strong, on: port.id });
    await expect(world.run(start)).rejects.toMatchObject({ code: "ERR_MINORITY_SIDE" });
    await world.mend();
    await world.advance(60_000);
    expect(runningAt(world, "till")).toEqual([]);
  });

  test("that the first candidate cannot ask is taken by the next", async () => {
    const world = await opened(4);
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    // Whoever is placed next knows of no store; the other two may.
    const rest = [0, 1, 2, 3].filter((place) => place !== host);
    for (const cut of rest.slice(0, 2)) world.cutStore(cut);
    world.stores[host]?.cut();
    world.cluster.down(host);
    await world.advance(TTL_MS + 5_000);
    expect(runningAt(world, "till")).toEqual([rest[2]]);
  });
});

describe("a strong process that was paused in a handler", () => {
  test("acts late with its old token, which a receiver refuses, and its caller is told that nobody knows", async () => {
    const world = await opened();
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    const caller = world.at(host).registry.process(teller, "till");
    const late = codeOf(caller.call("late", 7, { timeout: "60s" }));
    await world.advance(10);
    const resume = outside.resume;
    world.isolate(host);
    await world.advance(TTL_MS + 3_000);
    const next = world.at(hostOf(world)).registry.process(teller, "till");
    const token = await world.run(next.call("pay", 1));
    resume();
    await world.advance(10);
    expect(await world.run(late)).toBe("ERR_OUTCOME_UNKNOWN");
    const effect = ledger.find(({ what }) => what === "late 7");
    expect(effect?.passed).toBe(false);
    expect(effect?.token).toBeLessThan(token);
  });
});

describe("the end of a strong process", () => {
  test("a stop gives its name back at once, and a new start has a later token", async () => {
    const world = await opened();
    const ref = await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const token = await world.run(ref.call("pay", 1));
    await world.advance(100);
    await world.run(
      world
        .at(otherThan(hostOf(world)))
        .registry.process(teller, "till")
        .stop(),
    );
    await world.advance(100);
    expect(runningAt(world, "till")).toEqual([]);
    const again = await world.run(world.at(1).registry.startProcess(teller, { from: 0 }, strong));
    expect(await world.run(again.call("pay", 1))).toBeGreaterThan(token);
    await world.advance(60_000);
    expect(runningAt(world, "till")).toHaveLength(1);
  });

  test("a node that drains gives its name back, and another one has it without waiting for a lease", async () => {
    const world = await opened();
    await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    const host = hostOf(world);
    const before = world.clock.now();
    world.cluster.drain(host);
    await world.run(world.at(host).registry.drain({ timeout: "5s" }));
    await world.advance(1_000);
    expect(hostOf(world)).not.toBe(host);
    expect(world.clock.now() - before).toBeLessThan(TTL_MS / 2);
  });

  test("one that crashes too often gives its name back and runs nowhere", async () => {
    const world = await opened();
    const ref = await world.run(world.at(0).registry.startProcess(teller, { from: 0 }, strong));
    for (let crash = 0; crash < 4; crash++) {
      await world.run(codeOf(ref.call("crash")));
      await world.advance(10);
    }
    await world.advance(30_000);
    expect(runningAt(world, "till")).toEqual([]);
    expect(world.at(0).registry.children()).toMatchObject([{ state: "failed" }]);
    expect(await world.run(holder(world, "till"))).toBeUndefined();
  });

  test("a start whose init fails leaves the name free", async () => {
    const world = await opened();
    const bad = { ...strong, name: "bad" };
    const start = world.at(0).registry.startProcess(teller, undefined as never, bad);
    expect(await world.run(codeOf(start))).toBe("ERR_INIT_FAILED");
    expect(await world.run(holder(world, "bad"))).toBeUndefined();
    await world.run(world.at(1).registry.startProcess(other, undefined, bad));
  });
});
