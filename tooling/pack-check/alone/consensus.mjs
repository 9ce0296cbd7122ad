/** @foundation/consensus alone: a group of one commits what it is given. */
import assert from "node:assert/strict";
import { seededRandom } from "@foundation/core/testing";
import { configurationOf, FIRST_HARD_STATE, firstEntries, Raft } from "@foundation/consensus";

const id = "0".repeat(32);
const entries = firstEntries(configurationOf([id]));
const recovered = { hardState: FIRST_HARD_STATE, entries };
const raft = new Raft({ id, group: "alone", random: seededRandom(1), recovered });
const outcomes = [];
const run = (input, now) => {
  const batch = raft.handle(input, now);
  outcomes.push(...batch.outcomes);
  if (batch.write) run({ type: "persisted", write: batch.write.number }, now);
};
run({ type: "start" }, 0);
run({ type: "campaign" }, 1);
run({ type: "propose", id: 7, data: new Uint8Array([1]) }, 2);
assert.deepEqual(outcomes, [{ type: "committed", id: 7, index: 3, term: 2 }]);
