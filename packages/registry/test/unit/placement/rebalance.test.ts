/** Rebalancing through whole registries: what is moved, how fast, by whom, and what ends it. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { hashRing, pinned } from "@foundation/core";
import type { AutomaticRebalance, RebalanceStep } from "../../../src/index.js";
import { codeOf, counter, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** All children on one node, and two more that have joined since. */
async function crowded(
  count: number,
  automatic?: AutomaticRebalance,
  prefix = "child-",
): Promise<{ w: World; names: readonly string[] }> {
  const w = await world(3, {}, automatic === undefined ? {} : { rebalance: automatic });
  open = w;
  const names = Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(2, "0")}`);
  const placement = pinned(w.cluster.node(0).id);
  for (const name of names) {
    await w.run(
      w.at(0).registry.startProcess(counter, { from: 0 }, { name, distribute: true, placement }),
    );
    await w.run(w.at(0).registry.process(counter, name).call("add", 7));
  }
  return { w, names };
}

/** The place of the node that grants the permit. */
function named(w: World): number {
  const ids = w.cluster.nodes.map(({ id }) => ({ id }));
  return ids.findIndex(({ id }) => id === hashRing().place("$rebalance", ids));
}

const countAt = (w: World, names: readonly string[]) =>
  [0, 1, 2].map((place) => names.filter((name) => runningAt(w, name).includes(place)).length);

describe("a rebalancing", () => {
  test("moves the fewest children, with their state, and a second one moves none", async () => {
    const { w, names } = await crowded(9);
    const { registry } = w.at(1);
    const report = await w.run(registry.rebalance({ tolerance: 0 }).done);
    expect(report).toMatchObject({ ended: "finished", failed: [], skipped: [] });
    expect(report.done).toHaveLength(6);
    expect(countAt(w, names)).toEqual([3, 3, 3]);
    for (const name of names) {
      expect(await w.run(registry.process(counter, name).call("total"))).toBe(7);
    }
    const again = await w.run(w.at(2).registry.rebalance({ tolerance: 0 }).done);
    expect(again).toMatchObject({ ended: "finished", planned: [], done: [] });
  });

  test("that is only planned moves nothing, and is what the real one does", async () => {
    const { w, names } = await crowded(4);
    const { registry } = w.at(0);
    const dry = await w.run(registry.rebalance({ dryRun: true, tolerance: 0 }).done);
    expect(dry).toMatchObject({ ended: "dry-run", done: [] });
    expect(countAt(w, names)).toEqual([4, 0, 0]);
    const real = await w.run(registry.rebalance({ tolerance: 0 }).done);
    expect(real.done).toEqual(dry.planned);
  });

  test("begins its moves no faster than its rate, tells each, and stops at its most", async () => {
    const { w } = await crowded(9);
    const rebalancing = w.at(0).registry.rebalance({ rate: 2, maxMoves: 4, tolerance: 0 });
    const began: number[] = [];
    const types: RebalanceStep["type"][] = [];
    const told = (async () => {
      for await (const step of rebalancing.progress) {
        types.push(step.type);
        if (step.type === "moving") began.push(w.clock.now());
      }
    })();
    const report = await w.run(rebalancing.done);
    await w.run(told);
    expect(report.planned).toHaveLength(6);
    expect(report.done).toHaveLength(4);
    expect(types).toEqual([
      "planned",
      ...Array.from({ length: 8 }, (_, i) => ["moving", "moved"][i % 2]),
    ]);
    const pauses = began.slice(1).map((at, i) => at - (began[i] as number));
    for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(500);
    expect((began[3] as number) - (began[0] as number)).toBeLessThan(2_000);
  });

  test("keeps every other one of the cluster off until it has ended", async () => {
    const { w } = await crowded(6);
    const first = w.at(0).registry.rebalance({ rate: 1, tolerance: 0 });
    await w.advance(1_500);
    for (const place of [0, 1, 2]) {
      const other = w.at(place).registry.rebalance();
      expect(await codeOf(w.run(other.done))).toBe("ERR_REBALANCING");
    }
    expect(await w.run(first.done)).toMatchObject({ ended: "finished" });
    expect(await w.run(w.at(2).registry.rebalance().done)).toMatchObject({ ended: "finished" });
  });

  test("keeps them off however long it takes, and holds up nobody for long when its node dies", async () => {
    open = await world(3, {}, { limits: { rebalancePermitMs: 25_000 } });
    const w = open;
    for (const name of ["a", "b", "c", "d", "e", "f", "g"]) {
      const options = { name, distribute: true, placement: pinned(w.cluster.node(0).id) };
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
    }
    const slow = { rate: 0.1, tolerance: 0 };
    void w.at(0).registry.rebalance(slow);
    await w.advance(28_000);
    const { registry } = w.at(named(w) === 1 ? 2 : 1);
    expect(await codeOf(w.run(registry.rebalance(slow).done))).toBe("ERR_REBALANCING");
    w.cluster.down(0);
    await w.advance(25_000);
    expect(await w.run(registry.rebalance().done)).toMatchObject({ ended: "finished" });
  });

  test("ends before its next move when a node goes, and when its caller says so", async () => {
    const { w, names } = await crowded(9);
    const controller = new AbortController();
    const { signal } = controller;
    const first = w.at(0).registry.rebalance({ rate: 1, tolerance: 0, signal });
    await w.advance(1_500);
    controller.abort();
    const ended = await w.run(first.done);
    expect(ended).toMatchObject({ ended: "cancelled", reason: "its caller ended it" });
    expect(ended.done).toHaveLength(2);
    const second = w.at(0).registry.rebalance({ rate: 1, tolerance: 0 });
    await w.advance(500);
    w.cluster.partition([2]);
    await w.advance(10);
    const cut = await w.run(second.done);
    expect(cut.ended).toBe("cancelled");
    expect(cut.reason).toMatch(/went down/);
    expect(cut.done).toHaveLength(1);
    w.cluster.heal();
    await w.advance(30_000);
    for (const name of names) expect(runningAt(w, name)).toHaveLength(1);
  });

  test("does not sleep on between two moves when it is to end", async () => {
    const { w } = await crowded(9);
    const slow = { rate: 0.1, tolerance: 0 };
    const ends = [async () => w.cluster.down(2), () => w.at(0).registry.close()];
    for (const end of ends) {
      let ended: string | undefined;
      void w
        .at(0)
        .registry.rebalance(slow)
        .done.then((report) => {
          ended = report.ended;
        });
      await w.advance(1_000);
      const closed = end();
      await w.advance(100);
      await closed;
      expect(ended).toBe("cancelled");
      await w.advance(30_000);
    }
  });

  test("passes over a child that was stopped meanwhile", async () => {
    const { w } = await crowded(6);
    const { registry } = w.at(0);
    const { planned } = await w.run(registry.rebalance({ dryRun: true, tolerance: 0 }).done);
    const rebalancing = registry.rebalance({ rate: 1, tolerance: 0 });
    await w.advance(500);
    const last = planned.at(-1)?.identity as string;
    await w.run(registry.process(counter, last).stop());
    const report = await w.run(rebalancing.done);
    expect(report.skipped).toEqual([
      { identity: last, why: "it does not run where it did when this was planned" },
    ]);
    expect(report.done).toHaveLength(planned.length - 1);
  });

  test("of some children leaves the others where they are", async () => {
    const { w, names } = await crowded(3);
    const placement = pinned(w.cluster.node(0).id);
    const more = ["x-0", "x-1", "x-2"];
    for (const name of more) {
      const options = { name, distribute: true, placement };
      await w.run(w.at(0).registry.startProcess(counter, { from: 0 }, options));
    }
    const only = { prefix: "x-" };
    await w.run(w.at(0).registry.rebalance({ only, tolerance: 0 }).done);
    expect(countAt(w, more)).toEqual([1, 1, 1]);
    expect(countAt(w, names)).toEqual([3, 0, 0]);
  });

  test.each([
    { rate: 0 },
    { rate: Number.NaN },
    { tolerance: 2 },
    { maxMoves: -1 },
    { moveTimeout: "1h" },
    { only: { group: "a", prefix: "b" } },
  ] as const)("with %j is refused", async (options) => {
    const { w } = await crowded(1);
    expect(() => w.at(0).registry.rebalance(options)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});

describe("a cluster that rebalances by itself", () => {
  const automatic = { on: "join", after: "10s", rate: 100, tolerance: 0 } as const;

  test("does so once, on one node, when a node has joined and all has been quiet", async () => {
    const { w, names } = await crowded(9, automatic);
    await w.advance(60_000);
    expect(countAt(w, names)).toEqual([9, 0, 0]);
    w.cluster.restart(2);
    w.boot(2);
    await w.advance(9_000);
    expect(countAt(w, names)).toEqual([9, 0, 0]);
    await w.advance(5_000);
    expect(countAt(w, names)).toEqual([3, 3, 3]);
    await w.advance(60_000);
    const said = w.nodes.flatMap(({ runtime }) =>
      runtime.logger.lines.filter(({ message }) => message.includes("ebalanc")),
    );
    expect(said.map(({ message }) => message)).toEqual(["Rebalancing finished"]);
  });

  test("waits anew whenever the membership changes, and is cut short by a partition", async () => {
    const { w, names } = await crowded(9, { ...automatic, rate: 1 });
    w.cluster.restart(2);
    w.boot(2);
    await w.advance(9_000);
    w.cluster.drain(1);
    await w.advance(9_000);
    expect(countAt(w, names)[0]).toBe(9);
    await w.advance(2_500);
    const moved = 9 - (countAt(w, names)[0] as number);
    expect(moved).toBeGreaterThan(0);
    w.cluster.partition([2]);
    await w.advance(5_000);
    // What the cut side had runs on this side again, and none was sent after the cut.
    expect(countAt(w, names)[0]).toBe(9);
  });

  test("goes on by another node when the one that did it dies", async () => {
    const { w, names } = await crowded(9, { ...automatic, rate: 1 });
    const coordinator = named(w);
    // The node with the children has to outlive it.
    expect(coordinator).not.toBe(0);
    const joining = coordinator === 1 ? 2 : 1;
    w.cluster.restart(joining);
    w.boot(joining);
    await w.advance(12_500);
    const left = countAt(w, names)[0] as number;
    expect(left).toBeLessThan(9);
    expect(left).toBeGreaterThan(3);
    w.cluster.down(coordinator);
    await w.advance(30_000);
    const [home = 0, ...others] = countAt(w, names);
    expect([4, 5]).toContain(home);
    expect(others.reduce((sum, count) => sum + count, home)).toBe(9);
  });

  test("does nothing unless it was told to", async () => {
    const { w, names } = await crowded(9);
    w.cluster.restart(2);
    w.boot(2);
    await w.advance(120_000);
    expect(countAt(w, names)).toEqual([9, 0, 0]);
  });
});
