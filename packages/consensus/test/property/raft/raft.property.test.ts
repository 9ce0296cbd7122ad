/**
 * The Raft core under faults: after every step Election Safety, Log Matching, Leader Completeness,
 * State Machine Safety, honest outcomes and linearizable reads; after the heal, progress.
 *
 * RAFT_SEEDS=2000 runs that many seeds of each kind; RAFT_SEED=17 runs one.
 */
import { describe, expect, jest, test } from "@jest/globals";
import { recover, torment } from "./nemesis.js";
import { RaftWorld, type WorldOptions } from "./world.js";

jest.setTimeout(24 * 3_600_000);

const count = Number(process.env["RAFT_SEEDS"] ?? 30);
const only = process.env["RAFT_SEED"];
const seeds = only === undefined ? Array.from({ length: count }, (_, i) => i) : [Number(only)];

const kinds: readonly (readonly [string, Omit<WorldOptions, "seed">])[] = [
  ["3 voters of 5 nodes", { members: 5, voters: 3, loss: 0.02, repetition: 0.02 }],
  ["5 voters of 7 nodes", { members: 7, voters: 5, loss: 0.05, repetition: 0.05 }],
  ["slow disks", { members: 5, voters: 3, syncMs: 60, repetition: 0.05 }],
  [
    "reads by lease, clocks that drift",
    { members: 5, voters: 3, loss: 0.02, drift: 0.05, raft: { lease: { driftMax: 0.1 } } },
  ],
  [
    "small windows",
    {
      members: 5,
      voters: 5,
      loss: 0.05,
      repetition: 0.1,
      raft: {
        limits: {
          appendEntriesMax: 2,
          inflightMessagesMax: 2,
          applyEntriesMax: 3,
          uncommittedBytesMax: 400,
          readRoundsMax: 1,
        },
      },
    },
  ],
];

describe("a group under faults", () => {
  test.each(kinds)("%s: nothing is lost or decided twice, and it recovers", (_name, options) => {
    let committed = 0;
    let reads = 0;
    for (const seed of seeds) {
      const world = new RaftWorld({ ...options, seed });
      try {
        torment(world, 6_000);
        expect(recover(world, 20_000)).toBe(true);
      } catch (error) {
        throw new Error(`RAFT_SEED=${seed}: ${(error as Error).message}`, { cause: error });
      }
      committed += world.checks.committed;
      reads += world.checks.reads;
    }
    // A world in which nothing happens would pass every check.
    expect(committed).toBeGreaterThan(seeds.length * 10);
    expect(reads).toBeGreaterThan(seeds.length * 5);
  });
});
