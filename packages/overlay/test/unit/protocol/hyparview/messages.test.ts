/** What is taken for a message, and what is not. */
import { describe, expect, test } from "@jest/globals";
import { hyparviewLimits as limits } from "../../../../src/protocol/hyparview/limits.js";
import {
  parseHyParViewMessage,
  type HyParViewMessage,
} from "../../../../src/protocol/hyparview/messages.js";
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

describe("a message", () => {
  test.each(good)("is taken as it is: %j", (message) => {
    expect(parseHyParViewMessage(message)).toEqual(message);
  });

  test.each(good)("is taken without the fields that a later version adds: %j", (message) => {
    expect(parseHyParViewMessage({ ...message, later: true })).toEqual(message);
  });

  const tooMany = ids(limits.idsPerMessageMax + 1);
  const bad: readonly unknown[] = [
    undefined,
    null,
    "join",
    [],
    {},
    { type: "leave" },
    { type: "join" },
    { type: "join", nr: -1 },
    { type: "keep", nr: 0.5 },
    { type: "forward-join", newcomer: "somebody", ttl: 1 },
    { type: "forward-join", newcomer: idOf(1), ttl: limits.walkHopsMax + 1 },
    { type: "neighbor", nr: 1, why: "please" },
    { type: "accept", nr: 1, to: 1, evicted: null },
    { type: "accept", nr: 1, evicted: undefined },
    { type: "refuse", to: 1, alternatives: tooMany },
    { type: "refuse", to: 1, alternatives: ["somebody"] },
    { type: "refuse", to: 1, alternatives: { length: 1 } },
    { ...disconnect, alive: 1 },
    { ...disconnect, seen: undefined },
    { ...disconnect, next: "somebody" },
    { ...disconnect, alternatives: tooMany },
    { type: "shuffle", origin: idOf(1), ttl: 1, ids: [] },
    { type: "shuffle", origin: 1, ttl: 1, open: true, ids: [] },
    { type: "shuffle", origin: idOf(1), ttl: 1, open: true, ids: tooMany },
    { type: "shuffle-reply", origin: idOf(1) },
  ];
  test.each(bad.map((value) => [value]))("is none: %j", (value) => {
    expect(parseHyParViewMessage(value)).toBeUndefined();
  });

  test("with more ids or hops than the limits is none in bytes either", () => {
    const many = { type: "refuse", to: 1, alternatives: tooMany } as const;
    expect(decode(encode(many))).toBeUndefined();
    const far = { type: "forward-join", newcomer: idOf(1), ttl: limits.walkHopsMax + 1 } as const;
    expect(decode(encode(far))).toBeUndefined();
  });

  test("is small: a shuffle of seven ids takes 132 bytes, what is said to a neighbour two", () => {
    expect(sizeOf({ type: "shuffle", origin: idOf(1), ttl: 5, open: true, ids: ids(7) })).toBe(132);
    expect(sizeOf({ type: "keep", nr: 100 })).toBe(2);
  });
});
