/** Membership among operating-system processes on loopback: real kills, real pauses. */
import { afterEach, describe, expect, test } from "@jest/globals";
import type { TopologyMode } from "../../src/index.js";
import { topologyNames } from "../../src/protocol/switching/topologies.js";
import { eventually, pass, processCluster, type ProcessNode } from "../support/process-cluster.js";

let nodes: readonly ProcessNode[] = [];

const cluster = (count: number, topology: TopologyMode = "auto") =>
  processCluster(count, topology, (started) => {
    nodes = started;
  });

afterEach(async () => {
  for (const node of nodes) await node.end();
  nodes = [];
});

describe("processes", () => {
  test("killed with -9 are known to be down by all others within a second", async () => {
    const [first, second, third, fourth] = (await cluster(4)) as [
      ProcessNode,
      ProcessNode,
      ProcessNode,
      ProcessNode,
    ];
    third.process.kill("SIGKILL");
    const others = [first, second, fourth];
    const allKnow = () => others.every((node) => node.saw("node-down", third));
    expect(await eventually("all know", allKnow, 5_000)).toBeLessThan(1_000);
    expect(others.map((node) => node.memberCount)).toEqual([3, 3, 3]);
  }, 160_000);

  test.each(topologyNames)(
    "paused for 3 s are never declared dead, and on waking accuse nobody (%s)",
    async (topology) => {
      const [first, second, third] = (await cluster(3, topology)) as [
        ProcessNode,
        ProcessNode,
        ProcessNode,
      ];
      third.process.kill("SIGSTOP");
      const stoppedAt = performance.now();
      await eventually("the pause is over", () => performance.now() - stoppedAt >= 3_000, 4_000);
      third.process.kill("SIGCONT");
      const well = () => first.reports.at(-1)?.event === "node-up" && second.memberCount === 3;
      await eventually("it is well again", well, 5_000);
      const downs = [first, second, third]
        .flatMap((node) => node.reports)
        .filter((report) => report.event === "node-down");
      expect(downs).toEqual([]);
    },
    160_000,
  );

  // They wait most of the time: three clusters side by side.
  test.concurrent.each(topologyNames)(
    "paused for 5 s are declared dead once in three times at most, and are members again then (%s)",
    async (topology) => {
      let started: readonly ProcessNode[] = [];
      const downs = () =>
        started.flatMap(({ reports }) => reports.filter(({ event }) => event === "node-down"));
      try {
        const running = await processCluster(4, topology, (all) => {
          started = all;
        });
        let deaths = 0;
        const pausedOnce = new Set<string>();
        for (const paused of running.slice(1)) {
          pausedOnce.add(paused.id);
          const before = downs().length;
          paused.process.kill("SIGSTOP");
          await pass(5_000);
          paused.process.kill("SIGCONT");
          // What is still under suspicion would be declared dead within this time.
          await pass(1_500);
          const isWhole = () => running.every((node) => node.memberCount === 4);
          await eventually("all list all", isWhole, 20_000);
          if (downs().length > before) deaths += 1;
          // Neither on waking nor before does anybody accuse one who was not paused.
          expect(downs().filter(({ about }) => !pausedOnce.has(about))).toEqual([]);
        }
        expect(deaths).toBeLessThanOrEqual(1);
      } finally {
        for (const node of started) await node.end();
      }
    },
    240_000,
  );

  test("paused for long are declared down within 8 s and come back with the same boot", async () => {
    const [first, second, third] = (await cluster(3)) as [ProcessNode, ProcessNode, ProcessNode];
    third.process.kill("SIGSTOP");
    const down = () => first.saw("node-down", third) && second.saw("node-down", third);
    expect(await eventually("it is down", down, 15_000)).toBeLessThan(8_000);
    third.process.kill("SIGCONT");
    const back = () => [first, second].every((node) => node.memberCount === 3);
    await eventually("it is back", back, 15_000);
    expect(third.saw("node-down", first) || third.saw("node-down", second)).toBe(false);
  }, 160_000);
});
