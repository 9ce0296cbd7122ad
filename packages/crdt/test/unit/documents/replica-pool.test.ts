import { describe, expect, test } from "@jest/globals";
import { memoryRuntime, memoryStorage, virtualClock } from "@foundation/core/testing";
import { KeyedFiles } from "../../../src/documents/keyed-files.js";
import { ReplicaPool } from "../../../src/documents/replica-pool.js";

function poolOn(clock: ReturnType<typeof virtualClock>, storage = memoryStorage()) {
  const { logger } = memoryRuntime({ clock, seed: "pool" });
  const pool = new ReplicaPool({
    files: new KeyedFiles(storage, "documents", clock),
    clock,
    logger,
    inline: true,
    send: () => Promise.resolve(),
    has: () => undefined,
    loaded: () => undefined,
  });
  return { pool, storage, logger };
}

describe("the documents of a node in memory", () => {
  test("one that was closed while the disk was full stays, and goes when it is written", async () => {
    const clock = virtualClock();
    const { pool, storage, logger } = poolOn(clock);
    const opened = pool.open("board");
    opened.handles += 1;
    const replica = await opened.replica;
    storage.failOn("replace", "the disk is full");
    replica.change((draft) => void Object.assign(draft as object, { title: "kept" }), undefined);
    await expect(pool.release("board", opened)).rejects.toMatchObject({ code: "ERR_STORAGE" });
    await clock.advance(300_000);
    expect(pool.get("board")).toBe(opened);
    storage.failOn("replace", undefined);
    await clock.advance(70_000);
    expect(pool.get("board")).toBe(undefined);
    expect(await storage.list("documents/")).toHaveLength(1);
    const told = logger.lines.map(({ level, message }) => `${level}: ${message}`);
    expect(told).toEqual([
      "warn: A document could not be written; it is tried again",
      "info: A document is written again",
    ]);
    const { pool: later } = poolOn(clock, storage);
    expect((await later.open("board").replica).doc).toEqual({ title: "kept" });
    await later.close();
    await pool.close();
  });
});
