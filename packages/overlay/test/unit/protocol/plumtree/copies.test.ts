/** Broadcasts that their origin sends to each member itself, beside those that come along the tree. */
import { describe, expect, test } from "@jest/globals";
import {
  decodeCopy,
  encodeCopy,
  Floors,
  isCopy,
  type WireCopy,
} from "../../../../src/protocol/plumtree/copies.js";
import { plumtreeTimes as times } from "../../../../src/protocol/plumtree/limits.js";
import { b, c, CoreBench, gossip, origin, run, self } from "./core-bench.js";

const copy = (seq: number, change: { back?: number; isFloor?: boolean } = {}) =>
  ({
    type: "copy",
    ...origin,
    seq,
    back: seq - 1,
    isFloor: false,
    payload: `payload ${seq}`,
    ...change,
  }) as const;

describe("the order of an origin", () => {
  test("holds when its copies and its messages of the tree overtake each other", () => {
    const bench = new CoreBench([b, c]);
    bench.feed(copy(1));
    bench.receive(b, gossip(4), gossip(3));
    expect(bench.delivered()).toEqual([1]);
    bench.feed(copy(2));
    expect(bench.delivered()).toEqual([1, 2, 3, 4]);
    bench.feed(copy(6));
    bench.receive(b, gossip(5));
    expect(bench.delivered()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("has each message once, whichever way it comes again", () => {
    const bench = new CoreBench([b]);
    bench.feed(copy(1));
    bench.receive(b, gossip(1), gossip(2));
    bench.feed(copy(2));
    bench.feed(copy(2));
    expect(bench.delivered()).toEqual([1, 2]);
    expect(bench.counted("duplicate")).toBe(3);
  });

  test("does not wait for what was not for this node, and delivers what is here of it", () => {
    const bench = new CoreBench([b]);
    bench.feed(copy(1));
    bench.receive(b, gossip(3));
    bench.feed(copy(6, { back: 1, isFloor: true }));
    expect(bench.delivered()).toEqual([1, 3]);
    bench.feed(copy(5));
    expect(bench.delivered()).toEqual([1, 3, 5, 6]);
    const newcomer = new CoreBench([b], { fresh: true });
    newcomer.feed(copy(9, { back: 0, isFloor: true }));
    expect(newcomer.delivered()).toEqual([9]);
  });
});

describe("a copy", () => {
  test("is neither sent on nor kept when it comes in its turn", () => {
    const bench = new CoreBench([b, c]);
    bench.feed(copy(1));
    expect(bench.effects.filter(({ type }) => type !== "deliver")).toEqual([]);
    expect(bench.core.report().cachedMessages).toBe(0);
  });

  test("of this node gets the next number and is kept, for those that ask, but sent to nobody", () => {
    const bench = new CoreBench([b, c]);
    bench.feed({ type: "broadcast", payload: "tree" });
    bench.clear();
    bench.feed({ type: "broadcast", payload: "each", isCopied: true });
    expect(bench.core.sent).toBe(2);
    expect(bench.receiversOf("gossip")).toEqual([]);
    expect(bench.core.lately).toBe(2);
  });

  test("that is missing is asked of its origin when no neighbour has it", () => {
    const bench = new CoreBench([b]);
    bench.feed(copy(1));
    bench.receive(b, gossip(3));
    bench.advance(5_000);
    const asked = bench.receiversOf("graft");
    expect(asked.indexOf(b)).toBe(0);
    expect(asked).toContain(origin.origin);
    bench.receive(origin.origin, gossip(2, { beside: true }));
    expect(bench.delivered()).toEqual([1, 2, 3]);
  });
});

describe("the wait for a missing message", () => {
  const gapped = () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), gossip(4));
    return bench;
  };

  test("ends when its origin, asked, says that it does not keep it", () => {
    const bench = gapped();
    const kept = {
      type: "digest",
      ask: false,
      more: false,
      fresh: true,
      seeking: false,
      runs: [run(4, 4, 0)],
    } as const;
    bench.receive(origin.origin, kept);
    // It has not been asked yet: this may be older than what is on its way.
    expect(bench.delivered()).toEqual([1]);
    bench.advance(5_000);
    bench.receive(origin.origin, kept);
    expect(bench.delivered()).toEqual([1, 4]);
    expect(bench.counted("skipped")).toBe(2);
  });

  test("is short when its origin has ended, and long when it has not", () => {
    const bench = gapped();
    bench.advance(times.gapMs - 1_000);
    expect(bench.delivered()).toEqual([1]);
    const other = gapped();
    other.feed({ type: "ended", ...origin });
    other.advance(times.endedGapMs);
    expect(other.delivered()).toEqual([1, 4]);
  });

  test("is not asked of this node where its origin was an earlier start of it", () => {
    const bench = new CoreBench([b]);
    const earlier = { origin: self.id, boot: origin.boot };
    bench.receive(b, { ...gossip(1), ...earlier }, { ...gossip(4), ...earlier });
    bench.advance(times.gapMs);
    expect(bench.sentTo(b, "graft").length).toBeGreaterThan(0);
    expect(bench.sentTo(self.id, "graft")).toEqual([]);
    expect(bench.delivered()).toEqual([1, 4]);
  });

  test("is answered by the origin itself with what it keeps", () => {
    const bench = new CoreBench([b], { times: { cacheMs: 1_000 } });
    bench.feed({ type: "broadcast", payload: "old", isCopied: true });
    bench.advance(2_000);
    bench.feed({ type: "broadcast", payload: "new", isCopied: true });
    bench.clear();
    const asked = { origin: self.id, boot: self.boot, lo: 1, hi: 1, hop: 0 };
    bench.receive(b, { type: "graft", eager: false, runs: [asked] });
    expect(bench.sentTo(b, "digest")).toMatchObject([{ runs: [{ lo: 2, hi: 2 }] }]);
  });
});

describe("on the wire", () => {
  test("a copy comes back as it was, and nothing else is one", () => {
    const sent: WireCopy = {
      seq: 2 ** 40 + 5,
      back: 7,
      isFloor: true,
      isLatest: false,
      payload: Uint8Array.of(1, 2, 3),
    };
    const bytes = encodeCopy(sent);
    expect(isCopy(bytes)).toBe(true);
    expect(decodeCopy(bytes)).toEqual(sent);
    for (let length = 0; length < 11; length += 1) {
      expect(decodeCopy(bytes.subarray(0, length))).toBeUndefined();
    }
    expect(decodeCopy(encodeCopy({ ...sent, seq: 0 }))).toBeUndefined();
    expect(decodeCopy(encodeCopy({ ...sent, seq: 0, isLatest: true }))).toMatchObject({ seq: 0 });
    expect(isCopy(Uint8Array.of(1))).toBe(false);
  });

  test("a floor is told once", () => {
    const floors = new Floors();
    floors.set(b, 1);
    expect(floors.get(b)).toBeUndefined();
    floors.set(b, 5);
    expect(floors.get(b)).toBe(5);
    floors.told(b);
    expect(floors.get(b)).toBeUndefined();
  });
});
