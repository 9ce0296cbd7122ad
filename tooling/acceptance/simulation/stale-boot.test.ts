/** A data directory set back and a wall clock set back: the one start that a cluster cannot tell from an older one. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { startCluster, type Cluster } from "@foundation/foundation";
import { createSimulator, type SimulatedHost, type Simulator } from "@foundation/testkit";

const HOUR_MS = 3_600_000;

/** Keeps its port over restarts, so that both sides dial, and its data. */
function start({ name, discovery, runtime }: SimulatedHost): Promise<Cluster> {
  return startCluster({
    name: "stale",
    cluster: discovery,
    node: { name },
    overlay: { port: 7_000 },
    security: { secret: "a secret for simulations only" },
    signals: false,
    runtime,
  });
}

let open: Simulator<Cluster> | undefined;
afterEach(() => open?.close());

function world() {
  const sim = createSimulator<Cluster>({ seed: "stale boot" });
  open = sim;
  const lists = (name: string): readonly string[] | undefined =>
    sim
      .node(name)
      .app?.nodes()
      .map((member) => member.name)
      .sort();
  const health = async (name: string): Promise<string> => {
    const asked = sim.node(name).within((cluster) => cluster.health());
    return (await sim.settle(asked ?? Promise.reject(new Error("down")))).recommendations.join(
      "\n",
    );
  };
  return { sim, lists, health };
}

const ALL = ["n1", "n2", "n3"];

describe("a node whose disk and wall clock were both set back", () => {
  test("starts, stays alone, says what to do, and is a member again once it did", async () => {
    const { sim, lists, health } = world();
    for (const name of ALL) sim.addNode(name, start);
    await sim.run("10s");
    // A second start, so that the image from before the first is of an older one.
    sim.crash("n1");
    sim.restart("n1");
    await sim.run("20s");
    expect(lists("n2")).toEqual(ALL);

    sim.crash("n1");
    await sim.run("10s");
    sim.jumpWall("n1", -HOUR_MS);
    sim.restart("n1", { disk: "restored" });
    // `startCluster` does not reject: who refuses has not proved who it is, and may be wrong.
    await sim.run("5s");
    expect(lists("n1")).toEqual(["n1"]);

    // The clock alone does not help: the process goes on under the boot it has.
    sim.jumpWall("n1", HOUR_MS);
    await sim.run("120s");
    expect([lists("n1"), lists("n2"), lists("n3")]).toEqual([["n1"], ["n2", "n3"], ["n2", "n3"]]);
    for (const name of ALL) {
      const advice = await health(name);
      expect(advice).toContain("ERR_STALE_BOOT");
      expect(advice).toMatch(/correct the clock and start the node again/);
    }

    sim.crash("n1");
    sim.restart("n1");
    await sim.run("30s");
    for (const name of ALL) expect(lists(name)).toEqual(ALL);
  });

  test("the disk alone does no harm: the boot follows the clock", async () => {
    const { sim, lists } = world();
    for (const name of ALL) sim.addNode(name, start);
    await sim.run("10s");
    sim.crash("n1");
    sim.restart("n1");
    await sim.run("20s");
    sim.crash("n1");
    await sim.run("10s");
    sim.restart("n1", { disk: "restored" });
    await sim.run("30s");
    for (const name of ALL) expect(lists(name)).toEqual(ALL);
  });

  test("the clock alone does no harm once it is right: the boot follows the disk", async () => {
    const { sim, lists } = world();
    for (const name of ALL) sim.addNode(name, start);
    await sim.run("10s");
    sim.crash("n1");
    sim.jumpWall("n1", -HOUR_MS);
    sim.restart("n1");
    await sim.run("30s");
    expect(lists("n1")).toEqual(["n1"]);
    sim.jumpWall("n1", HOUR_MS);
    await sim.run("60s");
    for (const name of ALL) expect(lists(name)).toEqual(ALL);
  });
});
