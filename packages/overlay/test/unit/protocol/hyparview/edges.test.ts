/** How two nodes become neighbours and cease to be. */
import { describe, expect, test } from "@jest/globals";
import { hyparviewTimes as times } from "../../../../src/protocol/hyparview/limits.js";
import { idOf } from "../../../support/membership-entries.js";
import { Bench } from "./bench.js";

/** A node with six neighbours, 1 to 6. */
const full = (): Bench => new Bench().befriend(1, 2, 3, 4, 5, 6);
/** A node with five neighbours, 1 to 5. */
const nearlyFull = (): Bench => new Bench().befriend(1, 2, 3, 4, 5);

describe("a request", () => {
  test("makes a neighbour only when accepted: who cannot be reached is never in the view", () => {
    const bench = new Bench().join(1);
    expect(bench.dialled()).toEqual([1]);
    expect(bench.active()).toEqual([]);
    bench.linkUp(1);
    expect(bench.sentOf(1, "join")).toHaveLength(1);
    expect(bench.active()).toEqual([]);
    bench.accept(1);
    expect(bench.active()).toEqual([1]);
    expect(bench.neighborEvents()).toEqual([1]);
  });

  test("is what makes a neighbour: a link alone, or word that a node is back, does not", () => {
    const bench = new Bench().linkUp(1);
    bench.feed({ type: "back", id: idOf(2) });
    expect(bench.active()).toEqual([]);
    expect(bench.passive()).toEqual([2]);
    expect(bench.run(times.releaseMs).released()).toEqual([]);
  });

  test("is a single dial, however often the node is wanted", () => {
    const bench = new Bench().join(1).join(1);
    bench.request(2, "low");
    bench.tell(2, { type: "forward-join", newcomer: idOf(1), ttl: 0 });
    bench.disconnect(2, { next: idOf(1) });
    expect(bench.dialled()).toEqual([1]);
  });

  test("goes over a link that is already up, without a dial", () => {
    const bench = new Bench().linkUp(1).join(1);
    expect(bench.dialled()).toEqual([]);
    expect(bench.sentOf(1, "join")).toHaveLength(1);
  });

  test("that crosses one from the other side makes one edge, and the answers change nothing", () => {
    const [one, other] = [new Bench({ seed: 1 }), new Bench({ seed: 2 })];
    // Each is 7 to the other.
    for (const bench of [one, other]) {
      bench.linkUp(7).tell(7, { type: "forward-join", newcomer: idOf(7), ttl: 0 });
    }
    const [asked, askedToo] = [one.sent(7), other.sent(7)];
    expect([...asked, ...askedToo].map(({ type }) => type)).toEqual(["neighbor", "neighbor"]);
    one.clear();
    other.clear();
    for (const message of askedToo) one.tell(7, message);
    for (const message of asked) other.tell(7, message);
    const [answers, answersToo] = [one.sent(7), other.sent(7)];
    expect([...answers, ...answersToo].map(({ type }) => type)).toEqual(["accept", "accept"]);
    for (const message of answersToo) one.tell(7, message);
    for (const message of answers) other.tell(7, message);
    expect([one.active(), other.active()]).toEqual([[7], [7]]);
    expect([one.neighborEvents(), other.neighborEvents()]).toEqual([[7], [7]]);
    expect(one.sentOf(7, "disconnect")).toEqual([]);
  });

  test("that is not answered in time leaves the node known, and another one is asked", () => {
    const bench = new Bench().join(1, 2);
    const [first] = bench.dialled();
    const second = first === 1 ? 2 : 1;
    bench.linkUp(first ?? 0).run(times.answerMs);
    expect(bench.counted("request-late")).toBe(1);
    expect(bench.dialled()).toEqual([first, second]);
    expect(bench.passive()).toEqual([1, 2]);
  });

  test("whose dial is never answered is given up, and the dial let go", () => {
    const bench = new Bench().join(1).run(times.dialMs);
    expect(bench.released()).toEqual([1]);
    expect(bench.passive()).toEqual([1]);
  });

  test("that fails leaves the passive view alone: a partition would empty it, and never heal", () => {
    const others = [1, 2, 3, 4, 5, 6, 7, 8];
    const bench = new Bench().join(...others);
    let failed = 0;
    for (let round = 0; round < 40; round += 1) {
      const open = bench.dialled();
      failed += open.length;
      bench.clear();
      for (const number of open) bench.feed({ type: "dial-failed", id: idOf(number) });
      bench.run(2_000);
    }
    expect(failed).toBeGreaterThan(others.length * 3);
    expect(bench.passive()).toEqual(others);
  });

  test("ends when its link breaks: the next one is asked, and a late answer has no effect", () => {
    const bench = new Bench().join(1, 2);
    const [first = 0] = bench.dialled();
    bench.linkUp(first).clear();
    bench.linkDown(first);
    expect(bench.dialled()).toEqual([3 - first]);
    bench.accept(first);
    expect(bench.counted("message-stray")).toBe(1);
    expect(bench.active()).toEqual([]);
  });
});

