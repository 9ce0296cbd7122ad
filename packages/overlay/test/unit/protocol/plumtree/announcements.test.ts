/** What lazy neighbours hear: batches, runs, and their limits. */
import { describe, expect, test } from "@jest/globals";
import {
  plumtreeLimits as limits,
  plumtreeTimes as times,
} from "../../../../src/protocol/plumtree/limits.js";
import { idOf } from "../../../support/membership-entries.js";
import { b, c, CoreBench, d, gossip, graft, have, makeLazy, origin, run } from "./core-bench.js";

/** b is the parent; c and d are lazy. */
const lazyBench = (options = {}): CoreBench => {
  const bench = new CoreBench([b, c, d], options);
  makeLazy(bench, c, b, 1);
  bench.receive(d, { type: "prune" });
  bench.clear();
  return bench;
};

describe("announcements", () => {
  test("are gathered for 20 ms and name a row of messages by its ends", () => {
    const bench = lazyBench();
    for (let seq = 2; seq <= 101; seq += 1) bench.receive(b, gossip(seq));
    expect(bench.receiversOf("have")).toEqual([]);
    bench.advance(times.announceMs);
    expect(bench.receiversOf("have")).toEqual([c, d]);
    expect(bench.sentTo(c, "have")).toEqual([have(run(2, 101, 4))]);
  });

  test("do not go back to where the messages came from", () => {
    const bench = lazyBench();
    bench.receive(b, gossip(2));
    bench.receive(c, gossip(3, { beside: true }));
    bench.advance(times.announceMs);
    expect(bench.sentTo(c, "have")).toEqual([have(run(2, 2, 4))]);
    expect(bench.sentTo(d, "have")).toEqual([have(run(2, 2, 4), run(3, 3, 4))]);
  });

  test("of other hops are runs of their own, since hops decide about shorter paths", () => {
    const bench = lazyBench();
    bench.receive(b, gossip(2), gossip(3, { hop: 6 }), gossip(5, { hop: 6 }));
    bench.advance(times.announceMs);
    expect(bench.sentTo(c, "have")).toEqual([have(run(2, 2, 4), run(3, 3, 7), run(5, 5, 7))]);
  });

  test("that do not fit one message are cut into several", () => {
    const bench = lazyBench({ limits: { runsPerMessageMax: 100, announcedRunsMax: 1_000 } });
    for (let i = 0; i < 250; i += 1) {
      bench.receive(b, gossip(1, { origin: idOf(1_000 + i), back: 0 }));
    }
    bench.advance(times.announceMs);
    expect(bench.sentTo(c, "have").map(({ runs }) => runs.length)).toEqual([100, 100, 50]);
  });

  test("are sent at once when as many wait as the limit says", () => {
    const bench = lazyBench();
    for (let i = 0; i < limits.announcedRunsMax; i += 1) {
      bench.receive(b, gossip(1, { origin: idOf(1_000 + i), back: 0 }));
    }
    expect(bench.receiversOf("have")).toEqual([c, d]);
    bench.clear();
    bench.advance(times.announceMs);
    expect(bench.receiversOf("have")).toEqual([]);
  });

  test("reach a neighbour that becomes eager before they are sent", () => {
    const bench = lazyBench();
    bench.receive(b, gossip(2));
    bench.receive(c, graft(true));
    expect(bench.sentTo(c, "have")).toEqual([have(run(2, 2, 4))]);
    bench.advance(times.announceMs);
    expect(bench.sentTo(c, "have")).toHaveLength(1);
    expect(bench.sentTo(d, "have")).toHaveLength(1);
  });

  test("need no timer while there is nobody to tell", () => {
    const bench = new CoreBench([b, c]);
    bench.receive(b, gossip(1));
    expect(bench.timers.has("announce")).toBe(false);
  });

  test("of one's own messages name one hop", () => {
    const bench = lazyBench();
    bench.feed({ type: "broadcast", payload: "own" });
    bench.advance(times.announceMs);
    expect(bench.sentTo(c, "have")).toMatchObject([{ runs: [{ lo: 1, hi: 1, hop: 1 }] }]);
    expect(origin.origin).not.toBe(idOf(1));
  });
});
