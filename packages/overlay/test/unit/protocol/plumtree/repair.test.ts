/** What does not come by itself: announcements, gaps, digests, and who is asked when. */
import { describe, expect, test } from "@jest/globals";
import {
  plumtreeLimits as limits,
  plumtreeTimes as times,
} from "../../../../src/protocol/plumtree/limits.js";
import {
  b,
  c,
  CoreBench,
  d,
  digestOf,
  e,
  gossip,
  graft,
  have,
  makeLazy,
  origin,
  run,
} from "./core-bench.js";

const asked = (lo: number, hi = lo) => run(lo, hi, 0);

describe("an announced message", () => {
  test("is not asked for at once: its payload may be on its way", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, have(run(2)));
    bench.advance(times.graftAfterMs - 1);
    expect(bench.receiversOf("graft")).toEqual([]);
    bench.advance(1);
    expect(bench.sentTo(c, "graft")).toEqual([graft(true, asked(2))]);
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("is not asked for at all when it comes in time", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, have(run(2)));
    bench.advance(times.graftAfterMs - 1);
    bench.receive(b, gossip(2));
    bench.advance(10 * times.graftAfterMs);
    expect(bench.receiversOf("graft")).toEqual([]);
    expect(bench.core.report().offers).toBe(0);
  });

  test("that is here already costs nothing", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    bench.clear();
    bench.receive(c, have(run(1)));
    expect(bench.effects).toEqual([]);
    expect(bench.core.report().offers).toBe(0);
  });

  test("is asked of another neighbour when the first one does not answer", () => {
    const bench = new CoreBench([b, c, d, e]);
    bench.receive(c, have(run(1)));
    bench.receive(d, have(run(1)));
    bench.advance(times.graftAfterMs);
    expect(bench.receiversOf("graft")).toEqual([c]);
    bench.advance(times.graftRetryMs);
    expect(bench.receiversOf("graft")).toEqual([c, d]);
    bench.receive(d, gossip(1));
    bench.advance(10 * times.graftRetryMs);
    expect(bench.receiversOf("graft")).toEqual([c, d]);
    expect(bench.delivered()).toEqual([1]);
  });

  test("that nobody sends is asked for three times, and a later announcement starts anew", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(c, have(run(1)));
    bench.advance(10_000);
    expect(bench.receiversOf("graft")).toEqual([c, c, c]);
    expect(bench.core.report()).toMatchObject({ offers: 0, sources: 1 });
    bench.clear();
    bench.receive(d, have(run(1)));
    bench.advance(times.graftAfterMs);
    expect(bench.receiversOf("graft")).toEqual([d]);
  });

  test("is asked of who is left when the neighbour that was asked goes", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(c, have(run(1)));
    bench.receive(d, have(run(1)));
    bench.advance(times.graftAfterMs);
    bench.feed({ type: "neighbor-down", id: c });
    bench.advance(0);
    expect(bench.receiversOf("graft")).toEqual([c, d]);
    bench.receive(d, gossip(1));
    bench.advance(10_000);
    expect(bench.receiversOf("graft")).toEqual([c, d]);
    expect(bench.core.report().offers).toBe(0);
  });

  test("is asked for once more where the link ended: it may be back before that was told", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(c, digestOf([asked(1)]));
    bench.feed({ type: "neighbor-down", id: c });
    bench.feed({ type: "neighbor-up", id: c });
    bench.advance(10_000);
    expect(bench.receiversOf("graft")).toEqual([c]);
    expect(bench.core.report().offers).toBe(0);
  });

  test("is asked for at its own time, however many were announced before it", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    for (let seq = 2; seq <= 40; seq += 1) {
      bench.receive(c, have(run(seq)));
      bench.advance(20);
      bench.receive(b, gossip(seq));
    }
    // Each payload came 20 ms after its announcement: none was missing for longer.
    expect(bench.receiversOf("graft")).toEqual([]);
  });

  test("of an absurd range costs no more than the limits say", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(c, have(run(1, 2 ** 48 - 1)));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(c, "graft")).toEqual([graft(true, asked(1, limits.pullMessagesMax))]);
    bench.receive(b, graft(true, asked(1, 2 ** 48 - 1)));
    expect(bench.counted("graft-missed")).toBe(1);
    expect(bench.receiversOf("gossip")).toEqual([]);
  });

  test("is remembered once for each neighbour, up to a limit", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    for (let i = 1; i <= limits.offersMax + 5; i += 1) bench.receive(c, have(run(2 * i + 1)));
    expect(bench.core.report().offers).toBe(limits.offersMax);
    expect(bench.counted("offer-dropped")).toBe(5);
  });
});

