/**
 * The Raft core under faults: after every step Election Safety, Log Matching, Leader Completeness,
 * State Machine Safety, honest outcomes and linearizable reads; after the heal, progress.
 *
 * RAFT_SEEDS=2000 runs that many seeds of each kind; RAFT_SEED=17 runs one.
 */
import { describe, expect, jest, test } from "@jest/globals";
import { kinds } from "./kinds.js";
import { recover, torment } from "./nemesis.js";
import { RaftWorld } from "./world.js";

jest.setTimeout(24 * 3_600_000);

const count = Number(process.env["RAFT_SEEDS"] ?? 30);
const only = process.env["RAFT_SEED"];
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(only)];

describe("a group under faults", () => {
  test.each(kinds)("%s: nothing is lost or decided twice, and it recovers", (_name, options) => {
    let committed = 0;
    let reads = 0;
    for (const seed of seeds) {
      const world = new RaftWorld({ ...options, seed });
      try {
        torment(world, 4_000);
        expect(recover(world, 20_000)).toBe(true);
      } catch (error) {
        throw new Error(`RAFT_SEED=${seed}: ${(error as Error).message}`, { cause: error });
      }
      committed += world.checks.committed;
      reads += world.checks.reads;
    }
    // A world in which nothing happens would pass every check.
    expect(committed).toBeGreaterThan(seeds.length * 3);
    expect(reads).toBeGreaterThan(seeds.length * 3);
  });
});
