/** The books of the parts: each finds what it is there to find. */
import { describe, expect, test } from "@jest/globals";
import type { RebalanceReport } from "@foundation/registry";
import { ConflictBook } from "../conflict-book.js";
import { wrongMoves } from "./balancing.js";
import { wrongSet } from "./membership.js";
import { wrongAfter } from "./saving.js";
import { restartedBy, wrongRestart, type Strategy } from "./tree-rules.js";

describe("a crash in a supervision tree", () => {
  const ids = ["a", "b", "c"];
  const before = new Map(ids.map((id) => [id, `${id}1`]));
  const crash = (strategy: Strategy, renewed: readonly string[], births = renewed) =>
    wrongRestart({
      tree: "oak",
      strategy,
      ids,
      crashed: "b",
      before,
      after: new Map(ids.map((id) => [id, renewed.includes(id) ? `${id}2` : `${id}1`])),
      births,
    });

  test.each<[Strategy, readonly string[]]>([
    ["one-for-one", ["b"]],
    ["one-for-all", ["a", "b", "c"]],
    ["rest-for-one", ["b", "c"]],
  ])("of the strategy %s starts %s again, and nobody else", (strategy, renewed) => {
    expect(restartedBy(strategy, ids, "b")).toEqual(renewed);
    expect(crash(strategy, renewed)).toEqual([]);
  });

  test("is judged when a child stays that should be new, or is new and should not be", () => {
    expect(crash("one-for-all", ["a", "b"]).join()).toContain('"c" was not started again');
    expect(crash("one-for-one", ["b", "c"]).join()).toContain(
      '"c" was started again: c1 became c2',
    );
  });

  test("is judged when children begin out of order or more often, or one is lost", () => {
    expect(crash("rest-for-one", ["b", "c"], ["c", "b"]).join()).toContain("c, b began, not b, c");
    expect(crash("one-for-one", ["b"], ["b", "b"]).join()).toContain("b, b began, not b");
    const after = new Map([...before].slice(0, 2));
    const restart = { tree: "oak", strategy: "one-for-one" as const, ids, crashed: "b" };
    const wrong = wrongRestart({ ...restart, before, after, births: ["b"] });
    expect(wrong.join()).toContain('"c" ran no more');
  });
});

describe("a process that keeps its state", () => {
  test("may lose nothing that was answered, and know nothing that was not", () => {
    expect(wrongAfter("kim", "a crash", ["1", "2"], ["1", "2"])).toEqual([]);
    expect(wrongAfter("kim", "a crash", ["1", "2"], ["1"]).join()).toContain("knew no more of 2");
    expect(wrongAfter("kim", "a crash", ["1"], ["1", "3"]).join()).toContain(
      "of 3 that it had not",
    );
    expect(wrongAfter("kim", "a crash", ["1"], undefined).join()).toContain("not be asked after");
  });
});

describe("a set of members", () => {
  test("lacks nobody, and has nobody else and nobody twice", () => {
    expect(wrongSet("n0 sees", ["a", "b"], ["b", "a"])).toEqual([]);
    expect(wrongSet("n0 sees", ["a", "b"], ["a"]).join()).toContain("not b");
    expect(wrongSet("n0 sees", ["a"], ["a", "b"]).join()).toContain("too many: b");
    expect(wrongSet("n0 sees", ["a"], ["a", "a"]).join()).toContain("too many: a");
  });
});

describe("a rebalancing", () => {
  const move = (identity: string) => {
    return {
      identity,
      from: "x",
      to: "y",
      why: "balance",
    } as unknown as RebalanceReport["done"][0];
  };
  const report = (planned: readonly string[], done: readonly string[]) => {
    return {
      planned: planned.map(move),
      done: done.map(move),
      failed: [],
      ended: "finished" as const,
    };
  };
  const before = new Map([
    ["ann", "ann1"],
    ["bob", "bob1"],
  ]);
  const annMoved = new Map([...before, ["ann", "ann2"]] as const);

  test("moves whom it says", () => {
    expect(wrongMoves(report(["ann"], ["ann"]), 2, before, annMoved)).toEqual([]);
  });

  test("moves no more than was planned and allowed", () => {
    const wrong = wrongMoves(report(["ann", "bob"], ["ann"]), 0, before, annMoved);
    expect(wrong.join()).toContain("1 were moved, and 0 may have been");
    const beside = wrongMoves(report(["bob"], ["ann"]), 1, before, annMoved);
    expect(beside.join()).toContain("the plan did not say so");
  });

  test("loses nobody, and says of everybody what became of him", () => {
    const lost = wrongMoves(report([], []), 2, before, new Map([["ann", "ann1"]]));
    expect(lost.join()).toContain("bob was lost");
    expect(wrongMoves(report([], []), 2, before, annMoved).join()).toContain(
      "not reported as moved",
    );
    const idle = wrongMoves(report(["ann"], ["ann"]), 2, before, before);
    expect(idle.join()).toContain("is where it was");
    const failed = {
      ...report(["ann"], []),
      failed: [{ move: move("ann"), code: "X", why: "busy" }],
    };
    expect(wrongMoves(failed, 2, before, before).join()).toContain("could not be moved: busy");
  });
});

describe("the book of conflicts", () => {
  const loser = { identity: "mia", line: "mia@1", ran: ["1"] };

  test("has each loser's state given once", () => {
    const book = new ConflictBook();
    book.open();
    book.lost(loser, "one");
    expect(book.judgeOpen(["mia"]).join()).toContain("given to nobody");
    book.offered(loser, "two");
    expect([...book.judge(), ...book.judgeOpen(["mia"])]).toEqual([]);
    expect(book.resolved).toBe(1);
    book.offered(loser, "two");
    expect(book.judge().join()).toContain("two and two");
    expect(book.judgeOpen(["mia"]).join()).toContain("two and two");
  });

  test("lets a state be lost with its node while other things go wrong", () => {
    const book = new ConflictBook();
    book.lost(loser, "one");
    book.open();
    expect([...book.judge(), ...book.judgeOpen(["mia"])]).toEqual([]);
  });

  test("finds a state that was given though its process had not ended", () => {
    const book = new ConflictBook();
    book.open();
    book.offered(loser, "two");
    expect(book.judgeOpen(["mia"]).join()).toContain("ended 0 times");
  });
});
