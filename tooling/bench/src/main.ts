/**
 * `npm run bench -- <suite> [--repetitions N] [--json]`: measures the contestants of a suite
 * interleaved, in a fresh order each time, prints every reading, the medians with their ratios, and
 * one JSON object as the last line: `{ ok, aims: [{ name, target, value, met }], … }`. Exits 0 when
 * every aim is met. With `--json` the last line is all that goes to the standard output; the rest
 * goes to the standard error.
 */
import { parseArgs } from "node:util";
import { reportOf, shown, table } from "./report.js";
import { overlaySuite } from "./overlay/suite.js";
import type { Reading, Suite } from "./suite.js";

const suites: readonly Suite[] = [overlaySuite];
const REPETITIONS = 5;
const known = suites.map((candidate) => candidate.name).join(", ");
const usage = `Usage: npm run bench -- <suite> [--repetitions N] [--json]. Suites: ${known}.`;

const order = orderOf(process.argv.slice(2));
if (order === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  await run(order.suite, order.repetitions, order.say);
}

interface Order {
  readonly suite: Suite;
  readonly repetitions: number;
  readonly say: (line: string) => void;
}

function orderOf(args: string[]): Order | undefined {
  const options = {
    repetitions: { type: "string", default: String(REPETITIONS) },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const suite = suites.find(({ name }) => name === positionals[0]);
    const repetitions = Number(values.repetitions);
    if (suite === undefined || positionals.length > 1) return undefined;
    if (!Number.isInteger(repetitions) || repetitions < 1) return undefined;
    return { suite, repetitions, say: values.json ? console.error : console.log };
  } catch {
    return undefined;
  }
}

async function run(suite: Suite, repetitions: number, say: Order["say"]): Promise<void> {
  const readings: Reading[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    for (const contestant of rotated(suite.contestants, repetition)) {
      const taken = await suite.measure(contestant);
      readings.push(...taken);
      const parts = suite.measures.flatMap((measure) =>
        taken
          .filter((reading) => reading.measure === measure.name)
          .map(({ value }) => `${shown(measure, value)} ${measure.name}`),
      );
      say(`[${repetition}/${repetitions}] ${contestant}: ${parts.join(", ")}`);
    }
  }
  say(`\n${table(suite, readings)}\n`);
  const report = reportOf(suite, repetitions, readings);
  for (const { name, target, value, met } of report.aims) {
    say(`${met ? "✓" : "✗"} ${name}: ${value} (aim ≥ ${target})`);
  }
  console.log(JSON.stringify(report));
  process.exitCode = report.ok ? 0 : 1;
}

/** Another contestant begins each time, so that none always runs first. */
function rotated(contestants: readonly string[], by: number): readonly string[] {
  const start = by % contestants.length;
  return [...contestants.slice(start), ...contestants.slice(0, start)];
}
