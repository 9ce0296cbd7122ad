/** Joins and shuffles on their way. */
import { describe, expect, test } from "@jest/globals";
import { hyparviewLimits as limits } from "../../../../src/protocol/hyparview/limits.js";
import { hyparviewTimes as times } from "../../../../src/protocol/hyparview/limits.js";
import { idOf } from "../../../support/membership-entries.js";
import { Bench, numberOf } from "./bench.js";

const full = (): Bench => new Bench().befriend(1, 2, 3, 4, 5, 6);
const range = (from: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => from + index);

/** Lets time pass until the node has sent a shuffle; to whom, and what. */
function shuffleOf(bench: Bench) {
  bench.clear();
  while (bench.receivers("shuffle").length === 0) bench.run(100);
  const [to = 0] = bench.receivers("shuffle");
  const [message] = bench.sentOf(to, "shuffle");
  if (!message) throw new Error("no shuffle was sent");
  return { to, message };
}

describe("a join", () => {
  test("is taken by the contact and walks on over each of its neighbours", () => {
    const bench = new Bench().befriend(1, 2, 3).linkUp(9).tell(9, { type: "join", nr: 1 });
    expect(bench.sentOf(9, "accept")).toMatchObject([{ to: 1 }]);
    expect(bench.active()).toEqual([1, 2, 3, 9]);
    for (const number of [1, 2, 3]) {
      expect(bench.sent(number)).toEqual([
        { type: "forward-join", newcomer: idOf(9), ttl: limits.activeWalk },
      ]);
    }
  });

  test("to a full contact replaces a neighbour, which is told of the newcomer", () => {
    const bench = full().linkUp(9).tell(9, { type: "join", nr: 1 });
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.sentOf(evicted, "disconnect")).toMatchObject([{ next: idOf(9) }]);
    expect(bench.active()).toContain(9);
    const walks = bench.receivers("forward-join");
    expect(walks.length).toBeLessThanOrEqual(limits.joinWalks);
    expect(walks.length).toBeGreaterThanOrEqual(limits.joinWalks - 1);
  });

  test("in a storm only walks on: taken in, it would push out the one before", () => {
    const bench = full();
    for (const number of range(11, limits.stormJoins)) {
      bench.linkUp(number).tell(number, { type: "join", nr: 1 });
    }
    expect(bench.counted("storm")).toBe(0);
    const before = bench.active();
    bench.clear().linkUp(30).tell(30, { type: "join", nr: 1 });
    expect(bench.active()).toEqual(before);
    expect(bench.receivers("forward-join")).toHaveLength(limits.joinWalks);
    expect(bench.sentOf(30, "refuse")[0]?.alternatives.length).toBeGreaterThan(2);
    bench.run(times.stormWindowMs).clear();
    bench.linkUp(31).tell(31, { type: "join", nr: 1 });
    expect(bench.active()).toContain(31);
  });

  test("of a newcomer that was refused waits for its walks, then asks the alternatives, in need", () => {
    const bench = new Bench().join(1).linkUp(1).clear();
    bench.tell(1, { type: "refuse", to: 1, alternatives: [idOf(2), idOf(3), idOf(4), idOf(5)] });
    expect(bench.dialled()).toEqual([]);
    bench.run(times.urgentMs * 1.2);
    expect(bench.dialled()).toHaveLength(limits.urgentRequests);
  });

  test("tries the next contact when one does not run", () => {
    const bench = new Bench().join(1, 2, 3);
    const tried: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      const open = bench.dialled();
      bench.clear();
      tried.push(...open);
      for (const number of open) bench.feed({ type: "dial-failed", id: idOf(number) });
    }
    expect(tried.sort()).toEqual([1, 2, 3]);
  });

  test("is tried again and again while nobody runs, with growing pauses", () => {
    const bench = new Bench().join(1);
    const at: number[] = [];
    for (let step = 0; step < 1_200; step += 1) {
      if (bench.dialled().length > 0) {
        at.push(bench.now);
        bench.clear().feed({ type: "dial-failed", id: idOf(1) });
      }
      bench.run(100);
    }
    const pauses = at.slice(1).map((time, index) => time - (at[index] ?? 0));
    expect(at.length).toBeGreaterThan(10);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(times.urgentMsMax * 1.2 + 100);
    expect(Math.max(...pauses)).toBeGreaterThan(times.urgentMs * 4);
  });
});

