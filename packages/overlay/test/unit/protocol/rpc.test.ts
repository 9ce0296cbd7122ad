import { describe, expect, test } from "@jest/globals";
import { PendingRequests } from "../../../src/protocol/rpc.js";
import { hashOf, laneOf } from "../../../src/protocol/subject.js";

const entry = (to: string, deadline: number) => ({ id: 0, to, deadline });

describe("pending requests", () => {
  test("a reply is taken once, and only from the node that was asked", () => {
    const pending = new PendingRequests(10);
    const asked = entry("b", 100);
    pending.add(asked);
    expect(pending.take(asked.id, "c")).toBeUndefined();
    expect(pending.take(asked.id, "b")).toBe(asked);
    expect(pending.take(asked.id, "b")).toBeUndefined();
  });

  test("what is due is taken in the order it was added, the rest stays", () => {
    const pending = new PendingRequests(10);
    const entries = [entry("b", 100), entry("b", 300), entry("b", 50)];
    for (const one of entries) pending.add(one);
    expect(pending.nextDeadline()).toBe(50);
    expect(pending.expire(100)).toEqual([entries[0], entries[2]]);
    expect(pending.nextDeadline()).toBe(300);
    expect(pending.size).toBe(1);
  });

  test("says when it is full, and refuses more as a bug of its caller", () => {
    const pending = new PendingRequests(1);
    pending.add(entry("b", 1));
    expect(pending.isFull).toBe(true);
    expect(() => pending.add(entry("b", 1))).toThrow("isFull");
  });
});

describe("subjects and lanes", () => {
  test("a name's hash is 32-bit FNV-1a", () => {
    expect(hashOf("")).toBe(0x811c9dc5);
    expect(hashOf("a")).toBe(0xe40c292c);
    expect(hashOf("foobar")).toBe(0xbf9cf968);
  });

  test("a key always has the same lane, and messages without a key share lane 0", () => {
    expect(laneOf(undefined, 4)).toBe(0);
    expect(laneOf("ann", 1)).toBe(0);
    const lanes = new Set(Array.from({ length: 200 }, (_, i) => laneOf(`key-${i}`, 4)));
    expect([...lanes].toSorted()).toEqual([0, 1, 2, 3]);
    expect(laneOf("ann", 4)).toBe(laneOf("ann", 4));
  });
});
