/**
 * The conformance suite: the cases of the public Autobahn list (groups 1 to 7, 9 and 10; 12 and 13
 * are compression, which is never negotiated) and the opening handshake, played by a raw TCP program
 * against our listener and against our dialer. Nothing but our stated limits may deviate.
 */
import type { Verdict as AimVerdict } from "../report.js";
import type { Benchmark, RunOptions } from "../suite.js";
import { bulkCases } from "./bulk-cases.js";
import { binaryTwin, type Case } from "./case.js";
import { play, type Role } from "./player.js";
import { protocolCases } from "./protocol-cases.js";
import { dialerSide, listenerSide, type Side } from "./sides.js";
import { dialerUpgrades, listenerUpgrades } from "./upgrade-cases.js";
import { utf8Cases } from "./utf8-cases.js";
import { judge, statedLimits, type Verdict } from "./verdict.js";

/** Cases at a time: most of them wait for each other's side. */
const CONCURRENCY = 8;
const DEADLINE_MS = 10_000;
const BULK_DEADLINE_MS = 30_000;
/** What a short run plays of groups 9 and 10. */
const SMALL_BULK = /^(9\.[12]\.[123]$|10)/;
/** Of group 6 only these are about framing; the rest asks what is UTF-8, which bytes need not be. */
const TWINS_OF_TEXT = /^6\.[12]\./;

interface SideReport {
  readonly cases: number;
  readonly ok: number;
  readonly statedLimit: number;
  readonly failed: readonly Verdict[];
  readonly byLimit: Readonly<Record<string, number>>;
}

export const conformanceSuite: Benchmark = { name: "conformance", run };

async function run({ say, quick }: RunOptions) {
  const sides = {
    listener: reportOf("listener", say, [
      ...(await listenerUpgrades()),
      ...(await against(await listenerSide(), "client", quick)),
    ]),
    dialer: reportOf("dialer", say, [
      ...(await dialerUpgrades()),
      ...(await against(await dialerSide(), "server", quick)),
    ]),
  };
  if (quick) say("a short run plays only 9.1.1 to 9.2.3 of group 9");
  for (const { name, reason, closeCode } of statedLimits) {
    say(`stated limit "${name}" (${closeCode}): ${reason}`);
  }
  const aims: AimVerdict[] = Object.entries(sides).flatMap(([name, side]) => {
    say(
      `${name}: ${side.cases} cases, ${side.ok} OK, ${side.statedLimit} at a stated limit, ${side.failed.length} failed`,
    );
    const failed = side.failed.length;
    return [
      {
        name: `${name}: deviations that are no stated limit`,
        bound: "at most",
        target: 0,
        value: failed,
        met: failed === 0,
      },
      // So that a run in which nothing was played cannot pass.
      atLeast(`${name}: cases as expected`, side.ok, quick ? 100 : 200),
    ];
  });
  const ok = aims.every(({ met }) => met);
  return { ok, aims, suite: "conformance", repetitions: 1, sides };
}

function atLeast(name: string, value: number, target: number): AimVerdict {
  return { name, bound: "at least", target, value, met: value >= target };
}

function reportOf(name: string, say: RunOptions["say"], verdicts: readonly Verdict[]): SideReport {
  const order = new Intl.Collator("en", { numeric: true });
  for (const verdict of verdicts.toSorted((a, b) => order.compare(a.id, b.id))) {
    const { id, about, expected, got, judgement, limit } = verdict;
    const why = limit === undefined ? "" : ` (${limit})`;
    say(
      `${name} ${id.padEnd(14)} ${judgement}${why}: ${about} | expected ${expected} | got ${got}`,
    );
  }
  const of = (judgement: Verdict["judgement"]) =>
    verdicts.filter((verdict) => verdict.judgement === judgement);
  const byLimit: Record<string, number> = {};
  for (const { limit } of of("STATED-LIMIT")) {
    if (limit !== undefined) byLimit[limit] = (byLimit[limit] ?? 0) + 1;
  }
  return {
    cases: verdicts.length,
    ok: of("OK").length,
    statedLimit: of("STATED-LIMIT").length,
    failed: of("FAILED"),
    byLimit,
  };
}

async function against(side: Side, role: Role, quick: boolean): Promise<Verdict[]> {
  const small = [...protocolCases(), ...utf8Cases()];
  const bulk = quick ? bulkCases().filter(({ id }) => SMALL_BULK.test(id)) : bulkCases();
  const verdicts: Verdict[] = [];
  const judged = (deadlineMs: number) => async (test: Case) => {
    verdicts.push(judge(test, await play(test, await side.open(), role, deadlineMs)));
  };
  try {
    await inParallel(withTwins(small), CONCURRENCY, judged(DEADLINE_MS));
    await inParallel(withTwins(bulk), 1, judged(BULK_DEADLINE_MS));
  } finally {
    await side.close();
  }
  return verdicts;
}

function withTwins(cases: readonly Case[]): Case[] {
  return cases.flatMap((test) => {
    const isAboutText = test.id.startsWith("6.") && !TWINS_OF_TEXT.test(test.id);
    // Group 9 has binary cases of its own.
    const twin = isAboutText || test.id.startsWith("9.") ? undefined : binaryTwin(test);
    return twin === undefined ? [test] : [test, twin];
  });
}

async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
