/** Balance: the books of all survivors, held against each other. Pure. */
import { median } from "../report.js";
import { COMPLETE_ROWS, type Books, type Heard, type Row } from "./messages.js";

const EXAMPLES_MAX = 20;

export interface Survivor {
  readonly id: string;
  readonly books: Books;
}

export interface RowBalance {
  readonly row: Row;
  readonly came: number;
  /** Sent by a survivor, and never seen by a survivor it was for. */
  readonly lost: number;
  /** Some of them, for people. */
  readonly examples: readonly string[];
  readonly doubled: number;
  /** Came after a later one of their sender. */
  readonly disordered: number;
  /** The longest time between two numbers of one sender: the worst of all pairs, and that of half of them. */
  readonly longestGapMs: number;
  readonly medianGapMs: number;
}

/**
 * What one row of numbers came to. Of those that were killed only what came wrong counts: nobody knows
 * what they had sent. Where only the newest value matters, lost is a last one that did not come.
 */
export function balance(row: Row, survivors: readonly Survivor[]): RowBalance {
  const heard = survivors.flatMap(({ id, books }) =>
    books.heard.filter((each) => each.row === row).map((each) => ({ to: id, ...each })),
  );
  const sum = (what: (each: Heard) => number) => heard.reduce((all, each) => all + what(each), 0);
  const losses = lossesOf(row, survivors);
  const gaps = heard.map(({ longestGapMs }) => longestGapMs);
  return {
    row,
    came: sum(({ distinct }) => distinct),
    lost: losses.reduce((all, { lost }) => all + lost, 0),
    examples: losses.slice(0, EXAMPLES_MAX).map(({ text }) => text),
    doubled: sum(({ doubled }) => doubled),
    disordered: sum(({ disordered }) => disordered),
    longestGapMs: Math.round(Math.max(0, ...gaps)),
    medianGapMs: Math.round(gaps.length === 0 ? 0 : median(gaps)),
  };
}

interface Loss {
  readonly lost: number;
  readonly text: string;
}

function lossesOf(row: Row, survivors: readonly Survivor[]): readonly Loss[] {
  const isComplete = COMPLETE_ROWS.includes(row);
  const losses: Loss[] = [];
  for (const { id: from, books } of survivors) {
    for (const to of survivors) {
      if (to.id === from) continue;
      const sent = books.sent[row === "message" ? to.id : row] ?? 0;
      const heard = to.books.heard.find((each) => each.from === from && each.row === row);
      const { last = 0, distinct = 0, missing = [] } = heard ?? {};
      const lost = isComplete ? sent - distinct : Number(last !== sent);
      const [one, other] = [from.slice(-4), to.id.slice(-4)];
      const which = `missing ${missing.join(", ") || "none"}, the last is ${last} of ${sent}`;
      if (lost !== 0) losses.push({ lost, text: `${one} → ${other}: ${which}` });
    }
  }
  return losses;
}
