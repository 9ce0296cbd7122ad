import { describe, expect, test } from "@jest/globals";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import type { Entry } from "../../../src/protocol/raft/entry.js";
import { parseRaftMessage, type RaftBody } from "../../../src/protocol/raft/messages.js";
import { id } from "./lone.js";

const envelope = { group: "g", from: id(0), to: id(1), term: 7 };
const configuration = configurationOf([id(0), id(1)]);
const data = new Uint8Array([1, 2]);
const entries: readonly Entry[] = [
  { type: "command", index: 4, term: 2, data },
  { type: "configuration", index: 5, term: 2, configuration },
  { type: "empty", index: 6, term: 7 },
];
const snapshot = { id: "s", index: 9, term: 3, configuration };
const bodies: readonly RaftBody[] = [
  { type: "vote", isPre: true, isTransfer: false, lastIndex: 1, lastTerm: 1 },
  { type: "vote-reply", isPre: false, isGranted: true },
  { type: "append", prevIndex: 3, prevTerm: 2, entries, commit: 4 },
  { type: "appended", index: 6 },
  { type: "append-refused", index: 6, hintIndex: 3, hintTerm: 2 },
  { type: "heartbeat", round: 3, commit: 4 },
  { type: "heartbeat-reply", round: 3 },
  { type: "snapshot", snapshot, offset: 5, data, isLast: true },
  { type: "snapshot-reply", id: "s", offset: 7 },
  { type: "timeout-now" },
  { type: "read", boot: "b", sequence: 4 },
  { type: "read-reply", boot: "b", sequence: 4, index: 9 },
];

describe("messages", () => {
  test.each(bodies.map((body) => [body.type, body] as const))(
    "%s is parsed as it was",
    (_t, body) => {
      expect(parseRaftMessage(structuredClone({ ...envelope, ...body }))).toEqual({
        ...envelope,
        ...body,
      });
    },
  );

  test.each(bodies.map((body) => [body.type, body] as const))(
    "%s is refused when any of its fields is missing or of another kind",
    (_t, body) => {
      const message: Record<string, unknown> = { ...envelope, ...body };
      for (const field of Object.keys(message)) {
        for (const wrong of [undefined, null, -1, 1.5, "", {}, Number.NaN, 2 ** 60]) {
          expect(parseRaftMessage({ ...message, [field]: wrong })).toBeUndefined();
        }
      }
    },
  );

  test("fields of later versions are ignored and left out", () => {
    const message = { ...envelope, type: "timeout-now", later: 1 };
    expect(parseRaftMessage(message)).toEqual({ ...envelope, type: "timeout-now" });
  });

  test.each([
    ["with a gap", [entries[0], entries[2]]],
    ["that do not follow", [entries[1]]],
    ["whose terms fall", [entries[0], { ...entries[1], term: 1 }]],
    ["of a term that nobody has entered", [{ ...entries[0], term: 8 }]],
    ["too large", [{ ...entries[0], data: new Uint8Array(1_048_577) }]],
    [
      "too many",
      Array.from({ length: 4_097 }, (_, i) => ({ type: "empty", index: 4 + i, term: 2 })),
    ],
  ])("entries %s are refused", (_what, wrong) => {
    const body = { type: "append", prevIndex: 3, prevTerm: 2, entries: wrong, commit: 4 };
    expect(parseRaftMessage({ ...envelope, ...body })).toBeUndefined();
  });

  test("what is no message at all is refused", () => {
    for (const value of [undefined, null, 1, "x", [], {}, { ...envelope, type: "new" }]) {
      expect(parseRaftMessage(value)).toBeUndefined();
    }
  });
});
