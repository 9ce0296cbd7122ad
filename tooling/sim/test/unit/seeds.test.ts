import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { orderOf } from "../../src/order.js";
import { playsOf } from "../../src/seeds.js";

const kept = JSON.parse(
  readFileSync(new URL("../../seeds.json", import.meta.url), "utf8"),
) as readonly { readonly seed: string; readonly nodesMax: number }[];

const plays = (args: readonly string[], seed?: string) =>
  playsOf(orderOf(args, seed === undefined ? {} : { SEED: seed }));

describe("the seeds of a hunt", () => {
  test("are as many as asked for, all different, each with the range", () => {
    const all = [...plays(["--seeds", "5", "--nodes", "4..6", "--for", "9s"])];
    expect(new Set(all.map(({ seed }) => seed)).size).toBe(5);
    expect(all[0]).toMatchObject({ nodesMin: 4, nodesMax: 6, forMs: 9_000 });
  });

  test("are the same for the same commit, and never twice the same in a hunt without a number", () => {
    const args = ["--seeds", "2"];
    expect([...plays(args)]).toEqual([...plays(args)]);
    const [endless] = plays(["--until-failure"]);
    expect(endless?.seed).not.toBe([...plays(args)][0]?.seed);
  });

  test("do not end when a hunt has no number", () => {
    const endless = plays(["--until-failure"]);
    for (let index = 0; index < 1_000; index++) expect(endless.next().done).toBe(false);
  });

  test("can be named", () => {
    expect([...plays(["--seeds", "2", "--prefix", "x"])].map(({ seed }) => seed)).toEqual([
      "x-1",
      "x-2",
    ]);
  });

  test("are one when one is given, with the default range or the range that is given", () => {
    expect([...plays([], "a-1")]).toMatchObject([{ seed: "a-1", nodesMax: 10 }]);
    expect([...plays(["--nodes", "4"], "a-1")]).toMatchObject([{ seed: "a-1", nodesMax: 4 }]);
  });

  test("a kept one is played with what it was kept with, unless a range is given", () => {
    const [first] = kept;
    const seed = first?.seed ?? "";
    expect([...plays([], seed)]).toEqual([first]);
    expect([...plays(["--nodes", "7"], seed)]).toMatchObject([{ seed, nodesMax: 7 }]);
  });
});
