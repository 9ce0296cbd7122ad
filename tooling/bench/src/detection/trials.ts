/** Trials: one node after another is gone or held up, and what the others say of it is written down. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@foundation/core";
import type { RunOptions } from "../suite.js";
import { systemMs } from "../processes/system-time.js";
import type { Resident, Town } from "./town.js";

/** Whoever is not declared dead by all after this counts as never declared dead. */
const KNOWN_MS_MAX = 60_000;
/** Trials begin at any moment of a protocol period. */
const PHASE_MS = 1_000;
/** What is said this long after a pause is said because of it. */
const AFTER_PAUSE_MS = 2_000;

/** A way to be gone. */
export interface Disappearance {
  readonly name: string;
  begin(victim: Resident): Promise<void>;
  /** Makes the spot good again, once the victim's process has ended. */
  undo(victim: Resident): Promise<void>;
}

/** Times from the moment before it began, in ms; Infinity when not all declared it dead. */
export interface Trial {
  readonly firstSuspectMs: number;
  readonly firstDeadMs: number;
  readonly allKnowMs: number;
  /** Others that somebody declared dead meanwhile. */
  readonly wrong: number;
}

export interface Gone {
  readonly town: Town;
  readonly random: Random;
  readonly say: RunOptions["say"];
}

export async function untilKnown(
  { town, random, say }: Gone,
  { name, begin, undo }: Disappearance,
  count: number,
): Promise<readonly Trial[]> {
  const trials: Trial[] = [];
  while (trials.length < count) {
    await sleep(PHASE_MS * random.next());
    const victim = oneOf(town.residents, random);
    const sinceMs = systemMs();
    await begin(victim);
    const times = await town.declaredDead(victim, sinceMs, KNOWN_MS_MAX);
    const news = town.news(sinceMs, victim);
    const suspected = news.filter(({ event, of }) => event === "node-suspect" && of === victim.id);
    const isKnown = times.length === town.others(victim).length;
    const trial: Trial = {
      firstSuspectMs: Math.min(...suspected.map(({ atMs }) => atMs)) - sinceMs,
      firstDeadMs: Math.min(...times) - sinceMs,
      allKnowMs: isKnown ? Math.max(...times) - sinceMs : Number.POSITIVE_INFINITY,
      wrong: news.filter(({ event, of }) => event === "node-down" && of !== victim.id).length,
    };
    trials.push(trial);
    say(`[${trials.length}/${count}] ${name}: ${textOf(trial)}${reasonOf(news, victim)}`);
    await town.replace(victim, () => undo(victim));
  }
  return trials;
}

export interface Pause {
  readonly lengthMs: number;
  /** How many declared somebody dead, whoever it was. */
  readonly declaredDead: number;
}

export async function paused(
  { town, random, say }: Gone,
  lengthsMs: readonly number[],
): Promise<readonly Pause[]> {
  const pauses: Pause[] = [];
  for (const lengthMs of lengthsMs) {
    const resident = oneOf(town.residents, random);
    const sinceMs = systemMs();
    resident.process.signal("SIGSTOP");
    await sleep(lengthMs);
    resident.process.signal("SIGCONT");
    await sleep(AFTER_PAUSE_MS);
    await town.settled();
    const news = town.news(sinceMs);
    const declaredDead = news.filter(({ event }) => event === "node-down").length;
    pauses.push({ lengthMs, declaredDead });
    const suspicions = news.filter(({ event }) => event === "node-suspect").length;
    const text = `${seconds(lengthMs)} s: ${suspicions} suspicions, ${declaredDead} verdicts`;
    say(`[${pauses.length}/${lengthsMs.length}] paused for ${text}`);
  }
  return pauses;
}

function oneOf(residents: readonly Resident[], random: Random): Resident {
  return residents[Math.floor(random.next() * residents.length)] as Resident;
}

function textOf({ firstSuspectMs, firstDeadMs, allKnowMs, wrong }: Trial): string {
  const first = Number.isFinite(firstSuspectMs)
    ? `first suspected after ${seconds(firstSuspectMs)} s`
    : "never suspected";
  const others = wrong === 0 ? "" : `, ${wrong} wrong verdicts on others`;
  return `${first}, first declared dead ${seconds(firstDeadMs)} s, known to all ${seconds(allKnowMs)} s${others}`;
}

/** What the first verdict rested on. */
function reasonOf(news: ReturnType<Town["news"]>, victim: Resident): string {
  const [first] = news
    .filter(({ event, of }) => event === "node-down" && of === victim.id)
    .toSorted((a, b) => a.atMs - b.atMs);
  return first === undefined ? "" : ` (${first.reason})`;
}

export function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3);
}