describe("answering a graft", () => {
  test("sends what is kept, and says so when something is not", () => {
    const bench = new CoreBench([b, c]);
    for (let seq = 1; seq <= 3; seq += 1) bench.receive(b, gossip(seq));
    bench.clear();
    bench.receive(c, graft(true, asked(2, 5)));
    expect(bench.sentTo(c, "gossip").map(({ seq, hop }) => [seq, hop])).toEqual([
      [2, 4],
      [3, 4],
    ]);
    expect(bench.counted("graft-missed")).toBe(1);
  });

  test("sends a bounded number of messages and bytes, one at least", () => {
    const few = new CoreBench([b], { limits: { pullMessagesMax: 3 } });
    for (let seq = 1; seq <= 9; seq += 1) few.receive(b, gossip(seq));
    few.clear();
    few.receive(c, graft(false, asked(1, 9)));
    expect(few.sentTo(c, "gossip")).toHaveLength(3);

    const small = new CoreBench([b], { limits: { pullBytesMax: 1 } });
    for (let seq = 1; seq <= 9; seq += 1) small.receive(b, gossip(seq));
    small.clear();
    small.receive(c, graft(false, asked(1, 9)));
    expect(small.sentTo(c, "gossip")).toHaveLength(1);
  });
});

describe("a gap", () => {
  test("is waited for: messages are handed on in the order they were sent", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1), gossip(3), gossip(4));
    expect(bench.delivered()).toEqual([1]);
    expect(bench.sentTo(c, "gossip").map(({ seq }) => seq)).toEqual([1, 3, 4]);
    bench.receive(b, gossip(2));
    expect(bench.delivered()).toEqual([1, 2, 3, 4]);
    expect(bench.core.report()).toMatchObject({ heldMessages: 0, heldBytes: 0 });
  });

  test("is asked for from whoever sent what came after it", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1), gossip(4));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(b, "graft")).toEqual([graft(false, asked(2, 3))]);
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("ends after two seconds: what is missing is given up and counted, and never comes late", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1), gossip(4));
    bench.advance(times.gapMs - 1);
    expect(bench.delivered()).toEqual([1]);
    bench.advance(1);
    expect(bench.delivered()).toEqual([1, 4]);
    expect(bench.counted("skipped")).toBe(2);
    bench.receive(c, gossip(3));
    expect(bench.delivered()).toEqual([1, 4]);
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("that makes progress is waited for again", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), gossip(5));
    bench.advance(times.gapMs - 1);
    bench.receive(b, gossip(2));
    bench.advance(times.gapMs - 1);
    expect(bench.delivered()).toEqual([1, 2]);
    bench.receive(b, gossip(3), gossip(4));
    expect(bench.delivered()).toEqual([1, 2, 3, 4, 5]);
    expect(bench.counted("skipped")).toBe(0);
  });

  test("is not given up because the process was paused: what came may be unread", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), gossip(3));
    bench.pause(5_000);
    expect(bench.delivered()).toEqual([1]);
    bench.receive(b, gossip(2));
    expect(bench.delivered()).toEqual([1, 2, 3]);
  });

  test("lets a bounded number wait; further ones are fetched when it is closed", () => {
    const bench = new CoreBench([b], { limits: { gapMessagesMax: 3 } });
    bench.receive(b, gossip(1), ...[3, 4, 5, 6, 7].map((seq) => gossip(seq)));
    expect(bench.core.report().heldMessages).toBe(3);
    expect(bench.counted("gap-full")).toBe(2);
    bench.receive(b, gossip(2));
    expect(bench.delivered()).toEqual([1, 2, 3, 4, 5]);
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(b, "graft")).toEqual([graft(false, asked(6, 7))]);
    bench.receive(b, gossip(6), gossip(7));
    expect(bench.delivered()).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test("lets a bounded number of bytes wait, of all sources together", () => {
    const payload = "x".repeat(100);
    const bench = new CoreBench([b], { limits: { gapBytesMax: 250 } });
    for (const seq of [1, 3, 4, 5]) bench.receive(b, gossip(seq, { payload }));
    expect(bench.core.report()).toMatchObject({ heldMessages: 2, heldBytes: 200 });
  });
});

