/**
 * A quorum-guarded child under random cuts of the whole cluster into sides, with nodes that die and come back: at no sampled
 * moment two instances, and once all is healed exactly one. Cuts are complete: who hears one node of a side hears all.
 *
 * FOUNDATION_PROPERTY_RUNS plays more histories.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { memoryRoster } from "@foundation/core/testing";
import { counter, runningAt, world, type World } from "../../unit/runtime/world.js";

const runs = Number(process.env.FOUNDATION_PROPERTY_RUNS ?? 15);
const SAMPLE_MS = 250;

type Step =
  | { readonly type: "cut"; readonly side: readonly number[] }
  | { readonly type: "heal" }
  | { readonly type: "restart"; readonly node: number }
  | { readonly type: "wait"; readonly samples: number };

const node = fc.integer({ min: 0, max: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("cut" as const),
      side: fc.uniqueArray(node, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("heal" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("restart" as const), node }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("wait" as const),
      samples: fc.constantFrom(1, 4, 20, 60),
    }),
  },
);

/** The cuts there are, since a node that starts meanwhile is introduced to all in the twin. */
let sides: (readonly number[])[] = [];

async function play(cluster: World, nodes: number, happened: Step): Promise<void> {
  switch (happened.type) {
    case "cut": {
      const side = happened.side.filter((place) => place < nodes);
      if (side.length === 0 || side.length === nodes) return;
      sides.push(side);
      cluster.cluster.partition(side);
      return;
    }
    case "heal":
      sides = [];
      cluster.cluster.heal();
      // The twin's news of who is there again pass a cut that is made while they are on their way.
      return cluster.advance(5);
    case "restart":
      if (happened.node >= nodes) return;
      cluster.cluster.restart(happened.node);
      cluster.boot(happened.node);
      await cluster.advance(5);
      for (const side of sides) cluster.cluster.partition(side);
      return;
    case "wait":
      for (let sample = 0; sample < happened.samples; sample++) {
        await cluster.advance(SAMPLE_MS);
        expect(runningAt(cluster, "desk").length).toBeLessThanOrEqual(1);
      }
      return;
    default:
      return happened satisfies never;
  }
}

describe("a quorum-guarded child under cuts", () => {
  test("runs on one side at most, and on one node once all is healed", async () => {
    const plan = fc.record({
      nodes: fc.integer({ min: 3, max: 5 }),
      detectionMs: fc.constantFrom(0, 500, 3_000),
      byRoster: fc.boolean(),
      steps: fc.array(step, { minLength: 4, maxLength: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ nodes, detectionMs, byRoster, steps }) => {
        const roster = memoryRoster().roster();
        const expected = Array.from({ length: nodes }, (_, place) => `node-${place + 1}`);
        await roster.propose(expected);
        const basis = byRoster ? { roster } : { expect: expected };
        sides = [];
        const cluster = await world(nodes, { detectionMs }, basis);
        try {
          const { registry } = cluster.at(0);
          const options = { name: "desk", partition: "quorum" } as const;
          await cluster.run(registry.startProcess(counter, { from: 0 }, options));
          await cluster.advance(100);
          for (const happened of steps) await play(cluster, nodes, happened);
          cluster.cluster.heal();
          await play(cluster, nodes, { type: "wait", samples: 160 });
          expect(runningAt(cluster, "desk")).toHaveLength(1);
        } finally {
          await cluster.close();
        }
      }),
      { numRuns: runs },
    );
  }, 600_000);
});
