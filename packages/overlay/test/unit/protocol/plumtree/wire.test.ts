/** The binary form, and the reader of plain data: what is accepted, what is refused. */
import { describe, expect, test } from "@jest/globals";
import { plumtreeLimits as limits } from "../../../../src/protocol/plumtree/limits.js";
import {
  parsePlumtreeMessage,
  type PlumtreeMessage,
  type Run,
} from "../../../../src/protocol/plumtree/messages.js";
import { NameCache } from "../../../../src/protocol/plumtree/names.js";
import {
  decode,
  encode,
  GOSSIP_HEAD_BYTES,
  headBytesOf,
  writeHead,
} from "../../../../src/protocol/plumtree/wire.js";
import { bootOf, idOf } from "../../../support/membership-entries.js";

type Message = PlumtreeMessage<Uint8Array>;

const name = { origin: idOf(0xabcdef), boot: bootOf(0x123456) };
const other = { origin: idOf(7), boot: bootOf(9) };
const payload = Uint8Array.from([1, 2, 3, 250]);
const gossip = {
  type: "gossip",
  ...name,
  seq: 2 ** 40 + 5,
  hop: 9,
  back: 70_000,
  payload,
} as const;
const runs: Run[] = [
  { ...name, lo: 1, hi: 1, hop: 3 },
  { ...other, lo: 5, hi: 2 ** 33, hop: 255 },
  { ...name, lo: 2 ** 47, hi: 2 ** 47 + 9, hop: 0 },
];
const messages: Message[] = [
  { ...gossip, beside: false },
  { ...gossip, beside: true, payload: new Uint8Array(0), seq: 1, hop: 0, back: 0 },
  { type: "have", runs },
  { type: "graft", eager: true, runs },
  { type: "graft", eager: false, runs: [] },
  { type: "prune" },
  { type: "digest", ask: true, more: false, fresh: false, seeking: false, runs },
  {
    type: "digest",
    ask: false,
    more: true,
    fresh: true,
    seeking: true,
    runs: [{ ...name, lo: 4, hi: 3, hop: 0 }],
  },
  { type: "unwanted", ...name, seq: 2 ** 48 - 1 },
];
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array;

describe("the binary form", () => {
  test.each(messages.map((message, i) => [`${message.type} (${i})`, message] as const))(
    "brings a %s back as it was, with and without a cache of names",
    (_, message) => {
      // A run longer than four bytes can say is cut: nobody can send so many messages.
      const cut = (each: Run): Run => ({ ...each, hi: Math.min(each.hi, each.lo + 2 ** 32 - 2) });
      const expected = "runs" in message ? { ...message, runs: message.runs.map(cut) } : message;
      const bytes = encode(message);
      expect(decode(bytes)).toEqual(expected);
      const names = new NameCache();
      expect(decode(bytes, names)).toEqual(expected);
      expect(decode(bytes, names)).toEqual(expected);
    },
  );

  test("takes 40 bytes before a payload and names each source once in a list", () => {
    expect(GOSSIP_HEAD_BYTES).toBe(40);
    expect(encode({ type: "prune" })).toHaveLength(1);
    expect(encode({ type: "have", runs: runs.slice(0, 1) })).toHaveLength(3 + 28 + 13);
    expect(encode({ type: "have", runs })).toHaveLength(3 + 2 * 28 + 3 * 13);
  });

  test("gives the payload as a view of what came", () => {
    const bytes = encode({ ...gossip, beside: false });
    const message = decode(bytes);
    if (message?.type !== "gossip") throw new Error("no gossip");
    expect(message.payload.buffer).toBe(bytes.buffer);
    expect(message.payload.byteOffset).toBe(GOSSIP_HEAD_BYTES);
  });

  test("is sent on by a new head before the same bytes, anywhere in a frame", () => {
    const received = decode(encode({ ...gossip, beside: false }));
    if (received?.type !== "gossip") throw new Error("no gossip");
    const next = { ...received, hop: received.hop + 1 };
    const frame = new Uint8Array(7 + headBytesOf(next) + next.payload.length);
    writeHead(next, frame, 7);
    frame.set(next.payload, 7 + headBytesOf(next));
    expect(decode(frame.subarray(7))).toEqual({ ...gossip, beside: false, hop: 10 });
  });

  test("gives the same texts for the same source, so that they are found by identity", () => {
    const names = new NameCache(2);
    const read = (from: typeof name): unknown[] => {
      const message = decode(encode({ type: "unwanted", ...from, seq: 1 }), names);
      return message?.type === "unwanted" ? [message.origin, message.boot] : [];
    };
    expect(read(name)).toEqual([name.origin, name.boot]);
    expect(read(other)).toEqual([other.origin, other.boot]);
    expect(read(name)).toEqual([name.origin, name.boot]);
    const near = { origin: name.origin, boot: bootOf(0x123456 + 0x10000) };
    expect(read(near)).toEqual([near.origin, near.boot]);
  });

  test("ignores what a later version adds after the runs", () => {
    const bytes = encode({ type: "have", runs });
    const longer = new Uint8Array(bytes.length + 5).fill(9);
    longer.set(bytes);
    expect(decode(longer)).toEqual(decode(bytes));
  });

  test("refuses everything that is cut off", () => {
    for (const message of messages) {
      const bytes = encode(message);
      const least = message.type === "gossip" ? GOSSIP_HEAD_BYTES : bytes.length;
      for (let length = 0; length < least; length += 1) {
        expect(decode(bytes.subarray(0, length))).toBeUndefined();
      }
    }
  });

  test.each<[string, (bytes: Uint8Array) => void]>([
    ["an unknown type", (bytes) => (bytes[0] = 15)],
    ["more runs than a message may hold", (bytes) => bytes.fill(0xff, 1, 3)],
    ["a name that did not stand before", (bytes) => bytes.fill(5, 3, 5)],
    ["a run that begins at 0", (bytes) => bytes.fill(0, 33, 39)],
    ["an empty announcement", (bytes) => bytes.fill(0, 39, 43)],
    ["a run that ends above the largest number", (bytes) => bytes.fill(0xff, 33, 43)],
  ])("refuses %s", (_, damage) => {
    const bytes = encode({ type: "have", runs: runs.slice(0, 1) });
    damage(bytes);
    expect(decode(bytes)).toBeUndefined();
  });

  test("refuses a message numbered 0", () => {
    const bytes = encode({ ...gossip, beside: false });
    bytes.fill(0, 30, 36);
    expect(decode(bytes)).toBeUndefined();
    const unwanted = encode({ type: "unwanted", ...name, seq: 1 });
    unwanted.fill(0, 29);
    expect(decode(unwanted)).toBeUndefined();
  });
});

