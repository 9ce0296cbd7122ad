/** Copies that are closed while they are read for the first time. */
import { expect, test } from "@jest/globals";
import { recordingLogger, virtualClock } from "@foundation/core/testing";
import type { Engine } from "../../../src/engine/engine.js";
import {
  consensusErrors,
  createClusterConfig,
  createMemoryEngine,
  createRoster,
} from "../../../src/index.js";

const clock = virtualClock();

/** An engine whose answers wait until it is closed, as one of a group that has no quorum; then they are refused. */
function slowEngine(): { readonly engine: Engine; end(error: Error): void } {
  const inner = createMemoryEngine({ clock });
  let end: (error: Error) => void = () => undefined;
  const never = new Promise<never>((_, reject) => (end = reject));
  return { engine: { ...inner, txn: () => never, watch: inner.watch.bind(inner) }, end };
}

const closed = () =>
  consensusErrors.ERR_NOBODY_ANSWERS("gone", { directory: "data", reason: "gone" });

test("a roster and settings that are closed then say nothing in the log", async () => {
  const logger = recordingLogger();
  const runtime = { clock, logger };
  for (const create of [createRoster, createClusterConfig]) {
    const { engine, end } = slowEngine();
    const copy = create(engine, { runtime });
    const ready = copy.ready().catch((error: unknown) => error);
    await clock.settle();
    const closing = copy.close();
    end(closed());
    await clock.run(closing);
    expect(await ready).toMatchObject({ code: "ERR_CLOSED" });
  }
  expect(logger.lines).toEqual([]);
});

test("what ends them otherwise is an error in the log", async () => {
  const logger = recordingLogger();
  const { engine, end } = slowEngine();
  const roster = createRoster(engine, { runtime: { clock, logger } });
  const ready = roster.ready().catch((error: unknown) => error);
  await clock.settle();
  end(new Error("the machine is damaged"));
  expect(await clock.run(ready)).toMatchObject({ message: "the machine is damaged" });
  expect(logger.lines).toHaveLength(1);
  await roster.close();
});
