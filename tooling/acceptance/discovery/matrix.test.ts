import { describe, expect, test } from "@jest/globals";
import { STRATEGY_NAMES } from "@foundation/discovery";
import { tableAim } from "./aims.js";
import { columns, fill } from "./columns.js";
import { rowOf, tableText } from "./matrix.js";
import { subjects } from "./subjects.js";

const subjectOf = (name: string) => {
  const found = subjects.find(({ strategy }) => strategy === name);
  if (found === undefined) throw new Error(`There is no row of ${name}`);
  return found;
};

describe("the table of discovery", () => {
  test("has a row for every strategy that a configuration can name", () => {
    const rows = subjects.map(({ strategy }) => strategy).sort();
    expect(rows).toEqual([...STRATEGY_NAMES].sort());
  });

  test("says what was tried for every promise, and how soon a join was seen", async () => {
    const row = await rowOf(subjectOf("static"));
    expect(row.cells.map(({ failure }) => failure)).toEqual(columns.map(() => undefined));
    expect(row.cells.every(({ tried }) => tried.length > 0)).toBe(true);
    expect(row.joinMs).toBeGreaterThan(0);
    expect(tableText([row])).toMatch(/^strategy .*\nstatic +✓ .* ms \(virtual\)/);
    expect(tableAim([row])).toMatchObject({ value: columns.length, met: true });
  });

  test("a promise that is not kept is a cross, with the reason below, and an aim that is missed", async () => {
    const { setup, ...subject } = subjectOf("static");
    const slow = { ...setup, pace: { requests: 2, perMs: 10_000 } };
    const row = await rowOf({ ...subject, setup: slow });
    expect(tableText([row])).toContain("✗ static, backoff: ");
    expect(tableAim([row])).toMatchObject({ value: columns.length - 1, met: false });
  });

  test("where no answer can be empty, discovery keeps who is missing on offer", async () => {
    const { setup } = subjectOf("static");
    const never = { ...setup, failures: ["error"] } as const;
    const [empty] = columns.filter(({ name }) => name === "empty keeps set");
    if (empty === undefined) throw new Error("There is no such column");
    expect(await fill(empty, never)).toMatchObject({ tried: ["offer"], failure: undefined });
  });
});
