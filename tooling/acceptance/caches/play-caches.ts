/**
 * playCaches: caches of the whole cluster under all faults, in virtual time.
 *
 * Users read, write, delete and compute, first while nothing is wrong, then in a storm that the seed draws, then in calm
 * again; at last nodes leave, crash and join one after the other. What each kind of cache promises for each of these is
 * held against the book.
 */
import { seededRandom } from "@foundation/core/testing";
import { createSimulator } from "@foundation/testkit";
import { loadSeats } from "../../../packages/foundation/src/consensus/seats.js";
import { Weather, weatherKinds } from "../processes/weather.js";
import { untilAgreed, untilFormed, wrongAfter } from "./at-rest.js";
import { CacheBook } from "./cache-book.js";
import { cacheNode, type CacheNode, type NodesPlan } from "./cache-node.js";
import { drawPlans, NEAR_TTL_MS, type CachePlan } from "./cache-plan.js";
import {
  ALL,
  backwardReads,
  lostReads,
  notLinearizable,
  overdueReads,
  staleReads,
  type Span,
} from "./cache-rules.js";
import { computeOnce } from "./compute-once.js";
import { EpochShelf } from "./epoch-shelf.js";
import { MoveMeter } from "./move-meter.js";
import { moveNodes } from "./node-moves.js";
import { BRIEF_MS_MAX, Users } from "./users.js";
import { tellWrong, type World } from "./world.js";

export interface PlayCachesOptions {
  readonly seed: string;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
}

export interface CachesPlayed {
  readonly seed: string;
  /** Of all that happened: the same for the same seed. */
  readonly hash: string;
  readonly nodes: number;
  readonly virtualMs: number;
  readonly faults: number;
  readonly calls: number;
  readonly counts: Readonly<Record<string, number>>;
  readonly violation: string | undefined;
}

const STEP_MS = 30;
const CALM_MS = 5_000;
const SETTLE_MS = 8_000;

/** Never rejects: what went wrong is the violation. */
export async function playCaches(options: PlayCachesOptions): Promise<CachesPlayed> {
  const { seed, nodesMin, nodesMax } = options;
  // What is loaded while nodes run takes real time, and no seed says how much.
  await loadSeats();
  const random = seededRandom(seed).fork("caches");
  const nodes = nodesMin + Math.floor(random.next() * (nodesMax - nodesMin + 1));
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const byHand = random.next() < 0.8;
  const plan: NodesPlan = { names, byHand, caches: drawPlans(random.fork("plans"), names) };
  const hasDeaths = random.next() < 0.6;
  const hasClocks = random.next() < 0.5;
  const kinds = weatherKinds.filter((kind) => {
    if (kind === "crash" || kind === "power") return hasDeaths;
    if (kind === "drift" || kind === "jump") return hasClocks;
    return random.next() < 0.5;
  });
  const everyMs = 400 + random.next() * 2_500;
  const sim = createSimulator<CacheNode>({ seed });
  const book = new CacheBook(() => sim.clock.now());
  const users = new Users(sim, random.fork("users"), book, plan.caches);
  const weather = new Weather(sim, random.fork("weather"), {
    ...{ kinds, everyMs },
    ...{ lastsMsMax: 7_000, downMsMax: 5_000 },
  });
  const shelf = new EpochShelf((name) => weather.reachesMost(name));
  const meter = new MoveMeter();
  for (const name of names) sim.addNode(name, (host) => cacheNode(host, plan, { shelf, meter }));
  const keeps = { keepsMemory: !hasDeaths, keepsTime: !hasClocks };
  const counts: Record<string, number> = {};
  const world: World = { sim, random, book, users, weather, meter, plan, counts, keeps };
  let violation: string | undefined;
  try {
    await play(world, options.forMs);
  } catch (error) {
    violation = error instanceof Error ? error.message : String(error);
  }
  const virtualMs = sim.clock.now();
  const { hash } = sim.trace;
  sim.close();
  const { calls } = users;
  return { seed, hash, nodes, virtualMs, faults: weather.strikes, calls, counts, violation };
}

async function play(world: World, forMs: number): Promise<void> {
  const { sim, plan, book } = world;
  await settle(world);
  await calm(world, "the beginning");
  await rage(world, forMs);
  await answered(world);
  const left = await settle(world);
  const wrong = plan.caches.flatMap((each) => {
    return wrongAfter(book, each, left.get(each.name) ?? new Map(), world.keeps);
  });
  tellWrong("after the storm", wrong);
  await calm(world, "the calm after the storm");
  await moveNodes(world, () => settle(world));
  await calm(world, "the calm after the moves");
  await sim.run(1);
  for (const each of plan.caches.filter(({ isQuorum }) => isQuorum)) {
    tellWrong("in all", [...staleReads(book, each, ALL), ...(await notLinearizable(book, each))]);
  }
}

/** Everybody is there, knows everybody, and reads the same; what that is. */
async function settle(world: World): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { sim, weather, book, plan } = world;
  weather.clear();
  for (const node of sim.nodes) if (node.state === "down") sim.restart(node.name);
  await untilFormed(sim);
  // Entries with an end are over, and near copies that nobody could withdraw.
  await sim.run(SETTLE_MS + BRIEF_MS_MAX + NEAR_TTL_MS);
  const left = new Map<string, ReadonlyMap<string, string>>();
  for (const each of plan.caches) left.set(each.name, await untilAgreed(sim, book, each));
  tellWrong("at rest", book.violations);
  return left;
}

/** Users act and nothing is wrong. */
async function calm(world: World, what: string): Promise<void> {
  const { sim, users, book, plan } = world;
  const from = book.moment();
  book.beStrict(true);
  const untilMs = sim.clock.now() + CALM_MS;
  while (sim.clock.now() < untilMs) {
    sim.at(0, () => users.act());
    await sim.run(1 + STEP_MS * world.random.next());
  }
  await computeOnce(world);
  await answered(world);
  book.beStrict(false);
  const span: Span = { from, to: book.moment() };
  const wrong = plan.caches.flatMap((each) => wrongInCalm(book, each, span));
  tellWrong(`in ${what}`, [...book.violations, ...wrong]);
}

function wrongInCalm(book: CacheBook, plan: CachePlan, span: Span): readonly string[] {
  return [
    ...staleReads(book, plan, span),
    ...lostReads(book, plan, span),
    ...overdueReads(book, plan, span),
    ...backwardReads(book, plan, span),
  ];
}

/** Users act and things go wrong. */
async function rage({ sim, weather, users, random, book }: World, forMs: number): Promise<void> {
  const untilMs = sim.clock.now() + forMs;
  while (sim.clock.now() < untilMs && book.violations.length === 0) {
    sim.at(0, () => {
      weather.pass();
      users.act();
    });
    await sim.run(1 + STEP_MS * 2 * random.next());
  }
  tellWrong("in the storm", book.violations);
}

/** Whatever was asked has had its answer, or never will. */
async function answered({ sim, users, weather }: World): Promise<void> {
  weather.clear();
  if (await sim.until(() => users.underWay === 0, "60s")) return;
  throw new Error(`${users.underWay} calls were neither answered nor refused within 60 s`);
}
