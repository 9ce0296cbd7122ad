/**
 * The switching suite: node processes on loopback that send numbers to each other and broadcast numbers all the time,
 * while their topology is switched by hand ten times, every one into every other, and a twentieth of them is killed on
 * the way. At the end the survivors' books are held against each other: nothing may be lost, doubled or out of order.
 *
 * Rows of numbers: `message` on a reliable channel to random nodes; broadcasts on a channel as it is by default
 * (`best`), on a `reliable` one, and on one that keeps only newest values (`newest`). Who is killed, when, and who is
 * told to switch is drawn at random.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "@foundation/core/testing";
import type { Random } from "@foundation/core";
import type { TopologyName } from "@foundation/overlay";
import { takePrecedence, watchForeign } from "../noise.js";
import { builtProgram } from "../processes/built-program.js";
import { verdictOn, verdictText, type Report, type Verdict } from "../report.js";
import type { Benchmark, RunOptions } from "../suite.js";
import { balance, type RowBalance, type Survivor } from "./balance.js";
import { Crew } from "./crew.js";
import { ROWS } from "./messages.js";

/** From a full mesh: every change once, and four of them again. */
const SWITCHES: readonly TopologyName[] = [
  "hyparview",
  "client-server",
  "full-mesh",
  "client-server",
  "hyparview",
  "full-mesh",
  "hyparview",
  "full-mesh",
  "client-server",
  "hyparview",
];
/** What is under way when nobody talks any more has so long to come. */
const QUIET_MS_MAX = 90_000;
const EVERY_MS = 100;

interface Scale {
  readonly nodes: number;
  readonly switches: number;
  readonly kills: number;
  /** Between two switches. */
  readonly leastMs: number;
  readonly mostMs: number;
}

const full: Scale = { nodes: 20, switches: 10, kills: 1, leastMs: 1_000, mostMs: 6_000 };
const quick: Scale = { nodes: 6, switches: 3, kills: 1, leastMs: 1_000, mostMs: 2_000 };

export const switchingSuite: Benchmark = { name: "switching", run: measure };

interface Played {
  readonly rows: readonly RowBalance[];
  /** Until all had switched, of each switch. */
  readonly switchMs: readonly number[];
  readonly wrongDeaths: number;
  readonly survivors: number;
}

async function measure({ quick: isQuick, say }: RunOptions): Promise<Report> {
  const scale = isQuick ? quick : full;
  await using program = await builtProgram(new URL("./worker.ts", import.meta.url));
  using precedence = takePrecedence();
  if (!precedence.isTaken) say("Not allowed to go before other processes: run as root for that");
  const foreign = watchForeign([]);
  const played = await play(program.file, scale, say);
  const usedByOthers = rounded(foreign() ?? Number.NaN);
  say(`Share of the processors that others used: ${usedByOthers}`);
  const aims = verdicts(played, scale);
  for (const verdict of aims) say(verdictText(verdict));
  const ok = aims.every(({ met }) => met);
  return { ok, aims, suite: "switching", repetitions: 1, foreign: usedByOthers, found: played };
}

async function play(program: string, scale: Scale, say: RunOptions["say"]): Promise<Played> {
  const random = seededRandom(`switching ${Date.now()}`);
  await using crew = await Crew.start(program, scale.nodes, EVERY_MS);
  const killsAt = drawn(scale.switches, scale.kills, random);
  const switchMs: number[] = [];
  for (let turn = 0; turn < scale.switches; turn += 1) {
    const to = SWITCHES[turn % SWITCHES.length] as TopologyName;
    const forMs = scale.leastMs + random.next() * (scale.mostMs - scale.leastMs);
    const over = sleep(forMs);
    const killed = killsAt.has(turn) ? sleep(random.next() * scale.leastMs) : undefined;
    void killed?.then(() => crew.kill(random));
    const tookMs = await crew.switchTo(to, random);
    await Promise.all([over, killed]);
    switchMs.push(Math.round(tookMs));
    const kill = killed === undefined ? "" : ", one killed meanwhile";
    say(
      `[${turn + 1}/${scale.switches}] ${to}: known to all after ${Math.round(tookMs)} ms${kill}`,
    );
  }
  const isBalanced = (survivors: readonly Survivor[]) =>
    ROWS.every((row) => balance(row, survivors).lost === 0);
  const survivors = await crew.quiet(QUIET_MS_MAX, isBalanced);
  const rows = ROWS.map((row) => balance(row, survivors));
  for (const row of rows) {
    say(textOf(row));
    for (const example of row.examples) say(`  ${example}`);
  }
  const wrongDeaths = crew.wrongDeaths();
  return { rows, switchMs, wrongDeaths, survivors: survivors.length };
}

function verdicts({ rows, switchMs, wrongDeaths }: Played, scale: Scale): readonly Verdict[] {
  const all = switchMs.every((ms) => Number.isFinite(ms)) ? switchMs.length : 0;
  const wrong = rows.flatMap(({ row, came, lost, doubled, disordered }) => {
    const of = `${row}, of ${came}`;
    return [
      verdictOn(`${of}: lost`, came === 0 ? Number.NaN : lost, "at most", 0),
      verdictOn(`${of}: doubled`, doubled, "at most", 0),
      verdictOn(`${of}: out of order`, disordered, "at most", 0),
    ];
  });
  return [
    verdictOn("switches that all have made", all, "at least", scale.switches),
    verdictOn("survivors declared dead", wrongDeaths, "at most", 0),
    ...wrong,
  ];
}

function drawn(of: number, count: number, random: Random): ReadonlySet<number> {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(of, count)) chosen.add(Math.floor(random.next() * of));
  return chosen;
}

function textOf({ row, came, lost, doubled, disordered, ...gaps }: RowBalance): string {
  const wrong = `${lost} lost, ${doubled} doubled, ${disordered} out of order`;
  const longest = `${gaps.longestGapMs} ms at most, ${gaps.medianGapMs} ms for half of the pairs`;
  return `${row}: ${came} came, ${wrong}; longest pause of a sender ${longest}`;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
