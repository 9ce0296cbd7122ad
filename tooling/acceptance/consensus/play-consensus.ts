/**
 * playConsensus: one world of consensus from its seed to its end, or to what it violates.
 *
 * A group suffers for some seconds while clients use it, then everything heals and must work, then the histories of the
 * clients must be linearizable.
 */
import { checkLinearizable, keyValueModel, lockModel } from "@foundation/testkit";
import type { LinearizabilityOptions } from "@foundation/testkit";
import { Clients } from "./clients.js";
import { GroupWorld } from "./group-world.js";
import { Nemesis } from "./nemesis.js";
import { recover } from "./recovery.js";
import { Trace } from "./trace.js";
import { fail, Violation } from "./violation.js";
import { Watch } from "./watch.js";
import { weatherText } from "./weather.js";

export interface ConsensusOrder {
  readonly seed: string;
  /** At first. */
  readonly voters: number;
  /** How long it suffers, in virtual milliseconds. @default 6,000 */
  readonly forMs?: number;
  /** Names of deeds that are left out. @default none */
  readonly skip?: readonly string[];
  /** Keeps the last of what happened. */
  readonly isTold?: boolean;
}

export interface ConsensusPlayed {
  readonly seed: string;
  readonly voters: number;
  /** What was violated, and which check saw it, and when. */
  readonly violation:
    | { readonly check: string; readonly what: string; readonly atMs: number }
    | undefined;
  /** Histories that no limit of the checker allowed to decide. */
  readonly undecided: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly operations: number;
  readonly counts: Readonly<Record<string, number>>;
  /** The names of the deeds that were done. */
  readonly deeds: readonly string[];
  readonly weather: string;
  /** With `isTold`. */
  readonly story: readonly string[];
}

const FOR_MS = 6_000;
const STORY_LINES = 80;
/** Nothing here takes time; what limits a search is what it keeps. */
const checking: LinearizabilityOptions = {
  configurationsMax: 100_000,
  clock: { now: () => 0, endOfTurn: (run) => queueMicrotask(run) },
};

export async function playConsensus(order: ConsensusOrder): Promise<ConsensusPlayed> {
  const { seed, voters, forMs = FOR_MS, skip = [], isTold = false } = order;
  const trace = isTold ? new Trace() : undefined;
  const world = new GroupWorld(`${seed} ${voters}`, voters, trace);
  const clients = new Clients(world);
  const nemesis = new Nemesis(world, new Set(skip));
  let violation: ConsensusPlayed["violation"];
  let undecided = 0;
  try {
    new Watch(world).begin();
    clients.begin();
    nemesis.begin();
    await world.run(forMs);
    await recover(world, clients);
    undecided += await explain(world, clients);
  } catch (error) {
    const check = error instanceof Violation ? error.check : "core";
    const what = error instanceof Error ? error.message : String(error);
    violation = { check, what, atMs: world.now };
  }
  const { checks, counts, now } = world;
  counts.add("worlds on durable logs", world.weather.hasDurableLog ? 1 : 0);
  counts.add("committed", checks.committed);
  counts.add("not applied", checks.notApplied);
  counts.add("unknown", checks.unknown);
  counts.add("reads", checks.reads);
  counts.add("leaderships", checks.leaderships);
  counts.add("messages lost", world.network.lost);
  counts.add("messages repeated", world.network.repeated);
  return {
    seed,
    voters,
    violation,
    undecided,
    virtualMs: now,
    events: counts.events,
    operations: clients.keys.operations().length + clients.locks.operations().length,
    counts: counts.all(),
    deeds: nemesis.done,
    weather: weatherText(world.weather),
    story: trace?.last(STORY_LINES) ?? [],
  };
}

/** @throws {Violation} no order explains what clients saw */
async function explain(world: GroupWorld, { keys, locks }: Clients): Promise<number> {
  const results = [
    await checkLinearizable(keys.operations(), keyValueModel<number>(), checking),
    await checkLinearizable(locks.operations(), lockModel(), checking),
  ];
  let undecided = 0;
  for (const result of results) {
    if (result.ok === false) fail("linearizability", result.rendering);
    if (result.ok === undefined) undecided += 1;
    world.counts.add("linearizability configurations", result.configurations);
  }
  return undecided;
}
