/** What is kept and for how long, and what a node does that has nothing to do. */
import { describe, expect, test } from "@jest/globals";
import {
  plumtreeLimits as limits,
  plumtreeTimes as times,
} from "../../../../src/protocol/plumtree/limits.js";
import { bootOf, idOf } from "../../../support/membership-entries.js";
import { b, c, CoreBench, digestOf, gossip, graft, have, origin, run, self } from "./core-bench.js";

const rounds = Math.ceil(times.endedKeepMs / times.digestMs);

describe("at rest", () => {
  test("no timer runs before anything was broadcast", () => {
    const bench = new CoreBench([b, c]);
    expect(bench.timers.size).toBe(0);
  });

  test("all timers end some time after the last broadcast, and nothing is sent any more", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    bench.advance(60_000);
    expect(bench.timers.size).toBe(0);
    expect(bench.receiversOf("digest").length).toBeLessThanOrEqual(4);
    expect(bench.core.report()).toMatchObject({ cachedMessages: 0, cachedBytes: 0 });
    bench.clear();
    bench.advance(1_000_000);
    expect(bench.effects).toEqual([]);
  });

  test("an input that changes nothing gives no effects", () => {
    const bench = new CoreBench([b]);
    expect(bench.core.handle({ type: "neighbor-down", id: c }, 0)).toHaveLength(0);
    expect(bench.core.handle({ type: "timer", timer: "repair" }, 0)).toHaveLength(0);
    expect(bench.core.handle({ type: "timer", timer: "unknown" }, 0)).toHaveLength(0);
    expect(bench.core.handle({ type: "ended", ...origin }, 0)).toHaveLength(0);
    expect(bench.core.handle({ type: "neighbor-up", id: self.id }, 0)).toHaveLength(0);
  });
});

describe("the payload cache", () => {
  test("keeps payloads for thirty seconds", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    bench.advance(times.cacheMs - 1);
    bench.receive(c, graft(false, run(1)));
    expect(bench.receiversOf("gossip")).toEqual([c, c]);
    bench.advance(1);
    bench.receive(b, gossip(2));
    expect(bench.core.report().cachedMessages).toBe(1);
  });

  test("keeps no more bytes than its limit, the oldest go first", () => {
    const bench = new CoreBench([b, c], { limits: { cacheBytesMax: 1_000 } });
    for (let seq = 1; seq <= 20; seq += 1) {
      bench.receive(b, gossip(seq, { payload: "x".repeat(100) }));
    }
    expect(bench.core.report()).toMatchObject({ cachedMessages: 10, cachedBytes: 1_000 });
    bench.clear();
    bench.receive(c, graft(false, run(1, 20)));
    expect(bench.sentTo(c, "gossip").map(({ seq }) => seq)).toEqual([
      11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    ]);
  });

  test("keeps no more messages than its limit, and one that is larger than all of it", () => {
    const bench = new CoreBench([b], { limits: { cacheMessagesMax: 5, cacheBytesMax: 50 } });
    for (let seq = 1; seq <= 20; seq += 1) bench.receive(b, gossip(seq, { payload: "x" }));
    expect(bench.core.report().cachedMessages).toBe(5);
    bench.receive(b, gossip(21, { payload: "x".repeat(80) }));
    expect(bench.core.report()).toMatchObject({ cachedMessages: 1, cachedBytes: 80 });
  });
});

