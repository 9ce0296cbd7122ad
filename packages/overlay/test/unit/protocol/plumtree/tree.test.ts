/** Which links carry payloads: building the tree, keeping it symmetric, not letting it flap. */
import { describe, expect, test } from "@jest/globals";
import { plumtreeTimes as times } from "../../../../src/protocol/plumtree/limits.js";
import { idOf } from "../../../support/membership-entries.js";
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
  run,
  self,
} from "./core-bench.js";

describe("a new message", () => {
  test("is delivered once and goes on to every other eager neighbour with one hop more", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(b, gossip(1));
    expect(bench.delivered()).toEqual([1]);
    expect(bench.receiversOf("gossip")).toEqual([c, d]);
    expect(bench.sentTo(c, "gossip")).toEqual([gossip(1, { hop: 4 })]);
    bench.receive(c, gossip(1));
    expect(bench.delivered()).toEqual([1]);
  });

  test("of this node is sent to all and not delivered to itself", () => {
    const bench = new CoreBench([b, c]);
    bench.feed({ type: "broadcast", payload: "one" });
    bench.feed({ type: "broadcast", payload: "two" });
    expect(bench.receiversOf("gossip")).toEqual([b, c, b, c]);
    expect(bench.sentTo(b, "gossip")).toMatchObject([
      { origin: self.id, boot: self.boot, seq: 1, hop: 1, back: 0, payload: "one" },
      { seq: 2, hop: 1, back: 1, payload: "two" },
    ]);
    expect(bench.delivered()).toEqual([]);
  });

  test("shares one object among all copies, so that it is encoded once", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(b, gossip(1));
    expect(bench.sentTo(c, "gossip")[0]).toBe(bench.sentTo(d, "gossip")[0]);
  });

  test("counts its hops up to 255 and travels on", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1, { hop: 255 }));
    expect(bench.sentTo(c, "gossip")).toMatchObject([{ hop: 255 }]);
  });
});

describe("pruning", () => {
  test("a second copy makes its link lazy on both sides", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(b, gossip(1));
    bench.clear();
    bench.receive(c, gossip(1));
    expect(bench.sentTo(c, "prune")).toHaveLength(1);
    expect(bench.core.eager).toEqual([b, d]);
    expect(bench.core.lazy).toEqual([c]);
    expect(bench.counted("duplicate")).toBe(1);

    const other = new CoreBench([b, c]);
    other.receive(b, { type: "prune" });
    expect(other.core.lazy).toEqual([b]);
    expect(other.receiversOf("prune")).toEqual([]);
  });

  test("a copy repeated on the link the first one came on prunes nothing", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1), gossip(1), gossip(1));
    expect(bench.core.eager).toEqual([b, c]);
    expect(bench.receiversOf("prune")).toEqual([]);
  });

  test("a copy so late that the first is forgotten prunes nothing", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    bench.advance(2 * times.cacheMs);
    bench.receive(c, gossip(1));
    expect(bench.core.eager).toEqual([b, c]);
    expect(bench.delivered()).toEqual([1]);
  });

  test("an own message that comes back prunes the link it came on", () => {
    const bench = new CoreBench([b, c]);
    bench.feed({ type: "broadcast", payload: "own" });
    bench.receive(c, gossip(1, { origin: self.id, boot: self.boot, payload: "own" }));
    expect(bench.core.lazy).toEqual([c]);
    expect(bench.delivered()).toEqual([]);
  });

  test("tells who is no neighbour here that its payloads come twice", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    bench.receive(e, gossip(1));
    expect(bench.receiversOf("prune")).toEqual([e]);
  });
});

