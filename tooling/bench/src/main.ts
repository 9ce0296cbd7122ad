/**
 * `npm run bench -- <suite> [--repetitions N]`: measures the contestants of a suite interleaved, in
 * a fresh order each time, prints every reading, the medians with their ratios, and one JSON object
 * as the last line. Exits 0 when every aim is met.
 */
import { judge, table } from "./report.js";
import { overlaySuite } from "./overlay/suite.js";
import type { Reading, Suite } from "./suite.js";

const suites: readonly Suite[] = [overlaySuite];
const REPETITIONS = 5;

const [name, ...rest] = process.argv.slice(2);
const suite = suites.find((candidate) => candidate.name === name);
const at = rest.indexOf("--repetitions");
const repetitions = at < 0 ? REPETITIONS : Number(rest[at + 1]);
if (suite === undefined || !Number.isInteger(repetitions) || repetitions < 1) {
  const known = suites.map((candidate) => candidate.name).join(", ");
  console.error(`Usage: npm run bench -- <suite> [--repetitions N]. Suites: ${known}.`);
  process.exitCode = 2;
} else {
  await run(suite, repetitions);
}

async function run(suite: Suite, repetitions: number): Promise<void> {
  const readings: Reading[] = [];
  for (let repetition = 1; repetition <= repetitions; repetition += 1) {
    for (const contestant of rotated(suite.contestants, repetition)) {
      const taken = await suite.measure(contestant);
      readings.push(...taken);
      const shown = taken.map(
        ({ measure, value }) => `${Math.round(value).toLocaleString("en")} ${measure}`,
      );
      console.log(`[${repetition}/${repetitions}] ${contestant}: ${shown.join(", ")}`);
    }
  }
  console.log(`\n${table(suite, readings)}\n`);
  const aims = judge(suite, readings);
  for (const { measure, of, against, ratio, ratioMin, ok } of aims) {
    console.log(`${ok ? "✓" : "✗"} ${of} ÷ ${against} in ${measure}: ${ratio} (aim ≥ ${ratioMin})`);
  }
  const ok = aims.every((aim) => aim.ok);
  console.log(JSON.stringify({ ok, suite: suite.name, repetitions, aims }));
  process.exitCode = ok ? 0 : 1;
}

/** Another contestant begins each time, so that none always runs first. */
function rotated(contestants: readonly string[], by: number): readonly string[] {
  const start = by % contestants.length;
  return [...contestants.slice(start), ...contestants.slice(0, start)];
}
