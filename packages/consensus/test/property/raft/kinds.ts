/** The kinds of groups that the property test plays. */
import type { WorldOptions } from "./world.js";

const quick = {
  heartbeatMs: 30,
  electionMs: 150,
  retryMs: 100,
  diskStallMs: 600,
  outcomeMs: 2_000,
};
const small = {
  appendEntriesMax: 2,
  inflightMessagesMax: 2,
  applyEntriesMax: 3,
  uncommittedBytesMax: 400,
  readRoundsMax: 1,
};
const flaky = { loss: 0.03, repetition: 0.03 };

export const kinds: readonly (readonly [string, Omit<WorldOptions, "seed">])[] = [
  ["3 voters of 5 nodes", { members: 5, voters: 3, ...flaky, raft: { times: quick } }],
  [
    "5 voters of 7 nodes that come back at once",
    { members: 7, voters: 5, ...flaky, downMs: 100, raft: { times: quick } },
  ],
  [
    "slow disks",
    { members: 4, voters: 3, ...flaky, syncMs: 60, downMs: 100, raft: { times: quick } },
  ],
  [
    "reads by lease, clocks that drift",
    {
      members: 4,
      voters: 3,
      ...flaky,
      drift: 0.09,
      downMs: 60,
      raft: { times: quick, lease: { driftMax: 0.1 } },
    },
  ],
  [
    "small windows",
    { members: 5, voters: 5, ...flaky, downMs: 300, raft: { times: quick, limits: small } },
  ],
  ["ordinary times", { members: 5, voters: 3, ...flaky }],
];