describe("the eager relation stays symmetric", () => {
  test("a payload from a neighbour that is lazy here, if new, makes the link eager here too", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, gossip(2));
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("a payload from a neighbour that is lazy here, if a duplicate, prunes it there again", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.advance(times.pruneRepeatMs);
    bench.receive(b, gossip(2));
    bench.receive(c, gossip(2));
    expect(bench.receiversOf("prune")).toEqual([c]);
    expect(bench.core.lazy).toEqual([c]);
  });

  test("what was on its way when a link was pruned causes no further prunes", () => {
    const bench = new CoreBench([b, c]);
    for (let seq = 1; seq <= 10; seq += 1) bench.receive(b, gossip(seq));
    for (let seq = 1; seq <= 10; seq += 1) bench.receive(c, gossip(seq));
    expect(bench.receiversOf("prune")).toEqual([c]);
  });

  test("a graft makes the link eager on both sides", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, graft(true));
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("a graft that only pulls leaves the link as it is, and so do the payloads it brings", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, graft(false, run(1)));
    expect(bench.sentTo(c, "gossip")).toMatchObject([{ seq: 1, beside: true }]);
    expect(bench.core.lazy).toEqual([c]);
    bench.receive(c, gossip(2, { beside: true }));
    expect(bench.delivered()).toEqual([2]);
    expect(bench.core.lazy).toEqual([c]);
    bench.receive(b, gossip(2));
    expect(bench.core.eager).toEqual([b]);
  });
});

describe("a new link", () => {
  const joins = (bench: CoreBench) => {
    bench.clear();
    bench.feed({ type: "neighbor-up", id: e });
    return bench.sentTo(e, "digest");
  };

  test("carries payloads where none have come along the tree yet, and says so", () => {
    const bench = new CoreBench([b]);
    expect(joins(bench)).toEqual([digestOf([], { seeking: true })]);
    expect(bench.core.eager).toEqual([b, e]);
  });

  test("carries announcements where payloads come along the tree: it would bring a second copy", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    expect(joins(bench)).toMatchObject([{ seeking: false }]);
    expect(bench.core.lazy).toEqual([e]);
  });

  test("carries payloads both ways when one of its ends seeks, after what waits to be announced", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    bench.advance(times.announceMs);
    joins(bench);
    bench.receive(b, gossip(2));
    bench.receive(e, digestOf([], { seeking: true }));
    expect(bench.sentTo(e, "have")).toMatchObject([{ runs: [{ lo: 2, hi: 2 }] }]);
    expect(bench.core.eager).toEqual([b, e]);
  });

  test("carries payloads for who said that it seeks before it was a neighbour here", () => {
    const bench = new CoreBench([b]);
    bench.receive(b, gossip(1));
    bench.receive(e, digestOf([], { seeking: true }));
    expect(joins(bench)).toMatchObject([{ seeking: false }]);
    expect(bench.core.eager).toEqual([b, e]);
    bench.feed({ type: "neighbor-down", id: e });
    joins(bench);
    expect(bench.core.lazy).toEqual([e]);
  });

  test("carries payloads again where those that payloads came from are gone", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    bench.feed({ type: "neighbor-down", id: c });
    expect(joins(bench)).toMatchObject([{ seeking: false }]);
    bench.feed({ type: "neighbor-down", id: e });
    bench.feed({ type: "neighbor-down", id: b });
    expect(joins(bench)).toMatchObject([{ seeking: true }]);
    expect(bench.core.eager).toEqual([e]);
  });
});

