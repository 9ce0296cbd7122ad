/**
 * The detection suite: fifteen processes of ours, each with an overlay as it is by default, and how
 * long it takes until all others have declared one dead that is killed or silent; and that a node
 * which is only held up for a moment is not declared dead.
 *
 * A killed process's sockets are closed by its system, so the others hear of it. A silent host is one
 * whose cable is pulled: nodes stand in network namespaces, and the victim's port of the bridge goes
 * down. Where namespaces cannot be made, the silence is that of a stopped process; that is shown in
 * any case. Which node it is, when, and for how long it is held up is drawn at random.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { seededRandom } from "@foundation/core/testing";
import { Hosts } from "../../../acceptance/worlds/namespaces/hosts.js";
import { takePrecedence, watchForeign } from "../noise.js";
import { builtProgram } from "../processes/built-program.js";
import { median, verdictText, type Report, type Verdict } from "../report.js";
import type { Benchmark, RunOptions } from "../suite.js";
import { Town, type Resident, type Spot } from "./town.js";
import { paused, untilKnown, type Disappearance, type Gone, type Trial } from "./trials.js";
import { knownInTime, pausesSurvived } from "./verdicts.js";

const run = promisify(execFile);
const LOOPBACK = "127.0.0.1";
const SHORT_MS = { least: 500, most: 3_000 };
const LONG_MS = 5_000;
const SILENT = "silent host";

interface Scale {
  readonly nodes: number;
  readonly kills: number;
  readonly silences: number;
  readonly stops: number;
  readonly shortPauses: number;
  readonly longPauses: number;
}

const full: Scale = {
  nodes: 15,
  kills: 20,
  silences: 7,
  stops: 5,
  shortPauses: 40,
  longPauses: 20,
};
const quick: Scale = {
  nodes: 5,
  kills: 2,
  silences: 1,
  stops: 1,
  shortPauses: 2,
  longPauses: 1,
};

export const detectionSuite: Benchmark = { name: "detection", run: measure };

interface Part {
  readonly aims: readonly Verdict[];
  readonly found: object;
}
type Take = (program: string, scale: Scale, say: RunOptions["say"]) => Promise<Part>;

const parts: Readonly<Record<string, Take>> = { killed, silent, paused: heldUp };

async function measure({ quick: isQuick, only, say }: RunOptions): Promise<Report> {
  await using program = await builtProgram(new URL("./worker.ts", import.meta.url));
  using precedence = takePrecedence();
  if (!precedence.isTaken) say("Not allowed to go before other processes: run as root for that");
  const aims: Verdict[] = [];
  const found: Record<string, object> = {};
  for (const [name, take] of Object.entries(parts)) {
    if (only !== undefined && !only.includes(name)) continue;
    // The processes of a part have ended when it is over, and count as this process's own.
    const foreign = watchForeign([]);
    const part = await take(program.file, isQuick ? quick : full, say);
    const usedByOthers = rounded(foreign() ?? Number.NaN);
    say(`${name}: share of the processors that others used: ${usedByOthers}`);
    found[name] = { ...part.found, foreign: usedByOthers };
    aims.push(...part.aims);
  }
  for (const verdict of aims) say(verdictText(verdict));
  const ok = aims.length > 0 && aims.every(({ met }) => met);
  return { ok, aims, suite: "detection", repetitions: 1, found };
}

/** SIGKILL: the system closes its sockets. */
async function killed(program: string, scale: Scale, say: RunOptions["say"]): Promise<Part> {
  await using town = await Town.start(program, onLoopback(scale.nodes));
  const trials = await untilKnown(goneIn(town, "killed", say), byKill, scale.kills);
  const aims = knownInTime("killed", trials, { medianS: 1.5, worstS: 3 });
  return { aims, found: { killed: summaryOf(trials) } };
}