describe("a newcomer's walk", () => {
  test("goes on to a neighbour it did not come from, with one hop less", () => {
    const bench = new Bench().befriend(1, 2);
    bench.tell(1, { type: "forward-join", newcomer: idOf(9), ttl: 5 });
    expect(bench.sent(2)).toEqual([{ type: "forward-join", newcomer: idOf(9), ttl: 4 }]);
    expect(bench.passive()).toEqual([]);
  });

  test("leaves its name halfway", () => {
    const bench = new Bench().befriend(1, 2);
    bench.tell(1, { type: "forward-join", newcomer: idOf(9), ttl: limits.passiveWalk });
    expect(bench.passive()).toEqual([9]);
  });

  test.each([
    [0, [1, 2]],
    [5, [1]],
  ])("with %d hops left ends where there is nobody to go on to: %j", (ttl, neighbors) => {
    const bench = new Bench().befriend(...neighbors);
    bench.tell(1, { type: "forward-join", newcomer: idOf(9), ttl });
    expect(bench.dialled()).toEqual([9]);
    bench.linkUp(9);
    expect(bench.sentOf(9, "neighbor")).toMatchObject([{ why: "low" }]);
    expect(bench.active()).not.toContain(9);
    bench.accept(9);
    expect(bench.active()).toContain(9);
  });

  test("that ends at a full node costs it a neighbour only once the newcomer has accepted", () => {
    const bench = full()
      .tell(1, { type: "forward-join", newcomer: idOf(9), ttl: 0 })
      .linkUp(9);
    expect(bench.active()).toEqual([1, 2, 3, 4, 5, 6]);
    bench.refuse(9);
    expect(bench.active()).toEqual([1, 2, 3, 4, 5, 6]);
    bench.run(times.refusedMs);
    bench.tell(1, { type: "forward-join", newcomer: idOf(9), ttl: 0 }).accept(9);
    expect(bench.active()).toContain(9);
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.sentOf(evicted, "disconnect")).toMatchObject([{ next: idOf(9) }]);
  });
});