describe("the end of a link that payloads came from", () => {
  test("is made good at once by a lazy neighbour as near to their origin, the nearest one", () => {
    const bench = new CoreBench([b, c, d, e]);
    bench.receive(b, gossip(1, { hop: 3 }));
    bench.receive(c, gossip(1, { hop: 4 }));
    bench.receive(d, gossip(1, { hop: 3 }));
    bench.clear();
    bench.feed({ type: "neighbor-down", id: b });
    expect(bench.receiversOf("graft")).toEqual([d]);
    expect(bench.sentTo(d, "graft")).toEqual([graft(true)]);
    expect(bench.core.eager).toEqual([d, e]);
  });

  test("and again, when that neighbour is gone before it sent anything", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(b, gossip(1));
    bench.receive(c, gossip(1));
    bench.receive(d, gossip(1, { hop: 4 }));
    bench.feed({ type: "neighbor-down", id: b });
    bench.feed({ type: "neighbor-down", id: c });
    expect(bench.receiversOf("graft")).toEqual([c, d]);
  });

  test("is not made good by who is farther off: it may have payloads from this node alone", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1, { hop: 3 }));
    bench.receive(c, { type: "prune" });
    bench.receive(c, have(run(1, 1, 5)));
    bench.feed({ type: "neighbor-down", id: b });
    expect(bench.receiversOf("graft")).toEqual([]);
    expect(bench.core.lazy).toEqual([c]);
  });

  test("says nothing of the tree when none have come from it for as long as others are kept", () => {
    const bench = new CoreBench([b, c, d]);
    makeLazy(bench, d, b, 1);
    bench.receive(c, gossip(1, { origin: e }));
    bench.advance(times.cacheMs + 1);
    bench.receive(c, gossip(2, { origin: e }));
    bench.clear();
    bench.feed({ type: "neighbor-down", id: b });
    expect(bench.receiversOf("graft")).toEqual([]);
    bench.feed({ type: "neighbor-up", id: b });
    expect(bench.sentTo(b, "digest")).toMatchObject([{ seeking: false }]);
  });
});

describe("prune backoff", () => {
  /** Grafts c for message `seq`, then the eager copy comes after all, and c's one too late. */
  const flap = (bench: CoreBench, seq: number): void => {
    bench.receive(c, have(run(seq)));
    bench.advance(times.graftAfterMs);
    bench.receive(b, gossip(seq));
    bench.receive(c, gossip(seq));
  };

  test("a link that is pruned right after it was grafted is only pulled from for a while", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    flap(bench, 2);
    expect(bench.sentTo(c, "graft")).toMatchObject([{ eager: true }]);
    expect(bench.core.lazy).toEqual([c]);
    bench.clear();
    bench.receive(c, have(run(3)));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(c, "graft")).toEqual([graft(false, run(3, 3, 0))]);
    expect(bench.core.lazy).toEqual([c]);
  });

  test("ends: then the link may be grafted again", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    flap(bench, 2);
    bench.advance(times.pruneBackoffMs);
    bench.clear();
    bench.receive(c, have(run(3)));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(c, "graft")).toMatchObject([{ eager: true }]);
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("does not hold back the repair of a tree that was pruned as it was built", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, have(run(2)));
    bench.advance(times.graftAfterMs);
    expect(bench.sentTo(c, "graft")).toMatchObject([{ eager: true }]);
  });
});

describe("optimization", () => {
  test("a lazy path shorter by the threshold takes the place of the eager one", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(b, gossip(2, { hop: 7 }));
    bench.receive(c, have(run(2, 2, 3)));
    expect(bench.sentTo(c, "graft")).toEqual([graft(true)]);
    expect(bench.sentTo(b, "prune")).toHaveLength(1);
    expect(bench.core.eager).toEqual([c]);
    expect(bench.counted("optimization")).toBe(1);
  });

  test("also when the announcement came before the payload", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, have(run(2, 2, 3)));
    bench.receive(b, gossip(2, { hop: 7 }));
    expect(bench.core.eager).toEqual([c]);
  });

  test("a path no shorter leaves the tree as it is", () => {
    const bench = new CoreBench([b, c]);
    makeLazy(bench, c, b, 1);
    bench.receive(b, gossip(2, { hop: 7 }));
    bench.receive(c, have(run(2, 2, 7)));
    expect(bench.core.eager).toEqual([b]);
    expect(bench.receiversOf("graft")).toEqual([]);
  });

  test("happens once in a while only, so that two paths do not take turns", () => {
    const bench = new CoreBench([b, c, d]);
    makeLazy(bench, c, b, 1);
    bench.receive(d, { type: "prune" });
    bench.receive(b, gossip(2, { hop: 9 }));
    bench.receive(c, have(run(2, 2, 5)));
    bench.receive(c, gossip(3, { hop: 9 }));
    bench.receive(d, have(run(3, 3, 1)));
    expect(bench.core.eager).toEqual([c]);
    bench.advance(times.pruneBackoffMs);
    bench.receive(c, gossip(4, { hop: 9 }));
    bench.receive(d, have(run(4, 4, 1)));
    expect(bench.core.eager).toEqual([d]);
  });
});