describe("a late accept", () => {
  test("of a node that has died since does not bring it back", () => {
    const bench = new Bench().join(1).linkUp(1);
    const [request] = bench.sentOf(1, "join");
    bench.run(times.answerMs);
    bench.feed({ type: "gone", id: idOf(1) });
    bench.clear();
    bench.tell(1, { type: "accept", nr: 1, to: request?.nr ?? 0, evicted: undefined });
    expect(bench.active()).toEqual([]);
    expect(bench.passive()).toEqual([]);
    expect(bench.sentOf(1, "disconnect")).toHaveLength(1);
    bench.linkDown(1).tell(1, { type: "accept", nr: 1, to: 1, evicted: undefined });
    expect(bench.active()).toEqual([]);
  });

  test("is taken while there is a place, since the other side has its own already", () => {
    const bench = nearlyFull().tell(1, { type: "forward-join", newcomer: idOf(9), ttl: 0 });
    bench.linkUp(9).run(times.answerMs);
    expect(bench.counted("request-late")).toBe(1);
    bench.accept(9);
    expect(bench.active()).toContain(9);
  });

  test("is undone when the view is full", () => {
    const bench = full().linkUp(7);
    bench.tell(7, { type: "accept", nr: 9, to: 1, evicted: undefined });
    expect(bench.active()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(bench.sentOf(7, "disconnect")).toMatchObject([{ alive: true, seen: 9 }]);
  });
});

describe("a full view", () => {
  test("refuses who only has a free place, and names alternatives", () => {
    const bench = full();
    const nr = bench.request(7, "low");
    const [refusal] = bench.sentOf(7, "refuse");
    expect(refusal?.to).toBe(nr);
    expect(refusal?.alternatives.length).toBeGreaterThan(0);
    expect(bench.active()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(bench.passive()).toEqual([7]);
  });

  test("makes room for who is in need, and tells the evicted one of it and of others", () => {
    const bench = full();
    bench.request(7, "high");
    expect(bench.active()).toContain(7);
    expect(bench.active()).toHaveLength(6);
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.neighborEvents()).toEqual([-evicted, 7]);
    const [farewell] = bench.sentOf(evicted, "disconnect");
    expect(farewell).toMatchObject({ alive: true, next: idOf(7) });
    expect(farewell?.alternatives.length).toBeGreaterThan(0);
    expect(bench.passive()).toEqual([evicted]);
  });

  test("makes room for a rotation, and names the evicted one to the asker instead", () => {
    const bench = full();
    bench.request(7, "swap");
    const [evicted = 0] = bench.receivers("disconnect");
    expect(bench.sentOf(evicted, "disconnect")).toMatchObject([{ next: undefined }]);
    expect(bench.sentOf(7, "accept")).toMatchObject([{ evicted: idOf(evicted) }]);
  });
});

describe("the end of an edge", () => {
  test("is told before its link is let go, and what was written meanwhile still has a link", () => {
    const bench = full();
    bench.request(7, "high");
    const [evicted = 0] = bench.receivers("disconnect");
    bench.run(times.releaseMs - 1);
    expect(bench.released()).toEqual([]);
    bench.run(1);
    expect(bench.released()).toEqual([evicted]);
  });

  test("keeps the link of a node that has become a neighbour again meanwhile", () => {
    const bench = full();
    bench.request(7, "high");
    const [evicted = 0] = bench.receivers("disconnect");
    bench.tell(evicted, { type: "neighbor", nr: 999, why: "high" });
    expect(bench.active()).toContain(evicted);
    bench.run(times.releaseMs);
    expect(bench.released()).not.toContain(evicted);
  });

  test("by a living node keeps it as an alternative, and its alternatives too", () => {
    const bench = nearlyFull().disconnect(1, { alternatives: [idOf(8), idOf(9)] });
    expect(bench.active()).toEqual([2, 3, 4, 5]);
    expect(bench.passive()).toEqual([1, 8, 9]);
  });

  test("by a node that leaves forgets it, also when others still offer it", () => {
    const bench = nearlyFull().disconnect(1, { alive: false, alternatives: [idOf(8)] });
    expect(bench.passive()).toEqual([8]);
    bench.tell(2, { type: "shuffle", origin: idOf(9), ttl: 0, open: false, ids: [idOf(1)] });
    bench.tell(2, { type: "forward-join", newcomer: idOf(1), ttl: 0 });
    expect(bench.passive()).toEqual([8, 9]);
    expect(bench.dialled()).not.toContain(1);
  });

  test("that crossed a newer agreement does not end that one", () => {
    const bench = nearlyFull();
    bench.tell(1, { type: "neighbor", nr: 500, why: "low" });
    const [answer] = bench.sentOf(1, "accept");
    bench.disconnect(1, { seen: (answer?.nr ?? 0) - 1 });
    expect(bench.counted("disconnect-stale")).toBe(1);
    expect(bench.active()).toContain(1);
    bench.disconnect(1, { seen: answer?.nr ?? 0 });
    expect(bench.active()).not.toContain(1);
  });

  test("asks whom it names as having a free place", () => {
    const bench = nearlyFull().disconnect(1, { next: idOf(9) });
    expect(bench.dialled()).toEqual([9]);
    bench.linkUp(9);
    expect(bench.sentOf(9, "neighbor")).toMatchObject([{ why: "low" }]);
  });

  test("from a node that is no neighbour changes nothing", () => {
    const bench = nearlyFull()
      .linkUp(9)
      .disconnect(9, { alternatives: [idOf(8)] });
    expect(bench.active()).toEqual([1, 2, 3, 4, 5]);
    expect(bench.passive()).toEqual([]);
  });
});

describe("a link that breaks", () => {
  test("ends the edge at once, and the node is neither offered nor dialled for a while", () => {
    const bench = nearlyFull().linkDown(1);
    expect(bench.neighborEvents()).toEqual([-1]);
    expect(bench.passive()).toEqual([1]);
    bench.tell(2, { type: "shuffle", origin: idOf(8), ttl: 0, open: false, ids: [] });
    expect(bench.sentOf(2, "shuffle-reply")[0]?.ids).not.toContain(idOf(1));
    bench.run(times.strikeMs);
    expect(bench.dialled()).not.toContain(1);
  });

  test("may come up again at once: the node is a neighbour as soon as it asks", () => {
    const bench = nearlyFull().linkDown(1);
    bench.request(1, "low");
    expect(bench.active()).toContain(1);
    expect(bench.neighborEvents()).toEqual([-1, 1]);
  });

  test("is followed by a search only as far as there is somebody to ask", () => {
    const bench = nearlyFull();
    bench.disconnect(5, { alternatives: [idOf(8), idOf(9)] }).clear();
    bench.linkDown(1);
    expect(bench.dialled()).toHaveLength(1);
  });
});

describe("an edge that one side only holds", () => {
  test("is taken when the other side says so and there is a place", () => {
    const bench = nearlyFull().linkUp(9).tell(9, { type: "keep", nr: 3 });
    expect(bench.active()).toContain(9);
    expect(bench.sentOf(9, "accept")).toHaveLength(1);
    expect(bench.counted("one-sided")).toBe(1);
  });

  test("is ended when the other side says so and there is none", () => {
    const bench = full().linkUp(9).tell(9, { type: "keep", nr: 3 });
    expect(bench.active()).not.toContain(9);
    expect(bench.sentOf(9, "disconnect")).toMatchObject([{ alive: true, seen: 3 }]);
  });

  test("is found within a period: each neighbour is told that it is one", () => {
    const bench = nearlyFull().run(times.keepMs * 1.2);
    for (const number of [1, 2, 3, 4, 5]) {
      expect(bench.sentOf(number, "keep").length).toBeGreaterThan(0);
    }
  });
});

describe("a node that is gone", () => {
  test("leaves both views, and nobody brings it back but itself or word that it is back", () => {
    const bench = nearlyFull().disconnect(5);
    bench.feed({ type: "gone", id: idOf(1) });
    bench.feed({ type: "gone", id: idOf(5) });
    expect(bench.neighborEvents()).toEqual([-5, -1]);
    expect(bench.passive()).toEqual([]);
    bench.run(times.leftMs * 2).clear();
    const ids = [idOf(1), idOf(5)];
    bench.tell(2, { type: "shuffle", origin: idOf(8), ttl: 0, open: false, ids });
    bench.tell(2, { type: "forward-join", newcomer: idOf(1), ttl: 0 });
    expect(bench.passive()).toEqual([8]);
    bench.feed({ type: "back", id: idOf(5) });
    expect(bench.passive()).toContain(5);
    bench.tell(1, { type: "neighbor", nr: 900, why: "high" });
    expect(bench.sentOf(1, "refuse")).toHaveLength(1);
    bench.linkDown(1).request(1, "low");
    expect(bench.active()).toContain(1);
  });

  test("is not dialled any further", () => {
    const bench = new Bench().join(1);
    bench.feed({ type: "gone", id: idOf(1) });
    expect(bench.released()).toEqual([1]);
    bench.clear().run(60_000);
    expect(bench.dialled()).toEqual([]);
  });

  test("and lives after all is told that the edge is over", () => {
    const bench = nearlyFull();
    bench.feed({ type: "gone", id: idOf(1) });
    expect(bench.sentOf(1, "disconnect")).toHaveLength(1);
  });
});

describe("leaving", () => {
  test("tells the neighbours, pairs them up, gives everything back and is the end", () => {
    const bench = nearlyFull();
    bench.tell(2, { type: "forward-join", newcomer: idOf(9), ttl: 0 });
    bench.feed({ type: "leave" });
    expect(bench.sentOf(1, "disconnect")).toMatchObject([{ alive: false, next: idOf(2) }]);
    expect(bench.sentOf(2, "disconnect")).toMatchObject([{ alive: false, next: idOf(1) }]);
    expect(bench.sentOf(5, "disconnect")).toMatchObject([{ alive: false, next: undefined }]);
    expect(bench.neighborEvents()).toEqual([-1, -2, -3, -4, -5]);
    expect(bench.released().sort()).toEqual([1, 2, 3, 4, 5, 9]);
    const armed = new Set<string>();
    for (const each of bench.effects) {
      if (each.type === "set-timer") armed.add(each.timer);
      if (each.type === "cancel-timer") armed.delete(each.timer);
    }
    expect([...armed]).toEqual([]);
    expect(bench.clear().linkUp(9).run(60_000).effects).toEqual([]);
    expect(bench.active()).toEqual([]);
  });
});

describe("what a node is sent", () => {
  test("without a link is ignored and counted", () => {
    const bench = new Bench().tell(1, { type: "neighbor", nr: 1, why: "high" });
    expect(bench.counted("message-stray")).toBe(1);
    expect(bench.active()).toEqual([]);
  });

  test("about itself never puts it into its own views", () => {
    const bench = nearlyFull();
    const ids = [idOf(0), idOf(8)];
    bench.tell(1, { type: "shuffle", origin: idOf(9), ttl: 0, open: false, ids });
    bench.tell(1, { type: "forward-join", newcomer: idOf(0), ttl: 0 });
    bench.disconnect(1, { next: idOf(0), alternatives: ids });
    expect(bench.passive()).toEqual([1, 8, 9]);
    expect(bench.dialled()).toEqual([]);
  });
});
