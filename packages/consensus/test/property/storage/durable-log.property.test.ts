/** The durable log against a model, on a disk whose power fails between any two operations. */
import { describe, expect, jest, test } from "@jest/globals";
import { LogWorld } from "./log-world.js";

jest.setTimeout(24 * 3_600_000);

/** More seeds than the short run: RAFT_LOG_SEEDS=5000. */
const SEEDS = Number(process.env["RAFT_LOG_SEEDS"] ?? 120);
const ACTIONS = 250;

describe("a durable log", () => {
  test("is after a crash or a full disk what it was told, up to and perhaps beyond what it acknowledged", async () => {
    const seen = new Map<string, number>();
    for (let seed = 0; seed < SEEDS; seed++) {
      const world = await LogWorld.open(`durable-log-${seed}`);
      try {
        for (let i = 0; i < ACTIONS; i++) await world.act();
        await world.crash();
      } catch (error) {
        throw new Error(`seed durable-log-${seed} failed`, { cause: error });
      }
      for (const [what, times] of world.seen) seen.set(what, (seen.get(what) ?? 0) + times);
    }
    // What the run is about must have happened.
    const snapshots = ["snapshot kept the log", "snapshot began a log", "snapshot resumed"];
    for (const what of ["cut", "read-only", ...snapshots]) {
      expect([what, (seen.get(what) ?? 0) > 0]).toEqual([what, true]);
    }
  });
});
