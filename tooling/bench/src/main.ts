/**
 * `npm run bench -- <suite> [--repetitions N] [--repeats N] [--only a,b] [--quick] [--json]`: runs a
 * suite, prints every reading, the medians with their ratios and the verdict on each aim, and one
 * JSON object as the last line: `{ ok, aims: [{ name, target, value, met }], … }`. Exits 0 when every
 * aim is met, 1 when not, 2 for arguments that are none. With `--json` the last line is all that
 * goes to the standard output; the rest goes to the standard error.
 */
import { parseArgs } from "node:util";
import { cacheSuite } from "./cache/suite.js";
import { conformanceSuite } from "./conformance/suite.js";
import { consensusSuite } from "./consensus/suite.js";
import { consensusMemorySuite } from "./consensus-memory/suite.js";
import { crdtSuite } from "./crdt/suite.js";
import { detectionSuite } from "./detection/suite.js";
import { failoverSuite } from "./failover/suite.js";
import { formationSuite } from "./formation/suite.js";
import { holSuite } from "./hol/suite.js";
import { measured } from "./measured.js";
import { memorySuite } from "./memory/suite.js";
import { overlaySuite } from "./overlay/suite.js";
import { processSuite } from "./process/suite.js";
import { registrySuite } from "./registry/suite.js";
import { securitySuite } from "./security/suite.js";
import type { Benchmark, RunOptions } from "./suite.js";
import { switchingSuite } from "./switching/suite.js";

const suites: readonly Benchmark[] = [
  measured(overlaySuite),
  measured(holSuite),
  formationSuite,
  detectionSuite,
  failoverSuite,
  conformanceSuite,
  memorySuite,
  securitySuite,
  switchingSuite,
  consensusSuite,
  consensusMemorySuite,
  measured(crdtSuite),
  cacheSuite,
  registrySuite,
  processSuite,
];
const REPETITIONS = 5;
const REPEATS_MAX = 3;
const known = suites.map(({ name }) => name).join(", ");
const usage =
  "Usage: npm run bench -- <suite> [--repetitions N] [--repeats 1..3] [--only contestant,…] " +
  `[--quick] [--json]. Suites: ${known}.`;

const order = orderOf(process.argv.slice(2));
if (order === undefined) {
  console.error(usage);
  process.exitCode = 2;
} else {
  const report = await order.suite.run(order.options);
  console.log(JSON.stringify(report));
  process.exitCode = report.ok ? 0 : 1;
}

interface Order {
  readonly suite: Benchmark;
  readonly options: RunOptions;
}

function orderOf(args: string[]): Order | undefined {
  const options = {
    repetitions: { type: "string", default: String(REPETITIONS) },
    repeats: { type: "string", default: "1" },
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const suite = suites.find(({ name }) => name === positionals[0]);
    const repetitions = Number(values.repetitions);
    const repeats = Number(values.repeats);
    if (suite === undefined || positionals.length > 1) return undefined;
    if (!Number.isInteger(repetitions) || repetitions < 1) return undefined;
    if (!Number.isInteger(repeats) || repeats < 1 || repeats > REPEATS_MAX) return undefined;
    const only = values.only === undefined ? {} : { only: values.only.split(/, */) };
    const say = values.json ? console.error : console.log;
    return { suite, options: { repetitions, repeats, quick: values.quick, ...only, say } };
  } catch {
    return undefined;
  }
}
