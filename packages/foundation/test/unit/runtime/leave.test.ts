import { describe, expect, test } from "@jest/globals";
import { DisposalStack } from "@foundation/core";
import { recordingLogger, virtualClock } from "@foundation/core/testing";
import type { ClusterParts } from "../../../src/runtime/assemble.js";
import { createLeave } from "../../../src/runtime/leave.js";

/** Parts that note what is asked of them; those in `stuck` never end. */
function world(...stuck: string[]) {
  const clock = virtualClock();
  const logger = recordingLogger();
  const done: string[] = [];
  const does = (what: string) => () => {
    done.push(what);
    return stuck.includes(what) ? new Promise<void>(() => {}) : Promise.resolve();
  };
  const stack = new DisposalStack();
  stack.defer(does("close"));
  const parts = {
    overlay: { drain: () => void done.push("refuse work"), leave: does("tell") },
    registry: { drain: does("hand over"), close: does("end processes") },
    caches: { close: does("close caches") },
    consensus: { close: does("give locks back") },
    discovery: { close: does("withdraw") },
    runtime: { clock, logger },
    config: { values: { shutdown: { timeout: "2s" } } },
    announceDraining: () => void done.push("announce"),
    releaseData: does("give the data back"),
  } as unknown as ClusterParts;
  return { ...createLeave(parts, stack), clock, logger, done };
}

const steps = [
  "hand over",
  "withdraw",
  "end processes",
  "close caches",
  "give locks back",
  "tell",
  "close",
  "give the data back",
];
const inOrder = ["refuse work", "announce", ...steps];

describe("leaving", () => {
  test("takes its steps in order, once", async () => {
    const { leave, drain, clock, done, logger } = world();
    await clock.run(Promise.all([leave(), leave(), drain()]));
    await clock.run(drain());
    expect(done).toEqual(inOrder);
    expect(logger.lines).toEqual([]);
  });

  test("hands over once, however often it is asked to drain before it leaves", async () => {
    const { leave, drain, clock, done } = world();
    await clock.run(Promise.all([drain(), drain()]));
    await clock.run(drain());
    expect(done).toEqual(["refuse work", "announce", "hand over"]);
    await clock.run(leave());
    expect(done).toEqual(inOrder);
  });

  test.each(steps)(
    "is not held up beyond shutdown.timeout when it cannot %s, and takes the other steps",
    async (what) => {
      const { leave, clock, done, logger } = world(what);
      const startedMs = clock.now();
      await clock.run(leave());
      expect(clock.now() - startedMs).toBe(2_000);
      expect(done).toEqual(inOrder);
      expect(logger.lines).toHaveLength(1);
    },
  );

  test("takes every step even when all of them are stuck", async () => {
    const { leave, clock, done } = world(...inOrder);
    const startedMs = clock.now();
    await clock.run(leave());
    expect(clock.now() - startedMs).toBe(2_000 + 7 * 250);
    expect(done).toEqual(inOrder);
  });
});