/** A pulled cable, and a process that stands still for good while its system keeps its connections. */
async function silent(program: string, scale: Scale, say: RunOptions["say"]): Promise<Part> {
  const bounds = { medianS: 6, worstS: 10 };
  const cut = await cutOff(program, scale, say);
  await using town = await Town.start(program, onLoopback(scale.nodes));
  const stopped = await untilKnown(goneIn(town, "stopped", say), byStop, scale.stops);
  const found = {
    cut: cut === undefined ? undefined : summaryOf(cut),
    stopped: summaryOf(stopped),
  };
  const judged = cut ?? stopped;
  return { aims: knownInTime(SILENT, judged, bounds), found };
}

/** Nothing where namespaces cannot be made. */
async function cutOff(
  program: string,
  { nodes, silences }: Scale,
  say: RunOptions["say"],
): Promise<readonly Trial[] | undefined> {
  const names = Array.from({ length: nodes }, (_, i) => `h${i}`);
  let hosts: Hosts;
  try {
    hosts = await Hosts.create(names);
  } catch (error) {
    say(`No network namespaces here, so a stopped process stands for a silent host: ${error}`);
    return undefined;
  }
  try {
    const spots = names.map((name) => ({
      host: hosts.addressOf(name),
      namespace: hosts.namespaceOf(name),
    }));
    await using town = await Town.start(program, spots);
    return await untilKnown(goneIn(town, "cut", say), byCut(hosts), silences);
  } finally {
    await hosts.close();
  }
}

/** SIGSTOP and SIGCONT: nobody is gone. */
async function heldUp(program: string, scale: Scale, say: RunOptions["say"]): Promise<Part> {
  await using town = await Town.start(program, onLoopback(scale.nodes));
  const gone = goneIn(town, "paused", say);
  const { least, most } = SHORT_MS;
  // Every second one as long as they may be.
  const short = Array.from({ length: scale.shortPauses }, (_, i) =>
    i % 2 === 0 ? most : least + (most - least) * gone.random.next(),
  );
  const shortPauses = await paused(gone, short);
  const longPauses = await paused(gone, Array<number>(scale.longPauses).fill(LONG_MS));
  const aims = [
    pausesSurvived("paused for 3 s or less", shortPauses, 0),
    pausesSurvived("paused for 5 s", longPauses, 1),
  ];
  return { aims, found: { shortPauses, longPauses } };
}

const nothing = () => Promise.resolve();

const byKill: Disappearance = {
  name: "killed",
  begin: ({ process }) => Promise.resolve(process.signal("SIGKILL")),
  undo: nothing,
};

const byStop: Disappearance = {
  name: "stopped for good",
  begin: ({ process }) => Promise.resolve(process.signal("SIGSTOP")),
  undo: nothing,
};

function byCut(hosts: Hosts): Disappearance {
  const bridge = hosts.namespaceOf("bridge");
  const port = async ({ spot }: Resident, state: "up" | "down") => {
    const name = hosts.names[spot.host];
    await run("ip", ["-n", bridge, "link", "set", "dev", `p-${name}`, state]);
  };
  return {
    name: "cut off",
    begin: (victim) => port(victim, "down"),
    undo: (victim) => port(victim, "up"),
  };
}

function onLoopback(nodes: number): readonly Spot[] {
  return Array.from({ length: nodes }, () => ({ host: LOOPBACK }));
}

function goneIn(town: Town, seed: string, say: RunOptions["say"]): Gone {
  return { town, random: seededRandom(seed), say };
}

/** In s, for people; what is endless is null in JSON. */
function summaryOf(trials: readonly Trial[]): object {
  const medianOf = (part: Exclude<keyof Trial, "wrong">) =>
    rounded(median(trials.map((trial) => trial[part])) / 1_000);
  return {
    trials: trials.length,
    firstSuspectS: medianOf("firstSuspectMs"),
    firstDeadS: medianOf("firstDeadMs"),
    allKnowS: medianOf("allKnowMs"),
    worstS: rounded(Math.max(...trials.map(({ allKnowMs }) => allKnowMs)) / 1_000),
    wrong: trials.reduce((sum, { wrong }) => sum + wrong, 0),
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}
