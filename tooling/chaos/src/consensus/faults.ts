/**
 * Faults: what is done to the voters, one after the other, drawn from a seed. Each one ends, and is mended, before the
 * next begins; two at once happen where a fault says so. Nothing here takes what was made durable.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@foundation/core/ports";
import type { Voters } from "./voters.js";

/** Between two faults, and how long one lasts. */
const QUIET_MS = { least: 500, most: 4_000 };
const LASTS_MS = { least: 500, most: 5_000 };
const LOST_PERCENT = 20;
const BYTES_PER_SECOND = 100_000;
const SLOW_DISK_MS = { least: 50, most: 3_000 };
const SLOW_LINK_MS = { least: 20, most: 400 };

interface Strike {
  readonly voters: Voters;
  readonly random: Random;
  readonly lastsMs: number;
}

type Fault = (strike: Strike) => Promise<string>;

const faults: Readonly<Record<string, Fault>> = {
  "kill -9": async (strike) => {
    const { voters, lastsMs } = strike;
    const victim = someOf(strike);
    await voters.kill(victim);
    await sleep(lastsMs);
    await voters.restart(victim);
    return voters.name(victim);
  },
  "kill -9 of a majority": async (strike) => {
    const { voters, lastsMs } = strike;
    const victims = shuffled(strike).slice(0, Math.floor(voters.count / 2) + 1);
    await Promise.all(victims.map((each) => voters.kill(each)));
    await sleep(lastsMs);
    await voters.startAll();
    return victims.map((each) => voters.name(each)).join();
  },
  "kill -9 of all": async ({ voters }) => {
    await Promise.all(Array.from({ length: voters.count }, (_, i) => voters.kill(i)));
    await voters.startAll();
    return "all";
  },
  SIGSTOP: async (strike) => {
    const { voters, lastsMs } = strike;
    const victim = someOf(strike);
    voters.pause(victim);
    await sleep(lastsMs);
    voters.resume(victim);
    return voters.name(victim);
  },
  "a partition": async (strike) => {
    const { voters, lastsMs } = strike;
    const all = shuffled(strike);
    const cutAt = 1 + Math.floor(strike.random.next() * (all.length - 1));
    const [some, rest] = [all.slice(0, cutAt), all.slice(cutAt)];
    await each(some, rest, (a, b) => partition(voters, a, b));
    await each(rest, some, (a, b) => partition(voters, a, b));
    await sleep(lastsMs);
    await voters.hosts.heal();
    return `${named(voters, some)} | ${named(voters, rest)}`;
  },
  "a one-way cut": async (strike) => {
    const { voters, lastsMs } = strike;
    const [from = 0, ...others] = shuffled(strike);
    await each([from], others, (a, b) => partition(voters, a, b));
    await sleep(lastsMs);
    await voters.hosts.heal();
    return `${voters.name(from)} is not heard`;
  },
  "each alone": async ({ voters, lastsMs }) => {
    const all = Array.from({ length: voters.count }, (_, i) => i);
    await each(all, all, async (a, b) => (a === b ? undefined : partition(voters, a, b)));
    await sleep(lastsMs);
    await voters.hosts.heal();
    return "all";
  },
  "lost packets": async ({ voters, lastsMs }) => {
    const all = Array.from({ length: voters.count }, (_, i) => i);
    await each(all, all, async (a, b) => {
      if (a !== b) await voters.hosts.lose(voters.name(a), voters.name(b), LOST_PERCENT);
    });
    await sleep(lastsMs);
    await voters.hosts.heal();
    return `${LOST_PERCENT} %`;
  },
  "a thin wire": async (strike) => {
    const { voters, lastsMs } = strike;
    const [from = 0, ...others] = shuffled(strike);
    await each([from], others, (a, b) =>
      voters.hosts.limit(voters.name(a), voters.name(b), BYTES_PER_SECOND),
    );
    await sleep(lastsMs);
    await voters.hosts.heal();
    return `${voters.name(from)} sends ${BYTES_PER_SECOND} B/s`;
  },
  "a slow link": async (strike) => {
    const { voters, lastsMs } = strike;
    const byMs = between(strike.random, SLOW_LINK_MS);
    const victim = someOf(strike);
    voters.tell(victim, { type: "slow-link", byMs });
    await sleep(lastsMs);
    voters.tell(victim, { type: "slow-link", byMs: 0 });
    return `${voters.name(victim)}, ${byMs} ms`;
  },
  "a slow disk": async (strike) => {
    const { voters, lastsMs } = strike;
    const byMs = between(strike.random, SLOW_DISK_MS);
    const victim = someOf(strike);
    voters.tell(victim, { type: "slow-disk", byMs });
    await sleep(lastsMs);
    voters.tell(victim, { type: "slow-disk", byMs: 0 });
    return `${voters.name(victim)}, ${byMs} ms`;
  },
  "a leader cut off that stands still, too": async (strike) => {
    const { voters, lastsMs } = strike;
    const victim = voters.leader ?? someOf(strike);
    const others = shuffled(strike).filter((index) => index !== victim);
    await each([victim], others, (a, b) => partition(voters, a, b));
    voters.pause(victim);
    await sleep(lastsMs / 2);
    voters.resume(victim);
    await sleep(lastsMs / 2);
    await voters.hosts.heal();
    return voters.name(victim);
  },
};

export interface Struck {
  readonly fault: string;
  readonly at: string;
  readonly lastsMs: number;
}

/** Strikes until the time is up; all is mended then. */
export async function strike(
  voters: Voters,
  random: Random,
  forMs: number,
  tell: (struck: Struck) => void,
): Promise<void> {
  const untilMs = performance.now() + forMs;
  const names = Object.keys(faults);
  while (performance.now() < untilMs) {
    await sleep(between(random, QUIET_MS));
    const fault = names[Math.floor(random.next() * names.length)] ?? "kill -9";
    const lastsMs = between(random, LASTS_MS);
    const at = (await faults[fault]?.({ voters, random, lastsMs })) ?? "";
    tell({ fault, at, lastsMs });
    // A disk that was too slow may have ended a member's part; its process is then started anew.
    for (const index of voters.failed) {
      await voters.kill(index);
      await voters.restart(index);
    }
  }
}

/** Every second one is the leader: most of what can go wrong goes wrong there. */
function someOf({ voters, random }: Strike): number {
  const any = Math.floor(random.next() * voters.count);
  return random.next() < 0.5 ? (voters.leader ?? any) : any;
}

function shuffled({ voters, random }: Strike): readonly number[] {
  const all = Array.from({ length: voters.count }, (_, index) => ({ index, at: random.next() }));
  return all.toSorted((a, b) => a.at - b.at).map(({ index }) => index);
}

function between(
  random: Random,
  { least, most }: { readonly least: number; readonly most: number },
) {
  return Math.round(least + (most - least) * random.next());
}

async function each(
  from: readonly number[],
  to: readonly number[],
  act: (a: number, b: number) => Promise<void>,
): Promise<void> {
  for (const a of from) for (const b of to) await act(a, b);
}

function partition(voters: Voters, from: number, to: number): Promise<void> {
  return voters.hosts.partition(voters.name(from), voters.name(to));
}

function named(voters: Voters, some: readonly number[]): string {
  return some.map((index) => voters.name(index)).join();
}
