import { describe, expect, it } from "@jest/globals";
import { createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { decodeCommand, encodeCommand, isTag } from "../../../src/group/command.js";
import { LogTime } from "../../../src/group/log-time.js";
import { decode } from "../../../src/group/wire/decode.js";
import { encodeRaft, encodeShell } from "../../../src/group/wire/encode.js";
import { prefixOf } from "../../../src/group/wire/format.js";
import type { ShellMessage } from "../../../src/group/wire/peer-message.js";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import {
  parseRaftMessage,
  type RaftBody,
  type RaftMessage,
} from "../../../src/protocol/raft/messages.js";

const random = seededRandom("wire");
const from = createNodeId(random);
const to = createNodeId(random);
const group = "group-1";
const prefix = prefixOf(group);
const addressed = { group, from, to };
const configuration = configurationOf([from, to]);
const LARGE = 2 ** 51 + 12_345;
const snapshot = { id: "7-abc", index: 7, term: 2, configuration };

const BODIES: readonly RaftBody[] = [
  { type: "vote", isPre: true, isTransfer: false, lastIndex: 5, lastTerm: 1 },
  { type: "vote", isPre: false, isTransfer: true, lastIndex: LARGE, lastTerm: LARGE },
  { type: "vote-reply", isPre: false, isGranted: true },
  { type: "append", prevIndex: 0, prevTerm: 0, entries: [], commit: 0 },
  {
    type: "append",
    prevIndex: 127,
    prevTerm: 1,
    entries: [
      { type: "empty", index: 128, term: 2 },
      { type: "command", index: 129, term: 2, data: Uint8Array.of(1, 2, 3) },
      { type: "configuration", index: 130, term: 3, configuration },
      { type: "command", index: 131, term: 3, data: new Uint8Array(0) },
    ],
    commit: 300,
  },
  { type: "appended", index: 2 ** 31 },
  { type: "append-refused", index: 9, hintIndex: 8, hintTerm: 2 },
  { type: "heartbeat", round: 16_384, commit: 3 },
  { type: "heartbeat-reply", round: 2 },
  { type: "snapshot", snapshot, offset: 1_000, data: Uint8Array.of(9, 8), isLast: true },
  { type: "snapshot-reply", id: "7-abc", offset: 1_002 },
  { type: "timeout-now" },
  { type: "read", boot: "b007", sequence: 4 },
  { type: "read-reply", boot: "b007", sequence: 4, index: 77 },
];

const SHELL: readonly ShellMessage[] = [
  {
    type: "forward",
    term: 3,
    sequence: 9,
    repeats: 1,
    floor: 7,
    tag: new Uint8Array(8).fill(7),
    data: Uint8Array.of(1),
  },
  { type: "forward-refused", sequence: 9, repeats: 2, isBusy: true },
  { type: "ask", sequence: 1, errand: { type: "transfer" } },
  { type: "ask", sequence: 1, errand: { type: "transfer", to } },
  { type: "ask", sequence: 1, errand: { type: "change", changes: [{ type: "remove", id: to }] } },
  { type: "answer", sequence: 1, result: { type: "changed", index: 5 } },
  { type: "answer", sequence: 1, result: { type: "transferred", to } },
  { type: "answer", sequence: 1, result: { type: "refused", reason: "busy", detail: "later" } },
  { type: "answer", sequence: 1, result: { type: "not-leader" } },
  { type: "answer", sequence: 1, result: { type: "unknown" } },
];

const MESSAGES: readonly Uint8Array[] = [
  ...BODIES.map((body) => encodeRaft(prefix, { ...addressed, term: 3, ...body })),
  ...SHELL.map((message) => encodeShell(prefix, message)),
];

describe("a message of a group's member", () => {
  it.each(BODIES)("comes out as it went in: $type", (body) => {
    const message: RaftMessage = { ...addressed, term: 3, ...body };
    const found = decode(prefix, addressed, encodeRaft(prefix, message));
    expect(found).toEqual({ kind: "raft", message });
  });

  it.each(SHELL)("of its shell comes out as it went in: $type", (message) => {
    const found = decode(prefix, addressed, encodeShell(prefix, message));
    expect(found).toEqual({ kind: "shell", message });
  });

  it("is from whom the link says, whatever the bytes say", () => {
    const bytes = encodeRaft(prefix, { group, from: to, to: from, term: 1, type: "timeout-now" });
    const found = decode(prefix, addressed, bytes);
    expect(found?.message).toMatchObject({ from, to });
  });

  it("of another group, another version or an unknown type is not heard", () => {
    const [bytes = prefix] = MESSAGES;
    expect(decode(prefixOf("group-2"), addressed, bytes)).toBeUndefined();
    expect(decode(prefix, addressed, Uint8Array.of(2, ...bytes.subarray(1)))).toBeUndefined();
    const odd = bytes.slice();
    odd[prefix.length] = 31;
    expect(decode(prefix, addressed, odd)).toBeUndefined();
    expect(decode(prefix, addressed, new Uint8Array(0))).toBeUndefined();
  });

  it("that is cut short is not heard, and no damage of a byte makes decoding throw", () => {
    for (const bytes of MESSAGES) {
      for (let end = 0; end < bytes.length; end += 1) {
        const found = decode(prefix, addressed, bytes.subarray(0, end));
        // A command's data have no length of their own: they go to the end.
        if (found?.message.type !== "forward") expect(found).toBeUndefined();
      }
      for (let at = 0; at < bytes.length; at += 1) {
        const damaged = bytes.slice();
        damaged[at] = random.uint32() & 255;
        const found = decode(prefix, addressed, damaged);
        if (found?.kind === "raft") expect(parseRaftMessage(found.message)).toEqual(found.message);
      }
    }
  });

  it("whose entries have falling terms or too many of them is not heard", () => {
    const entries = [
      { type: "empty", index: 1, term: 3 },
      { type: "empty", index: 2, term: 2 },
    ] as const;
    const body = { type: "append", prevIndex: 0, prevTerm: 0, commit: 0 } as const;
    const bytes = encodeRaft(prefix, { ...addressed, term: 3, ...body, entries });
    expect(decode(prefix, addressed, bytes)).toBeUndefined();
    const later = encodeRaft(prefix, { ...addressed, term: 2, ...body, entries: [entries[0]] });
    expect(decode(prefix, addressed, later)).toBeUndefined();
  });

  it("does not share memory with what was received", () => {
    const body = BODIES[4] as Extract<RaftBody, { type: "append" }>;
    const bytes = encodeRaft(prefix, { ...addressed, term: 3, ...body });
    const found = decode(prefix, addressed, bytes);
    bytes.fill(0);
    expect(found?.message).toMatchObject({ entries: body.entries });
  });
});

describe("a command", () => {
  it("comes out as it went in, and knows its proposer", () => {
    const tag = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const command = { timeMs: LARGE, tag, sequence: 70_000, data: Uint8Array.of(1, 2) };
    const found = decodeCommand(encodeCommand(command));
    expect(found).toEqual(command);
    expect(isTag(found.tag, tag)).toBe(true);
    expect(isTag(found.tag, new Uint8Array(8))).toBe(false);
  });

  it("of a newer format is refused with what to do, for to skip it would fork the state", () => {
    const tag = new Uint8Array(8);
    const bytes = encodeCommand({ timeMs: 1, tag, sequence: 1, data: tag });
    bytes[0] = 2;
    expect(() => decodeCommand(bytes)).toThrow("start the version that proposed it");
  });
});

describe("log time", () => {
  it("does not stand still while a leader's commands are under way", () => {
    const time = new LogTime(1_000);
    const first = time.at(1_100);
    expect(first).toBe(100);
    time.applied(first, 1_150, true);
    expect(time.at(1_200)).toBe(200);
  });

  it("of a follower is behind its leader's, also when its clock is faster", () => {
    const time = new LogTime(0);
    time.applied(100, 500, false);
    expect(time.at(600)).toBe(200);
    time.applied(150, 700, false);
    expect(time.at(700)).toBe(150);
  });

  it("that is applied never falls, though a next leader's stamps may", () => {
    const time = new LogTime(0);
    expect(time.applied(100, 0, false)).toBe(100);
    expect(time.applied(60, 10, false)).toBe(100);
    expect(time.appliedMs).toBe(100);
  });
});