describe("plain data", () => {
  test.each(messages.map((message, i) => [`${message.type} (${i})`, message] as const))(
    "is accepted as a %s, without fields that are not known",
    (_, message) => {
      expect(parsePlumtreeMessage({ ...message, later: 1 }, isBytes)).toEqual(message);
    },
  );

  const run = runs[0] as Run;
  const have = { type: "have", runs: [run] };
  const digest = { type: "digest", ask: false, more: false, fresh: false, seeking: false };
  test.each<[string, unknown]>([
    ["nothing", undefined],
    ["a list", [gossip]],
    ["an unknown type", { type: "later" }],
    ["a foreign payload", { ...gossip, beside: false, payload: "text" }],
    ["a malformed origin", { ...gossip, beside: false, origin: "me" }],
    ["a malformed boot", { ...gossip, beside: false, boot: 5 }],
    ["number 0", { ...gossip, beside: false, seq: 0 }],
    ["a number that is none", { ...gossip, beside: false, seq: Number.NaN }],
    ["too large a number", { ...gossip, beside: false, seq: 2 ** 48 }],
    ["too many hops", { ...gossip, beside: false, hop: 256 }],
    ["a negative back", { ...gossip, beside: false, back: -1 }],
    ["no beside", gossip],
    ["no runs", { type: "have" }],
    ["an empty run", { type: "have", runs: [{ ...run, hi: run.lo - 1 }] }],
    ["a run that is none", { type: "have", runs: [3] }],
    ["too many runs", { ...have, runs: new Array(limits.runsPerMessageMax + 1).fill(run) }],
    ["a graft that does not say whether it is eager", { ...have, type: "graft" }],
    ["a digest that does not say whether it asks", { ...digest, ask: 1, runs: [] }],
    ["a digest that does not say whether it is fresh", { ...digest, fresh: undefined, runs: [] }],
    ["a digest that does not say whether it seeks", { ...digest, seeking: 0, runs: [] }],
    ["a digest with a run of less than nothing", { ...digest, runs: [{ ...run, lo: 5, hi: 3 }] }],
    ["an unwanted message without a number", { type: "unwanted", ...name }],
  ])("is refused when it is %s", (_, value) => {
    expect(parsePlumtreeMessage(value, isBytes)).toBeUndefined();
  });
});
