import { describe, expect, test } from "@jest/globals";
import type { NodeId, PeerSet } from "@foundation/core";
import { discoveryLimits } from "../../../src/limits.js";
import { PeerUnion, type PeerUnionEffect } from "../../../src/protocol/peer-union.js";

const set = (source: string, ...addresses: string[]): { type: "set"; set: PeerSet } => ({
  type: "set",
  set: { source, peers: addresses.map((address) => ({ address })) },
});
const peersIn = (effects: readonly PeerUnionEffect[]) =>
  effects.find((effect) => effect.type === "peers")?.peers.map(({ address }) => address);
const { forgetAfterMs } = discoveryLimits;

describe("the union of peers", () => {
  test("offers what all strategies found, sorted and once", () => {
    const union = new PeerUnion();
    expect(peersIn(union.handle(set("a", "ws://b:1", "ws://a:1"), 0))).toEqual([
      "ws://a:1",
      "ws://b:1",
    ]);
    expect(peersIn(union.handle(set("b", "ws://b:1", "ws://c:1"), 0))).toEqual([
      "ws://a:1",
      "ws://b:1",
      "ws://c:1",
    ]);
  });

  test("says nothing when nothing changed", () => {
    const union = new PeerUnion();
    union.handle(set("a", "ws://a:1"), 0);
    expect(union.handle(set("a", "ws://a:1"), 5)).toEqual([]);
  });

  test("the tick at the time it asked for forgets, whatever fractions the clock has", () => {
    for (let i = 1; i < 1_000; i += 1) {
      const missingSinceMs = 59_681.569 + i / 7;
      const union = new PeerUnion();
      union.handle(set("a", "ws://a:1"), 0);
      const [timer] = union.handle(set("a"), missingSinceMs);
      const atMs = timer?.type === "timer" ? timer.atMs : 0;
      expect(union.handle({ type: "tick" }, atMs)).toEqual([{ type: "peers", peers: [] }]);
    }
  });

  test("an empty set takes nobody away at once, and asks for the time to forget", () => {
    const union = new PeerUnion();
    union.handle(set("a", "ws://a:1"), 0);
    expect(union.handle(set("a"), 100)).toEqual([{ type: "timer", atMs: 100 + forgetAfterMs }]);
    expect(union.peers).toHaveLength(1);
  });

  test("a peer missing long enough is forgotten, and the time of its first absence counts", () => {
    const union = new PeerUnion();
    union.handle(set("a", "ws://a:1"), 0);
    union.handle(set("a"), 100);
    union.handle(set("a"), 200);
    expect(union.handle({ type: "tick" }, 99 + forgetAfterMs)).toEqual([
      { type: "timer", atMs: 100 + forgetAfterMs },
    ]);
    expect(peersIn(union.handle({ type: "tick" }, 100 + forgetAfterMs))).toEqual([]);
  });

  test("a peer that comes back in time was never away", () => {
    const union = new PeerUnion();
    union.handle(set("a", "ws://a:1"), 0);
    union.handle(set("a"), 100);
    expect(union.handle(set("a", "ws://a:1"), 200)).toEqual([]);
    expect(union.handle({ type: "tick" }, 10 * forgetAfterMs)).toEqual([]);
    expect(union.peers).toHaveLength(1);
  });

  test("a peer that one strategy forgets stays while another one names it", () => {
    const union = new PeerUnion();
    union.handle(set("a", "ws://a:1"), 0);
    union.handle(set("b", "ws://a:1"), 0);
    union.handle(set("a"), 0);
    union.handle({ type: "tick" }, 2 * forgetAfterMs);
    expect(union.peers).toHaveLength(1);
  });

  test("an id is kept when only one of the strategies knows it", () => {
    const id = "b".repeat(32) as NodeId;
    const union = new PeerUnion();
    union.handle(set("a", "ws://a:1"), 0);
    union.handle({ type: "set", set: { source: "b", peers: [{ address: "ws://a:1", id }] } }, 0);
    union.handle({ type: "set", set: { source: "c", peers: [{ address: "ws://a:1" }] } }, 0);
    expect(union.peers).toEqual([{ address: "ws://a:1", id }]);
  });

  test("a flood of peers is cut at the limit", () => {
    const union = new PeerUnion();
    const flood = Array.from({ length: discoveryLimits.peersMax + 10 }, (_, i) => `ws://a:${i}`);
    union.handle(set("a", ...flood), 0);
    expect(union.peers).toHaveLength(discoveryLimits.peersMax);
  });
});