describe("what was heard", () => {
  test("of one source takes the same memory after ten thousand messages as after one", () => {
    const bench = new CoreBench([b], { limits: { cacheMessagesMax: 10 } });
    for (let seq = 1; seq <= 10_000; seq += 1) {
      bench.receive(b, gossip(seq));
      bench.clear();
    }
    expect(bench.core.report()).toMatchObject({ sources: 2, cachedMessages: 10, heldMessages: 0 });
    bench.receive(b, gossip(1), gossip(5_000), gossip(10_000));
    expect(bench.delivered()).toEqual([]);
  });

  test("is forgotten some time after its source ended, not before", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    bench.advance(100_000);
    bench.feed({ type: "ended", ...origin });
    expect(bench.core.report().sources).toBe(2);
    bench.advance(0.8 * times.endedKeepMs - 1);
    bench.receive(b, gossip(1));
    expect(bench.delivered()).toEqual([1]);
    bench.advance(0.4 * times.endedKeepMs + 1);
    expect(bench.core.report().sources).toBe(1);
    expect(bench.timers.size).toBe(0);
  });

  test("is not forgotten by a process that slept through that time: its sockets hold old frames", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    bench.feed({ type: "ended", ...origin });
    bench.pause(rounds * times.digestMs * 10);
    bench.receive(b, gossip(1));
    expect(bench.delivered()).toEqual([1]);
  });

  test("of an older start of a node ends when a newer one is heard", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), gossip(1, { boot: bootOf(8) }), gossip(2));
    expect(bench.delivered()).toEqual([1, 1, 2]);
    expect(bench.core.report().sources).toBe(3);
    bench.advance(2 * times.endedKeepMs);
    expect(bench.core.report().sources).toBe(2);
    bench.receive(b, gossip(1, { boot: bootOf(8) }));
    expect(bench.delivered()).toEqual([1, 1, 2]);
  });

  test("of many starts of one node is kept for the last four", () => {
    const bench = new CoreBench([b]);
    for (let boot = 1; boot <= 10; boot += 1) {
      bench.receive(b, gossip(1, { boot: bootOf(boot) }));
    }
    expect(bench.core.report().sources).toBe(1 + limits.bootsPerOriginMax);
  });

  test("of more sources than the limit is forgotten for the one that was silent longest", () => {
    const bench = new CoreBench([b], { limits: { sourcesMax: 4 } });
    for (let i = 1; i <= 3; i += 1) {
      bench.now += 10;
      bench.receive(b, gossip(1, { origin: idOf(200 + i) }));
    }
    bench.now += 10;
    bench.receive(b, gossip(2, { origin: idOf(201) }));
    bench.receive(b, gossip(1, { origin: idOf(204) }));
    expect(bench.counted("source-evicted")).toBe(1);
    expect(bench.core.report().sources).toBe(4);
    bench.clear();
    bench.receive(b, gossip(2, { origin: idOf(201) }), gossip(1, { origin: idOf(203) }));
    expect(bench.delivered()).toEqual([]);
  });

  test("of this node itself is never forgotten", () => {
    const bench = new CoreBench([b], { limits: { sourcesMax: 2 } });
    bench.feed({ type: "broadcast", payload: "own" });
    bench.feed({ type: "ended", origin: self.id, boot: self.boot });
    for (let i = 1; i <= 5; i += 1) bench.receive(b, gossip(1, { origin: idOf(200 + i) }));
    bench.advance(3 * times.endedKeepMs);
    bench.clear();
    bench.feed({ type: "broadcast", payload: "next" });
    expect(bench.sentTo(b, "gossip")).toMatchObject([{ seq: 2 }]);
  });

  test("of a message that is announced and never sent is nothing", () => {
    const bench = new CoreBench([b]);
    for (let i = 0; i < 50; i += 1) {
      bench.receive(b, { type: "have", runs: [{ ...run(1), origin: idOf(200 + i) }] });
    }
    expect(bench.core.report()).toMatchObject({ sources: 51, offers: 50 });
    bench.advance(10_000);
    expect(bench.core.report()).toMatchObject({ sources: 1, offers: 0 });
  });

  test("of announcements of very many sources at once is bounded", () => {
    const bench = new CoreBench([b], { limits: { repairsMax: 10, sourcesMax: 20 } });
    for (let i = 0; i < 50; i += 1) {
      bench.receive(b, { type: "have", runs: [{ ...run(1), origin: idOf(200 + i) }] });
    }
    expect(bench.core.report()).toMatchObject({ sources: 20, offers: 10 });
    expect(bench.counted("offer-dropped")).toBe(40);
  });
});

