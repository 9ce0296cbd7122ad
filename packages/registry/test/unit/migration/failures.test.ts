/** Moves whose source dies, or that are cut in the middle, at every moment of them. */
import { afterEach, describe, expect, test } from "@jest/globals";
import { pinned } from "@foundation/core";
import { codeOf, counter, runningAt, world, type World } from "../runtime/world.js";

let open: World | undefined;
afterEach(async () => {
  await open?.close();
  open = undefined;
});

/** Three nodes, a counter with 3 in it on the first, and a move of it to the second under way. */
async function moving(latencyMs: number) {
  const w = await world(3, { latencyMs, detectionMs: 200 });
  open = w;
  await w.advance(500);
  const to = w.at(1).port.id;
  const placement = pinned(w.at(0).port.id);
  const options = { name: "c", distribute: true, placement } as const;
  await w.run(w.at(0).registry.startProcess(counter, { from: 1 }, options));
  await w.run(w.at(0).registry.process(counter, "c").call("add", 2));
  await w.run(w.at(0).registry.register("alias", w.at(0).registry.process(counter, "c")));
  await w.advance(500);
  const started = w.at(0).registry.migrate("c", { to });
  const code = codeOf(started.done);
  return { w, code };
}

const total = (w: World, place: number) =>
  w.run(w.at(place).registry.process(counter, "c").call("total"));

// The offer arrives after 20 ms, its answer and the commit come at 40, the mailbox at 60.
const MOMENTS = [1, 10, 19, 21, 30, 39, 41, 50, 59, 61, 70];

describe("a move, when its source dies", () => {
  test.each(MOMENTS)(
    "%i ms after it began: one instance runs, with its state if it had gone",
    async (ms) => {
      const { w } = await moving(20);
      await w.advance(ms);
      w.cluster.down(0);
      await w.advance(15_000);
      expect(runningAt(w, "c")).toHaveLength(1);
      // Before the copy was there the state died with its node; the child begins anew, like any other.
      const known = await total(w, 2);
      if (ms > 40) expect(known).toBe(3);
      if (known === 3) {
        expect(w.at(2).registry.lookup("alias")?.pid).toEqual(w.at(2).registry.lookup("c")?.pid);
      } else expect([1, 3]).toContain(known);
      await w.advance(60_000);
      expect(runningAt(w, "c")).toHaveLength(1);
      expect(await total(w, 1)).toBe(known);
    },
  );
});

describe("a move, when source and target are cut off from each other", () => {
  test.each(MOMENTS)(
    "%i ms after it began: after the heal one instance runs, with its state and its names",
    async (ms) => {
      const { w, code } = await moving(20);
      await w.advance(ms);
      // Shorter than the detection of a death: nobody is taken for dead, and nobody takes over.
      w.cluster.partition([1]);
      await w.advance(150);
      w.cluster.heal();
      await w.advance(30_000);
      // What the cut swallowed is waited for, as long as the caller wants.
      const codes = ["none", "ERR_NOT_MOVED", "ERR_TIMEOUT", "ERR_OUTCOME_UNKNOWN"];
      expect(codes).toContain(await w.run(code));
      expect(runningAt(w, "c")).toHaveLength(1);
      for (const place of [0, 1, 2]) expect(await total(w, place)).toBe(3);
      for (const { registry } of w.nodes) {
        expect(registry.lookup("alias")?.pid).toEqual(registry.lookup("c")?.pid);
      }
    },
  );

  test.each(MOMENTS)(
    "for long, %i ms after it began: one instance runs after the heal",
    async (ms) => {
      const { w } = await moving(20);
      await w.advance(ms);
      w.cluster.partition([1]);
      await w.advance(20_000);
      w.cluster.heal();
      await w.advance(60_000);
      expect(runningAt(w, "c")).toHaveLength(1);
      expect(await total(w, 2)).toBeGreaterThanOrEqual(1);
    },
  );
});