describe("a shuffle", () => {
  test("tells three neighbours and four others", () => {
    const bench = full().disconnect(6, { alternatives: range(20, 9).map(idOf) });
    bench.request(7, "low");
    const { to, message } = shuffleOf(bench);
    const told = message.ids.map(numberOf);
    expect(message).toMatchObject({ origin: idOf(0), ttl: limits.shuffleWalk - 1, open: false });
    expect(told).toHaveLength(limits.shuffleActive + limits.shufflePassive);
    expect(told.filter((number) => number < 8 && number !== 6)).toHaveLength(3);
    expect(told).not.toContain(to);
  });

  test("has its reply taken into the passive view, in place of what was sent", () => {
    const others = range(20, limits.passiveMax);
    const bench = full();
    for (const number of others) {
      bench.tell(1, { type: "forward-join", newcomer: idOf(number), ttl: limits.passiveWalk });
    }
    expect(bench.passive()).toEqual(others);
    const { to, message } = shuffleOf(bench);
    const told = message.ids.map(numberOf).filter((number) => number >= 20);
    const news = [60, 61, 62, 63];
    bench.tell(to, { type: "shuffle-reply", origin: idOf(0), ids: news.map(idOf) });
    const kept = others.filter((number) => !told.includes(number));
    expect(told).toHaveLength(limits.shufflePassive);
    expect(bench.passive()).toEqual([...kept, ...news]);
  });

  test("has no reply taken that it did not wait for", () => {
    const bench = full();
    bench.tell(1, { type: "shuffle-reply", origin: idOf(0), ids: [idOf(50)] });
    expect(bench.passive()).toEqual([]);
    const { to } = shuffleOf(bench);
    bench.tell(to, { type: "shuffle-reply", origin: idOf(0), ids: [idOf(50)] });
    bench.tell(to, { type: "shuffle-reply", origin: idOf(0), ids: [idOf(51)] });
    expect(bench.passive()).toEqual([50]);
  });

  test("of others goes on, and the reply goes back the way it came", () => {
    const bench = new Bench().befriend(1, 2);
    bench.tell(1, { type: "shuffle", origin: idOf(9), ttl: 3, open: false, ids: [idOf(8)] });
    expect(bench.sentOf(2, "shuffle")).toEqual([
      { type: "shuffle", origin: idOf(9), ttl: 2, open: false, ids: [idOf(8)] },
    ]);
    expect(bench.passive()).toEqual([]);
    const reply = { type: "shuffle-reply", origin: idOf(9), ids: [idOf(7)] } as const;
    bench.tell(2, reply);
    expect(bench.sentOf(1, "shuffle-reply")).toEqual([reply]);
    bench.tell(2, reply);
    expect(bench.counted("reply-lost")).toBe(1);
  });

  test("whose way back is older than its reply may be is not answered by it", () => {
    const bench = new Bench().befriend(1, 2);
    bench.tell(1, { type: "shuffle", origin: idOf(9), ttl: 3, open: false, ids: [] });
    bench.run(times.shuffleReplyMs).tell(2, { type: "shuffle-reply", origin: idOf(9), ids: [] });
    expect(bench.sentOf(1, "shuffle-reply")).toEqual([]);
  });

  test("that came by twice is answered without the detour", () => {
    const bench = new Bench().befriend(1, 2, 3);
    for (const from of [1, 2]) {
      bench.tell(from, { type: "shuffle", origin: idOf(9), ttl: 3, open: false, ids: [] });
    }
    bench.tell(3, { type: "shuffle-reply", origin: idOf(9), ids: [] });
    expect(bench.sentOf(1, "shuffle-reply")).toHaveLength(1);
    expect(bench.sentOf(2, "shuffle-reply")).toHaveLength(0);
  });

  test("at its end is answered with as many ids, also to a node that knew nobody to tell", () => {
    const bench = full().disconnect(6, { alternatives: range(20, 9).map(idOf) });
    bench.clear().tell(1, { type: "shuffle", origin: idOf(9), ttl: 0, open: false, ids: [] });
    const [reply] = bench.sentOf(1, "shuffle-reply");
    expect(reply?.origin).toBe(idOf(9));
    expect(reply?.ids).toHaveLength(limits.shuffleActive + limits.shufflePassive);
    expect(bench.passive()).toContain(9);
  });

  test("of a node with a free place is met by a request of the first one that has one too", () => {
    const bench = new Bench().befriend(1, 2, 3, 4, 5);
    bench.tell(1, { type: "shuffle", origin: idOf(9), ttl: 3, open: true, ids: [] });
    expect(bench.dialled()).toEqual([9]);
    const [next = 0] = bench.receivers("shuffle");
    expect(bench.sentOf(next, "shuffle")).toMatchObject([{ open: false }]);
    const busy = full().tell(1, { type: "shuffle", origin: idOf(9), ttl: 3, open: true, ids: [] });
    expect(busy.dialled()).toEqual([]);
    const [after = 0] = busy.receivers("shuffle");
    expect(busy.sentOf(after, "shuffle")).toMatchObject([{ open: true }]);
  });

  test("offers nobody that could not be reached", () => {
    const bench = new Bench().befriend(1, 2, 3, 4, 5).disconnect(5, { alternatives: [idOf(8)] });
    bench.run(times.patienceMs * 1.2);
    expect(bench.dialled()).toEqual([8]);
    bench.feed({ type: "dial-failed", id: idOf(8) });
    bench.clear().tell(1, { type: "shuffle", origin: idOf(9), ttl: 0, open: false, ids: [] });
    expect(bench.passive()).toContain(8);
    expect(bench.sentOf(1, "shuffle-reply")[0]?.ids).not.toContain(idOf(8));
  });
});
