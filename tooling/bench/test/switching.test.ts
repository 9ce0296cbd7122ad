import { describe, expect, test } from "@jest/globals";
import { balance } from "../src/switching/balance.js";
import type { Books, Heard } from "../src/switching/messages.js";
import { NumberRow } from "../src/switching/number-row.js";

function rowOf(...numbers: number[]): NumberRow {
  const row = new NumberRow();
  numbers.forEach((number, i) => row.note(number, i * 10));
  return row;
}

describe("a row of numbers", () => {
  test("in order is all there is", () => {
    expect(rowOf(1, 2, 3)).toMatchObject({ distinct: 3, last: 3, doubled: 0, disordered: 0 });
  });

  test("tells a late number from a doubled one, and both from a lost one", () => {
    const row = rowOf(1, 4, 2, 2, 1);
    expect(row).toMatchObject({ distinct: 3, doubled: 2, disordered: 1, missing: [3] });
  });

  test("remembers the longest pause", () => {
    const row = rowOf(1, 2);
    row.note(3, 500);
    row.note(4, 510);
    expect(row.longestGapMs).toBe(490);
  });
});

const heard = (from: string, distinct: number, last = distinct): Heard => {
  const none = { missing: [], doubled: 0, disordered: 0, longestGapMs: 5 };
  return { from, row: "best", distinct, last, ...none };
};
const books = (sent: number, ...all: Heard[]): Books => ({
  type: "books",
  look: 1,
  members: 2,
  sent: { best: sent, newest: sent },
  heard: all,
});

describe("the balance", () => {
  test("counts what a survivor sent and another one has not heard", () => {
    const one = { id: "one", books: books(5) };
    const other = { id: "other", books: books(0, heard("one", 3), heard("killed", 7)) };
    expect(balance("best", [one, other])).toMatchObject({ came: 10, lost: 2, doubled: 0 });
    expect(balance("best", [other])).toMatchObject({ lost: 0 });
  });

  test("wants the last one where only the newest matters", () => {
    const one = { id: "one", books: books(5) };
    const newest = { ...heard("one", 2, 5), row: "newest" as const };
    expect(balance("newest", [one, { id: "other", books: books(0, newest) }]).lost).toBe(0);
    const stale = { ...newest, last: 4 };
    expect(balance("newest", [one, { id: "other", books: books(0, stale) }]).lost).toBe(1);
  });
});