describe("a digest", () => {
  test("goes to every new neighbour, and to it alone", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), gossip(2), gossip(4));
    bench.clear();
    bench.feed({ type: "neighbor-up", id: c });
    expect(bench.receiversOf("digest")).toEqual([c]);
    expect(bench.sentTo(c, "digest")).toEqual([digestOf([asked(1, 2), asked(4)])]);
    bench.feed({ type: "neighbor-up", id: c });
    expect(bench.receiversOf("digest")).toEqual([c]);
  });

  test("is pulled from without changing the tree: that something is missing says nothing of it", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, digestOf([asked(1, 3)]));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(c, "graft")).toEqual([graft(false, asked(2, 3))]);
    bench.receive(c, gossip(2, { beside: true }), gossip(3, { beside: true }));
    expect(bench.delivered()).toEqual([2, 3]);
    expect(bench.sentTo(b, "gossip")).toMatchObject([{ beside: true }, { beside: true }]);
    expect(bench.core.lazy).toEqual([c]);
  });

  test("of a source never heard of brings all that can still be had", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, digestOf([asked(5, 6)]));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(b, "graft")).toEqual([graft(false, asked(5, 6))]);
    bench.receive(b, gossip(5, { back: 0 }), gossip(6, { back: 1 }));
    expect(bench.delivered()).toEqual([5, 6]);
  });

  test("of a thousand messages is pulled window by window, without waiting in between", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), digestOf([asked(1, 1_001)]));
    bench.advance(times.graftAfterMs);
    for (let seq = 2; seq <= 1_001; seq += 1) bench.receive(b, gossip(seq, { beside: true }));
    expect(bench.delivered()).toHaveLength(1_001);
    const windows = bench.sentTo(b, "graft").map(({ runs }) => runs[0]?.lo);
    expect(windows).toEqual([2, 258, 514, 770]);
    bench.advance(1_000);
    expect(bench.core.report().offers).toBe(0);
  });

  test("goes to one neighbour every ten seconds while anything is cached, and asks for more", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    bench.advance(12_000);
    const [to] = bench.receiversOf("digest");
    expect(bench.receiversOf("digest")).toHaveLength(1);
    expect(bench.sentTo(to ?? b, "digest")).toEqual([digestOf([asked(1)], { ask: true })]);
  });

  test("that asks is answered with what is here beyond it", () => {
    const bench = new CoreBench([b, c]);
    for (let seq = 1; seq <= 5; seq += 1) bench.receive(b, gossip(seq));
    bench.clear();
    bench.receive(c, digestOf([asked(1, 3)], { ask: true }));
    expect(bench.sentTo(c, "digest")).toEqual([digestOf([asked(4, 5)])]);
    bench.clear();
    bench.receive(c, digestOf([asked(1, 5)], { ask: true }));
    expect(bench.effects).toEqual([]);
  });

  test("of many sources is cut into messages, and a periodic one shows a bounded part", () => {
    const bench = new CoreBench([b], { limits: { runsPerMessageMax: 4, digestRunsMax: 3 } });
    for (let i = 1; i <= 10; i += 1) {
      bench.receive(b, gossip(1, { origin: numbered(i) }));
    }
    bench.feed({ type: "neighbor-up", id: c });
    const parts = bench.sentTo(c, "digest");
    expect(parts.map(({ runs, more }) => [runs.length, more])).toEqual([
      [4, true],
      [4, true],
      [2, false],
    ]);
    bench.clear();
    bench.advance(12_000);
    const periodic = [...bench.sentTo(b, "digest"), ...bench.sentTo(c, "digest")];
    expect(periodic.map(({ runs }) => runs.length)).toEqual([3]);
  });
});

const numbered = (i: number) => {
  const id = origin.origin;
  return `${id.slice(0, 30)}${(16 + i).toString(16)}` as typeof id;
};
