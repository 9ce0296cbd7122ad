/**
 * `npm start -- --check`: the scenario as a test of this very machine. Progress goes to stderr; the last line of stdout
 * is one JSON object, and the exit code says whether every aim was met.
 */
import { createConductor } from "./conductor.js";
import { runScenario, type ScenarioResult } from "./scenario.js";

export interface Aim {
  readonly name: string;
  readonly target: string;
  readonly value: number;
  readonly met: boolean;
}

export interface CheckResult {
  readonly ok: boolean;
  readonly runs: number;
  /** Medians over the runs; counts are sums. */
  readonly formationMs: number;
  readonly failoverMs: number;
  readonly calls: number;
  readonly unknown: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly aims: readonly Aim[];
  readonly each: readonly ScenarioResult[];
}

/** Runs the scenario `runs` times and judges it. */
export async function check(runs: number, progress: (text: string) => void): Promise<CheckResult> {
  const each: ScenarioResult[] = [];
  for (let run = 1; run <= runs; run += 1) {
    each.push(await once(run, (text) => progress(runs === 1 ? text : `run ${run}: ${text}`)));
  }
  return judge(each);
}

/** Two checks at once must not meet, so each run has a cluster name of its own; nothing else is configured. */
async function once(run: number, progress: (text: string) => void): Promise<ScenarioResult> {
  const name = `quickstart-${process.pid}-${run}`;
  const conductor = createConductor({ expected: 3, env: { FOUNDATION_NAME: name } });
  conductor.onLog(progress);
  try {
    return await runScenario(conductor, progress, 0);
  } finally {
    await conductor.close();
  }
}

/** Turns results into aims; an aim that is missed is listed as missed. */
export function judge(each: readonly ScenarioResult[]): CheckResult {
  const sum = (of: (result: ScenarioResult) => number) =>
    each.reduce((total, result) => total + of(result), 0);
  const formationMs = median(each.map((result) => result.formationMs));
  const failoverMs = median(each.map((result) => result.failoverMs));
  const failoverMsMax = Math.max(...each.map((result) => result.failoverMs));
  const lost = sum((result) => result.lost);
  const duplicated = sum((result) => result.duplicated);
  const aims: Aim[] = [
    below("formation after the last process starts, median, ms", 1_000, formationMs),
    below("fail-over after kill -9, every run, ms", 5_000, failoverMsMax),
    zero("calls reported successful that did not run", lost),
    zero("calls that ran twice", duplicated),
    zero(
      "calls reported as not run that ran",
      sum((result) => result.misreported),
    ),
    zero(
      "messages that reached a subscriber twice",
      sum((result) => result.receivedTwice),
    ),
  ];
  return {
    ok: aims.every((aim) => aim.met),
    runs: each.length,
    formationMs,
    failoverMs,
    calls: sum((result) => result.calls),
    unknown: sum((result) => result.unknown),
    lost,
    duplicated,
    aims,
    each,
  };
}

function below(name: string, limit: number, value: number): Aim {
  return { name, target: `< ${limit}`, value, met: value < limit };
}

function zero(name: string, value: number): Aim {
  return { name, target: "0", value, met: value === 0 };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
