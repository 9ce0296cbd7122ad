import { describe, expect, test } from "@jest/globals";
import { switchLimits } from "../../../../src/protocol/switching/limits.js";
import {
  compareRecords,
  parseSwitchMessage,
  type SwitchRecord,
} from "../../../../src/protocol/switching/record.js";
import { idOf } from "../../../support/membership-entries.js";

const recordOf = (change: Partial<SwitchRecord> = {}): SwitchRecord => {
  return { epoch: 1, turn: 0, mode: "hyparview", pinned: false, by: idOf(3), ...change };
};

describe("of two records the greater is", () => {
  test.each([
    ["the later one by hand", { epoch: 2 }, { epoch: 1, pinned: true }],
    ["the pinned one of one epoch", { pinned: true }, { turn: 500, by: idOf(9) }],
    ["the later automatic one", { turn: 2 }, { turn: 1, by: idOf(9) }],
    ["the one by the higher id", { by: idOf(4) }, { by: idOf(3), mode: "client-server" }],
    ["that of the larger topology, else", { mode: "client-server" }, { mode: "hyparview" }],
  ] as const)("%s", (_what, greater, lesser) => {
    expect(compareRecords(recordOf(greater), recordOf(lesser))).toBeGreaterThan(0);
    expect(compareRecords(recordOf(lesser), recordOf(greater))).toBeLessThan(0);
  });

  test("neither, when they are the same", () => {
    expect(compareRecords(recordOf(), recordOf())).toBe(0);
  });
});

describe("a message", () => {
  test("is read, and what a later version added is left out", () => {
    const sent = { type: "topology", record: { ...recordOf(), added: 1 }, more: [] };
    expect(parseSwitchMessage(sent)).toEqual({ type: "topology", record: recordOf() });
  });

  test.each([
    ["no object", "topology"],
    ["a list", []],
    ["null", null],
    ["another type", { type: "updates", record: recordOf() }],
    ["no record", { type: "topology" }],
    ["a negative epoch", { type: "topology", record: recordOf({ epoch: -1 }) }],
    ["a fraction", { type: "topology", record: recordOf({ turn: 0.5 }) }],
    [
      "an epoch beyond the limit",
      { type: "topology", record: recordOf({ epoch: switchLimits.decisionsMax + 1 }) },
    ],
    ["a topology nobody knows", { type: "topology", record: { ...recordOf(), mode: "ring" } }],
    ["auto as a topology", { type: "topology", record: { ...recordOf(), mode: "auto" } }],
    ["a pin of another kind", { type: "topology", record: { ...recordOf(), pinned: 1 } }],
    ["an id that is none", { type: "topology", record: { ...recordOf(), by: "n3" } }],
    [
      "a pin that was decided automatically",
      { type: "topology", record: recordOf({ pinned: true, turn: 1 }) },
    ],
  ])("with %s is refused", (_what, value) => {
    expect(parseSwitchMessage(value)).toBeUndefined();
  });
});
