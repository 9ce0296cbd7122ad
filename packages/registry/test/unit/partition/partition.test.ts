/** Partition policies of children on the virtual clock: who runs on which side of a cut, and what callers there are told. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Placement } from "@foundation/core";
import { memoryRoster } from "@foundation/core/testing";
import type { RegistryOptions, StartOptions } from "../../../src/index.js";
import { codeOf, counter, runningAt, world, type World } from "../runtime/world.js";

const GRACE_MS = 10_000;
const DETECTION_MS = 2_000;

let open: World | undefined;

afterEach(async () => {
  await open?.close();
  open = undefined;
});

async function opened(count: number, options: Partial<RegistryOptions> = {}): Promise<World> {
  open = await world(count, { detectionMs: DETECTION_MS }, options);
  return open;
}

const names = (count: number) => Array.from({ length: count }, (_, place) => `node-${place + 1}`);

function start(on: World, place: number, options: StartOptions) {
  return on.run(
    on.at(place).registry.startProcess(counter, { from: 0 }, { name: "desk", ...options }),
  );
}

/** Starts it on the node at a place, and lets everybody know. */
async function startAt(on: World, place: number, partition: StartOptions["partition"]) {
  const { id } = on.at(place).port;
  const placement: Placement = {
    name: "here first",
    agrees: false,
    place: () => id,
    placeMany: () => [id],
  };
  const ref = await start(on, place, { partition, placement });
  await on.advance(100);
  expect(runningAt(on, "desk")).toEqual([place]);
  return ref;
}

describe("a child with the partition policy quorum", () => {
  test("is refused where nothing says what a quorum is", async () => {
    const cluster = await opened(3);
    await expect(start(cluster, 0, { partition: "quorum" })).rejects.toMatchObject({
      code: "ERR_QUORUM_REQUIRED",
      message: expect.stringContaining("expect"),
    });
    expect(cluster.nodes.flatMap(({ kernel }) => kernel.list())).toEqual([]);
  });

  test("is refused while no roster is committed, and starts once one is", async () => {
    const book = memoryRoster();
    const roster = book.roster();
    const cluster = await opened(3, { roster });
    await expect(start(cluster, 0, { partition: "quorum" })).rejects.toMatchObject({
      code: "ERR_MINORITY_SIDE",
      message: expect.stringContaining("no roster is committed"),
    });
    await roster.propose(names(3));
    await start(cluster, 0, { partition: "quorum" });
    expect(runningAt(cluster, "desk")).toHaveLength(1);
  });

  test.each([
    ["a list of names", { expect: names(5) }],
    ["a number", { expect: 5 }],
  ])(
    "counted from %s stops on the minority side and goes on at the majority",
    async (_, options) => {
      const cluster = await opened(5, options);
      await startAt(cluster, 0, "quorum");
      cluster.cluster.partition([0, 1]);
      await cluster.advance(DETECTION_MS + 100);
      expect(runningAt(cluster, "desk")).toEqual([]);
      const before = cluster.clock.now();
      for (const place of [0, 1]) {
        const call = cluster.at(place).registry.process(counter, "desk").call("total");
        await expect(cluster.run(call)).rejects.toMatchObject({
          code: "ERR_MINORITY_SIDE",
          message: expect.stringContaining("2 of 5"),
        });
        const again = cluster.at(place).registry;
        const fresh = again.startProcess(
          counter,
          { from: 0 },
          { name: "new", partition: "quorum" },
        );
        expect(await cluster.run(codeOf(fresh))).toBe("ERR_MINORITY_SIDE");
      }
      expect(cluster.clock.now() - before).toBeLessThan(50);
      await cluster.advance(GRACE_MS);
      const [place] = runningAt(cluster, "desk");
      expect([2, 3, 4]).toContain(place);
      const caller = cluster.at(2).registry.process(counter, "desk");
      expect(await cluster.run(caller.call("add", 1))).toBe(1);
      cluster.cluster.heal();
      await cluster.advance(60_000);
      expect(runningAt(cluster, "desk")).toEqual([place]);
      const back = cluster.at(0).registry.process(counter, "desk");
      expect(await cluster.run(back.call("total"))).toBe(1);
    },
  );

  test("stops on both sides of an even cluster cut in half, and comes back after the heal", async () => {
    const cluster = await opened(4, { expect: names(4) });
    await startAt(cluster, 0, "quorum");
    cluster.cluster.partition([0, 1]);
    await cluster.advance(60_000);
    expect(runningAt(cluster, "desk")).toEqual([]);
    cluster.cluster.heal();
    await cluster.advance(GRACE_MS + 1_000);
    expect(runningAt(cluster, "desk")).toEqual([0]);
  });

  test("is not started again by a side that has just got its quorum back, before it heard the news", async () => {
    const cluster = await opened(3, { expect: names(3) });
    await startAt(cluster, 0, "quorum");
    cluster.cluster.partition([0]);
    await cluster.advance(DETECTION_MS + GRACE_MS + 1_000);
    const [place] = runningAt(cluster, "desk");
    expect(place).not.toBe(0);
    cluster.cluster.heal();
    for (let at = 0; at < 2 * GRACE_MS; at += 50) {
      await cluster.advance(50);
      expect(runningAt(cluster, "desk")).toEqual([place]);
    }
  });

  test("follows the committed roster: who was taken off it counts no more", async () => {
    const book = memoryRoster();
    const roster = book.roster();
    await roster.propose(names(5));
    const cluster = await opened(5, { roster });
    await startAt(cluster, 0, "quorum");
    cluster.cluster.down(4);
    await cluster.advance(DETECTION_MS + 100);
    await roster.propose(names(4));
    cluster.cluster.down(3);
    await cluster.advance(DETECTION_MS + 100);
    await roster.propose(names(3));
    cluster.cluster.down(2);
    await cluster.advance(30_000);
    // Two of three: of the first list it would be two of five.
    expect(runningAt(cluster, "desk")).toEqual([0]);
    cluster.cluster.down(1);
    await cluster.advance(DETECTION_MS + 100);
    expect(runningAt(cluster, "desk")).toEqual([]);
  });

  test("is followed when the grace period is over, also where its sum is no whole number of milliseconds", async () => {
    const cluster = await opened(3, { expect: 3 });
    await startAt(cluster, 0, "quorum");
    // 6384.1 + 10000 - 6384.1 is a little less than 10000.
    await cluster.clock.advanceTo(6_384.1 - DETECTION_MS);
    cluster.cluster.down(0);
    await cluster.clock.advanceTo(6_384.1 + GRACE_MS + 5);
    expect(runningAt(cluster, "desk")).toHaveLength(1);
  });

  test("a node that is killed is followed after its detection and the grace period", async () => {
    const cluster = await opened(3, { expect: 3 });
    await startAt(cluster, 0, "quorum");
    cluster.cluster.down(0);
    await cluster.advance(DETECTION_MS + GRACE_MS - 500);
    expect(runningAt(cluster, "desk")).toEqual([]);
    await cluster.advance(1_000);
    expect(runningAt(cluster, "desk")).toHaveLength(1);
  });
});