describe("a node that has just begun", () => {
  test("takes a source up where its first settled neighbour says it is", () => {
    const bench = new CoreBench([b], { fresh: true });
    bench.receive(b, {
      type: "digest",
      ask: false,
      more: false,
      fresh: false,
      seeking: false,
      runs: [run(10, 9, 0)],
    });
    bench.advance(1_000);
    expect(bench.receiversOf("graft")).toEqual([]);
    bench.receive(b, gossip(9), gossip(10));
    expect(bench.delivered()).toEqual([10]);
  });

  test("asks for what its first neighbours say is meant for it too", () => {
    const bench = new CoreBench([b], { fresh: true });
    bench.receive(b, {
      type: "digest",
      ask: false,
      more: false,
      fresh: true,
      seeking: false,
      runs: [run(3, 4, 0)],
    });
    bench.advance(1_000);
    expect(new Set(bench.receiversOf("graft"))).toEqual(new Set([b]));
    bench.receive(b, gossip(3), gossip(4));
    expect(bench.delivered()).toEqual([3, 4]);
  });

  test("is offered only what was broadcast since it belongs to those who shall hear", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1), gossip(2));
    bench.advance(1_000);
    bench.receive(b, gossip(3));
    bench.feed({ type: "neighbor-up", id: c, since: 500 });
    expect(bench.sentTo(c, "digest")).toMatchObject([{ runs: [{ lo: 3, hi: 3 }] }]);
    bench.feed({ type: "neighbor-up", id: idOf(77), since: 2_000 });
    expect(bench.sentTo(idOf(77), "digest")).toMatchObject([{ runs: [{ lo: 4, hi: 3 }] }]);
  });

  test("is offered what was broadcast before a message that was given up, too", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    bench.advance(1_000);
    bench.receive(b, gossip(2), gossip(4));
    bench.advance(times.gapMs);
    bench.feed({ type: "neighbor-up", id: c, since: 500 });
    expect(bench.sentTo(c, "digest")).toMatchObject([{ runs: [{ lo: 2, hi: 4 }] }]);
  });

  test("does not wait for what it was told of and nobody keeps any more", () => {
    const bench = new CoreBench([b], { fresh: true });
    bench.receive(b, digestOf([run(1, 1, 0)]));
    bench.advance(2 * times.cacheMs);
    expect(bench.receiversOf("graft")).toContain(b);
    bench.receive(b, gossip(2, { back: 0 }));
    expect(bench.delivered()).toEqual([2]);
  });

  test("hears the whole of a digest that comes in parts before it is settled", () => {
    const bench = new CoreBench([b], { fresh: true });
    const part = { type: "digest", ask: false, fresh: false, seeking: false } as const;
    bench.receive(b, { ...part, more: true, runs: [run(10, 9, 0)] });
    bench.receive(b, { ...part, more: false, runs: [{ ...run(7, 6, 0), origin: idOf(50) }] });
    bench.advance(1_000);
    expect(bench.receiversOf("graft")).toEqual([]);
    bench.receive(b, gossip(7, { origin: idOf(50) }));
    expect(bench.delivered()).toEqual([7]);
  });

  test("begins with what was sent lately, if nobody told it where the source is, in order", () => {
    const bench = new CoreBench([b], { fresh: true });
    bench.receive(b, gossip(7, { back: 0 }), gossip(8, { back: 1 }));
    expect(bench.delivered()).toEqual([7, 8]);
    const other = new CoreBench([b], { fresh: true });
    other.receive(b, have(run(7)));
    other.advance(times.graftAfterMs);
    other.receive(b, gossip(8, { back: 1 }), gossip(7, { back: 0 }));
    expect(other.delivered()).toEqual([7, 8]);
  });

  test("asks for what was sent before the first message it hears only when nobody knows better", () => {
    const bench = new CoreBench([b], { fresh: true });
    bench.receive(b, gossip(9, { back: 8 }));
    bench.advance(times.settleMs - 500);
    expect(bench.receiversOf("graft")).toEqual([]);
    bench.advance(1_000);
    expect(bench.receiversOf("graft")).toContain(b);
    const other = new CoreBench([b], { fresh: true });
    other.receive(b, gossip(9, { back: 8 }));
    const settled = {
      type: "digest",
      ask: false,
      more: false,
      fresh: false,
      seeking: false,
    } as const;
    other.receive(b, { ...settled, runs: [run(8, 9, 0)] });
    other.receive(b, gossip(7, { back: 6 }), gossip(8, { back: 7 }));
    expect(other.delivered()).toEqual([8, 9]);
  });

  test("is settled two seconds after its first link, though its neighbours are new as well", () => {
    const bench = new CoreBench([b], { fresh: true });
    bench.receive(b, {
      type: "digest",
      ask: false,
      more: false,
      fresh: true,
      seeking: false,
      runs: [],
    });
    bench.advance(times.settleMs);
    bench.receive(b, gossip(2, { back: 1 }));
    expect(bench.delivered()).toEqual([]);
    bench.receive(b, gossip(1));
    expect(bench.delivered()).toEqual([1, 2]);
  });

  test("is not told where sources are by a neighbour that is new as well", () => {
    const fresh = new CoreBench([], { fresh: true });
    fresh.feed({ type: "neighbor-up", id: b });
    expect(fresh.sentTo(b, "digest")).toMatchObject([{ fresh: true, runs: [] }]);
    const settled = new CoreBench([b]);
    settled.feed({ type: "neighbor-up", id: c });
    expect(settled.sentTo(c, "digest")).toMatchObject([{ fresh: false, runs: [] }]);
  });

  test("and settled, begins a source that is new to it with what was sent lately", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(12, { back: 2 }));
    expect(bench.delivered()).toEqual([]);
    bench.receive(b, gossip(10), gossip(11));
    expect(bench.delivered()).toEqual([10, 11, 12]);
  });
});
