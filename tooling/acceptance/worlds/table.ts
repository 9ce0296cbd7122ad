/**
 * The table of a run: scenario by world. Test files run in processes of their own, so each row lies in a file of the
 * run until the last one prints all of them.
 */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorldName } from "./world.js";

export interface Row {
  readonly scenario: string;
  readonly world: WorldName;
  readonly result: string;
}

const worlds: readonly WorldName[] = ["simulated", "in-process", "namespaces"];

/** Jest's own process, whether it runs the tests itself or has workers do it. */
const run = process.connected ? process.ppid : process.pid;
const folder = join(tmpdir(), "foundation-worlds");
const file = join(folder, `${run}.jsonl`);
/** Far longer than a run lasts: an older file is of another process that had this number. */
const runMsMax = 3_600_000;
mkdirSync(folder, { recursive: true });
for (const name of readdirSync(folder)) {
  const left = join(folder, name);
  const stat = statSync(left, { throwIfNoEntry: false });
  if (stat && Date.now() - stat.mtimeMs > runMsMax) rmSync(left, { force: true });
}

/** Notes how a scenario went in a world; the last note of a run counts. */
export function record(row: Row): void {
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** Prints all rows there are so far, in the order of the given scenarios. */
export function printTable(scenarios: readonly string[]): void {
  if (!existsSync(file)) return;
  const rows = readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row);
  process.stdout.write(`${tableOf(scenarios, rows)}\n`);
}

/** Pure: scenarios down, worlds across; a world without any row has no column. */
function tableOf(scenarios: readonly string[], rows: readonly Row[]): string {
  const columns = worlds.filter((world) => rows.some((row) => row.world === world));
  const resultOf = (scenario: string, world: WorldName) =>
    rows.findLast((row) => row.scenario === scenario && row.world === world)?.result ?? "not run";
  const lines = [
    ["scenario", ...columns],
    ...scenarios.map((name) => [name, ...columns.map((world) => resultOf(name, world))]),
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  const text = lines.map((line) =>
    line.map((cell, i) => cell.padEnd(widths?.[i] ?? 0)).join(" | "),
  );
  const results =
    rows.length > 0 ? scenarios.flatMap((s) => columns.map((w) => resultOf(s, w))) : [];
  const count = (prefix: string) => results.filter((result) => result.startsWith(prefix)).length;
  const sum = `${count("passed")} passed, ${count("skipped")} skipped, ${count("FAILED")} failed`;
  return [...text, sum].map((line) => line.trimEnd()).join("\n");
}