describe("publishing to all neighbours", () => {
  const lazyThere = (options: { floodPublish?: boolean }, neighbors = [b, c]): CoreBench => {
    const bench = new CoreBench(neighbors, options);
    bench.receive(c, { type: "prune" });
    bench.clear();
    bench.feed({ type: "broadcast", payload: "own" });
    return bench;
  };

  test("is off unless it is asked for: lazy neighbours get an announcement", () => {
    const bench = lazyThere({});
    expect(bench.receiversOf("gossip")).toEqual([b]);
    bench.advance(times.announceMs);
    expect(bench.receiversOf("have")).toEqual([c]);
  });

  test("sends own messages to lazy neighbours beside the tree, and announces nothing", () => {
    const bench = lazyThere({ floodPublish: true });
    bench.advance(times.announceMs);
    expect(bench.sentTo(b, "gossip")).toMatchObject([{ beside: false }]);
    expect(bench.sentTo(c, "gossip")).toMatchObject([{ beside: true }]);
    expect(bench.receiversOf("have")).toEqual([]);
    expect(bench.core.lazy).toEqual([c]);
  });

  test("ends where a node has more than 30 neighbours", () => {
    const many = Array.from({ length: 31 }, (_, i) => idOf(i + 2));
    const bench = lazyThere({ floodPublish: true }, many);
    expect(bench.receiversOf("gossip")).toHaveLength(30);
  });

  test("changes no tree: its copies, and those of them, neither prune nor graft", () => {
    const bench = new CoreBench([b, c, d]);
    makeLazy(bench, c, b, 1);
    bench.receive(c, gossip(2, { beside: true }));
    expect(bench.sentTo(b, "gossip")).toMatchObject([{ beside: true }]);
    bench.receive(b, gossip(2));
    bench.receive(d, gossip(2));
    expect(bench.core.eager).toEqual([b, d]);
    expect(bench.receiversOf("prune")).toEqual([]);
  });
});

describe("a large payload", () => {
  const payload = "x".repeat(16 * 1024);
  const unwanted = (seq: number) => {
    const { origin, boot } = gossip(seq);
    return { type: "unwanted", origin, boot, seq } as const;
  };

  test("is refused from all others before it is sent on", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(b, gossip(1, { payload }));
    expect(bench.receiversOf("unwanted")).toEqual([c, d]);
    const types = bench.effects.flatMap((effect) =>
      effect.type === "send" ? [effect.message.type] : [],
    );
    expect(types).toEqual(["unwanted", "unwanted", "gossip", "gossip"]);
  });

  test("is not sent to who has it already, and that link is pruned as if it had come twice", () => {
    const bench = new CoreBench([b, c, d]);
    bench.receive(c, unwanted(1));
    bench.receive(b, gossip(1, { payload }));
    expect(bench.receiversOf("gossip")).toEqual([d]);
    expect(bench.receiversOf("prune")).toEqual([c]);
    expect(bench.core.lazy).toEqual([c]);
  });

  test("is sent on where the sender itself refused it: the refusal only overtook it", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, unwanted(1), gossip(1, { payload }));
    expect(bench.receiversOf("gossip")).toEqual([c]);
    expect(bench.core.eager).toEqual([b, c]);
  });

  test("is refused by nobody while payloads are small", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    expect(bench.receiversOf("unwanted")).toEqual([]);
  });

  test("of which one neighbour refuses very many is remembered for the last 16", () => {
    const bench = new CoreBench([b, c]);
    for (let seq = 1; seq <= 20; seq += 1) bench.receive(c, unwanted(seq));
    for (let seq = 1; seq <= 4; seq += 1) bench.receive(b, gossip(seq, { payload }));
    expect(bench.sentTo(c, "gossip")).toHaveLength(4);
    bench.receive(b, gossip(5, { payload }));
    expect(bench.sentTo(c, "gossip")).toHaveLength(4);
  });
});
