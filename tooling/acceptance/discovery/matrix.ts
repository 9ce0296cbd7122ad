/** The table of strategies and promises: every cell is what the contract suite found just now. */
import { columns, fill, type Cell } from "./columns.js";
import type { Subject } from "./subjects.js";

export interface Row {
  readonly strategy: string;
  /** What it was tried against. */
  readonly backend: string;
  readonly cells: readonly Cell[];
  /** Milliseconds in which a join was seen; `undefined` when it was not. */
  readonly joinMs: number | undefined;
  /** Whose milliseconds: the machine's, or those of a virtual clock. */
  readonly clock: "real" | "virtual";
}

/** Fills the row of one strategy; a strategy's checks run one after the other. */
export async function rowOf(subject: Subject): Promise<Row> {
  const cells: Cell[] = [];
  for (const column of columns) cells.push(await fill(column, subject.setup));
  const joinMs = cells.find((cell) => cell.joinMs !== undefined)?.joinMs;
  const { strategy, backend, clock } = subject;
  return { strategy, backend, cells, joinMs, clock };
}

/** The table as text, with the reasons of what failed below it. */
export function tableText(rows: readonly Row[]): string {
  const head = ["strategy", ...columns.map(({ name }) => name), "join seen in", "backend"];
  const body = rows.map((row) => [
    row.strategy,
    ...row.cells.map(mark),
    row.joinMs === undefined ? "never" : `${row.joinMs.toFixed(0)} ms (${row.clock})`,
    row.backend,
  ]);
  const widths = head.map((title, i) =>
    Math.max(title.length, ...body.map((line) => (line[i] ?? "").length)),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => text.padEnd(widths[i] ?? 0))
      .join("  ")
      .trimEnd();
  const failures = rows.flatMap(({ strategy, cells }) =>
    cells.flatMap(({ column, failure }) =>
      failure === undefined ? [] : [`✗ ${strategy}, ${column}: ${failure}`],
    ),
  );
  const note = "✓°: no answer of this backend can be that; discovery keeps such peers on offer.";
  const hasNote = rows.some(({ cells }) => cells.some((cell) => mark(cell) === "✓°"));
  return [line(head), ...body.map(line), ...(hasNote ? ["", note] : []), ...failures].join("\n");
}

function mark({ tried, failure }: Cell): string {
  if (failure !== undefined) return "✗";
  return tried.includes("offer") ? "✓°" : "✓";
}
