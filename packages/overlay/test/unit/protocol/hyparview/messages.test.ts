/** What is taken for a message, and what is not. */
import { describe, expect, test } from "@jest/globals";
import { hyparviewLimits as limits } from "../../../../src/protocol/hyparview/limits.js";
import type { HyParViewMessage } from "../../../../src/protocol/hyparview/messages.js";
import { decode, encode, sizeOf } from "../../../../src/protocol/hyparview/wire.js";
import { idOf } from "../../../support/membership-entries.js";

const ids = (count: number) => Array.from({ length: count }, (_, index) => idOf(index));

const disconnect: HyParViewMessage = {
  type: "disconnect",
  alive: true,
  seen: 3,
  next: undefined,
  alternatives: [],
};
const good: readonly HyParViewMessage[] = [
  { type: "join", nr: 1 },
  { type: "forward-join", newcomer: idOf(1), ttl: limits.walkHopsMax },
  { type: "neighbor", nr: 1, why: "high" },
  { type: "accept", nr: 1, to: 2, evicted: idOf(3) },
  { type: "refuse", to: 2, alternatives: ids(limits.idsPerMessageMax) },
  disconnect,
  { type: "keep", nr: 0 },
  { type: "shuffle", origin: idOf(1), ttl: 0, open: true, ids: ids(7) },
  { type: "shuffle-reply", origin: idOf(1), ids: [] },
];

/** The bytes of a message, one of which is another. */
function changed(message: HyParViewMessage, at: number, byte: number): Uint8Array {
  const bytes = encode(message);
  bytes[at] = byte;
  return bytes;
}

describe("a message", () => {
  test.each(good)("is taken as it is: %j", (message) => {
    expect(decode(encode(message))).toEqual(message);
  });

  test.each(good)("is taken without the fields that a later version adds: %j", (message) => {
    expect(decode(new Uint8Array([...encode(message), 1, 2, 3]))).toEqual(message);
  });

  const tooMany = ids(limits.idsPerMessageMax + 1);
  const far = { type: "forward-join", newcomer: idOf(1), ttl: limits.walkHopsMax + 1 } as const;
  const bad: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", new Uint8Array()],
    ["an unknown type", Uint8Array.of(9, 1)],
    ["a number that is missing", Uint8Array.of(0)],
    ["a number without an end", new Uint8Array(12).fill(0x80, 1)],
    ["a number beyond the safe ones", Uint8Array.of(0, ...new Array(7).fill(0xff), 0x7f)],
    ["an unknown reason", changed({ type: "neighbor", nr: 1, why: "high" }, 1, 4)],
    ["a flag that is neither yes nor no", changed(disconnect, 1, 2)],
    ["an id that is neither there nor not", changed(disconnect, 3, 2)],
    ["more hops than the limit", encode(far)],
    ["more ids than the limit", encode({ type: "refuse", to: 1, alternatives: tooMany })],
    ["more alternatives than the limit", encode({ ...disconnect, alternatives: tooMany })],
    [
      "fewer ids than it says",
      encode({ type: "refuse", to: 1, alternatives: ids(2) }).slice(0, -1),
    ],
    ["half an id", encode({ type: "shuffle-reply", origin: idOf(1), ids: [] }).slice(0, 9)],
  ];
  test.each(bad)("is none with %s", (_, bytes) => {
    expect(decode(bytes)).toBeUndefined();
  });

  test("is small: a shuffle of seven ids takes 132 bytes, what is said to a neighbour two", () => {
    expect(sizeOf({ type: "shuffle", origin: idOf(1), ttl: 5, open: true, ids: ids(7) })).toBe(132);
    expect(sizeOf({ type: "keep", nr: 100 })).toBe(2);
  });
});
