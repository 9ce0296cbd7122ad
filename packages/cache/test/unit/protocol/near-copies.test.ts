import { describe, expect, test } from "@jest/globals";
import { NearBook, NearCopies, nearEntry } from "../../../src/protocol/near-copies.js";

const entry = (value: number) => nearEntry("k", 7, value, 1_000, 10);

describe("near copies", () => {
  test("keep no answer that a withdrawal of its key overtook, and keep the next one", () => {
    const near = new NearCopies<number>(10, 10_000);
    const question = near.ask("k");
    near.withdraw("k");
    near.settle(question, entry(1));
    expect(near.find("k")).toBeUndefined();
    near.settle(near.ask("k"), entry(2));
    expect(near.find("k")?.value).toBe(2);
  });

  test("keep no answer that came from before its bucket moved, and let go what they had of it", () => {
    const near = new NearCopies<number>(10, 10_000);
    near.keep(entry(1));
    const question = near.ask("k");
    near.withdrawWhere((bucket) => bucket === 7);
    expect(near.find("k")).toBeUndefined();
    near.settle(question, entry(1));
    expect(near.find("k")).toBeUndefined();
  });
});

test("a full book of holders has the oldest key withdrawn from all who have it", () => {
  const book = new NearBook(1);
  book.note("old", "a");
  book.note("old", "b");
  const displaced = book.note("new", "a");
  expect([displaced?.key, [...(displaced?.nodes ?? [])]]).toEqual(["old", ["a", "b"]]);
  expect([...book.take("old")]).toEqual([]);
  expect([...book.take("new")]).toEqual(["a"]);
});