describe("a child with the partition policy stay", () => {
  test("runs on through a cut, and nobody else starts it", async () => {
    const cluster = await opened(3);
    const ref = await startAt(cluster, 0, "stay");
    await cluster.run(ref.call("add", 5));
    cluster.cluster.partition([0]);
    await cluster.advance(60_000);
    expect(runningAt(cluster, "desk")).toEqual([0]);
    const there = cluster.at(1).registry.process(counter, "desk");
    expect(await cluster.run(codeOf(there.call("total")))).toBe("ERR_NO_PROCESS");
    cluster.cluster.heal();
    await cluster.advance(1_000);
    expect(await cluster.run(there.call("total"))).toBe(5);
  });

  test("waits for its node, and starts there when that comes back", async () => {
    const cluster = await opened(3);
    await startAt(cluster, 0, "stay");
    cluster.cluster.down(0);
    await cluster.advance(300_000);
    expect(runningAt(cluster, "desk")).toEqual([]);
    cluster.cluster.restart(0);
    cluster.boot(0);
    await cluster.advance(10_000);
    expect(runningAt(cluster, "desk")).toEqual([0]);
  });
});

describe("a child with the partition policy run-anywhere", () => {
  test("runs on both sides, and once after the heal", async () => {
    const cluster = await opened(3);
    await startAt(cluster, 0, "run-anywhere");
    cluster.cluster.partition([0]);
    await cluster.advance(DETECTION_MS + 1_000);
    expect(runningAt(cluster, "desk")).toHaveLength(2);
    cluster.cluster.heal();
    await cluster.advance(10_000);
    expect(runningAt(cluster, "desk")).toHaveLength(1);
  });
});

describe("options of partitions", () => {
  test.each([0, 1.5, -3, [], [""], "three"])("expect %j is refused", async (expected) => {
    const options = { expect: expected } as Partial<RegistryOptions>;
    expect(await codeOf(world(1, {}, options))).toBe("ERR_INVALID_ARGUMENT");
  });

  test.each(["500ms", "11m"])("a leaseTtl of %s is refused", async (leaseTtl) => {
    const options = { leaseTtl } as Partial<RegistryOptions>;
    expect(await codeOf(world(1, {}, options))).toBe("ERR_INVALID_ARGUMENT");
  });

  test.each([
    { partition: "quorum", distribute: false },
    { consistency: "strong", distribute: false },
    { partition: "majority" },
    { consistency: "sometimes" },
  ])("a start with %j is refused", async (options) => {
    const cluster = await opened(1, { expect: 1 });
    const asked = options as StartOptions;
    expect(await codeOf(start(cluster, 0, asked))).toBe("ERR_INVALID_ARGUMENT");
  });
});
