/**
 * playProcesses: processes of the whole cluster under all faults, in virtual time.
 *
 * What a seed draws goes wrong while users start, call, crash, stop and move processes. Then all is healed: one instance of
 * each identity is left, answered to by every node. Then nodes leave under load and come back, and at last a minority is
 * cut off for long, while the names are asked for on the other side.
 */
import { createMemoryEngine } from "@foundation/consensus";
import { seededRandom } from "@foundation/core/testing";
import type { Random } from "@foundation/core/ports";
import { createSimulator } from "@foundation/testkit";
import { loadSeats } from "../../../packages/foundation/src/consensus/seats.js";
import { servedOf, untilAgreed, wrongAtRest, type Expected } from "./agreement.js";
import { Mortals } from "./mortals.js";
import { makeParts } from "./parts/make-parts.js";
import { features as allFeatures, oneOf, type Feature, type Part } from "./parts/part.js";
import { openBook, type ProcessBook } from "./process-book.js";
import { processNode, type NodePlan, type ProcessNode, type Sim } from "./process-node.js";
import { splitForLong, type Reached } from "./long-split.js";
import { Weather, weatherKinds } from "./weather.js";
import { Workload } from "./workload.js";

export interface PlayProcessesOptions {
  readonly seed: string;
  readonly nodesMin: number;
  readonly nodesMax: number;
  /** How long faults rage, in virtual milliseconds. */
  readonly forMs: number;
  /** What the world has beside single processes. @default what the seed draws */
  readonly features?: readonly Feature[];
}

export interface ProcessesPlayed {
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

interface World {
  readonly sim: Sim;
  readonly random: Random;
  readonly book: ProcessBook;
  readonly mortals: Mortals;
  readonly workload: Workload;
  readonly weather: Weather;
  readonly parts: readonly Part[];
  /** Who of the parts acts. */
  readonly turns: Random;
}

const STEP_MS = 40;
const VIOLATIONS_SHOWN = 12;
const LEAVE_MS = 20_000;
const MOVES = 20;
const CALLS_BETWEEN = 12;
const LEAVE_CHANCE = 0.002;
const PART_CHANCE = 0.3;

/** Never rejects: what went wrong is the violation. */
export async function playProcesses(options: PlayProcessesOptions): Promise<ProcessesPlayed> {
  const { seed, nodesMin, nodesMax } = options;
  // What is loaded while nodes run takes real time, and no seed says how much.
  await loadSeats();
  const random = seededRandom(seed).fork("processes");
  const nodes = nodesMin + Math.floor(random.next() * (nodesMax - nodesMin + 1));
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const turns = random.fork("parts");
  const { features = allFeatures.filter(() => turns.next() < 0.5) } = options;
  const byHand = random.next() < 0.5;
  const plan: NodePlan = {
    names,
    byHand,
    hasVoters: !byHand && random.next() < 0.6,
    rareOn: names.filter((_, index) => index < 2 || random.next() < 0.3),
  };
  const hasStore = plan.byHand || plan.hasVoters;
  // A lease is safe while clocks tick alike: what drifts more than it allows for is no fault that it promises to survive.
  const kinds = weatherKinds.filter((kind) => {
    return random.next() < 0.5 && !(hasStore && kind === "drift");
  });
  const everyMs = 300 + random.next() * 2_500;
  const sim = createSimulator<ProcessNode>({ seed });
  const store = createMemoryEngine({ clock: sim.clock });
  const book = openBook(() => sim.clock.now());
  const mortals = new Mortals(sim);
  const workload = new Workload(sim, random.fork("workload"), mortals, {
    ...{ hasStore, byHand, features },
  });
  const weather = new Weather(sim, random.fork("weather"), {
    kinds,
    everyMs,
    lastsMsMax: 7_000,
    downMsMax: 5_000,
  });
  const reaches = (name: string) => weather.reachesMost(name);
  for (const name of names)
    sim.addNode(name, (host) => processNode(host, plan, { store, reaches }));
  const parts = makeParts(features, { sim, random: turns, book, workload, weather });
  const world: World = { sim, random, book, mortals, workload, weather, parts, turns };
  let reached: Reached = { asked: 0, answered: 0 };
  let violation: string | undefined;
  try {
    await begin(world);
    await rage(world, options.forMs);
    await rest(world, "the storm");
    await moveUnderLoad(world);
    await rest(world, "the moves");
    for (const part of parts) await exercise(world, part);
    await leaveInTurn(world);
    await rest(world, "the leaving");
    const meanwhile = () => {
      for (const part of parts) part.meanwhile?.();
    };
    reached = await splitForLong({ sim, weather, random, plan, meanwhile }, workload.living());
    await rest(world, "the long split");
  } catch (error) {
    violation = error instanceof Error ? error.message : String(error);
  }
  const virtualMs = sim.clock.now();
  const { hash } = sim.trace;
  sim.close();
  const counts = {
    runs: book.runs.size,
    drains: workload.drains,
    moves: workload.moves,
    conflicts: book.endedWith("name-conflict"),
    forks: book.forks,
    effects: book.tokens.taken,
    refused: book.tokens.refused,
    merged: book.conflicts.resolved,
    ...Object.fromEntries(features.map((feature) => [`worlds with ${feature}`, 1])),
    asked: reached.asked,
    answered: reached.answered,
  };
  const faults = weather.strikes;
  return {
    seed,
    hash,
    nodes,
    virtualMs,
    faults,
    calls: workload.outcomes.length,
    counts,
    violation,
  };
}

async function begin({ sim, workload, parts }: World): Promise<void> {
  await untilAgreed(sim);
  for (const part of parts) await part.begin?.();
  for (const [index, identity] of workload.identities.entries()) {
    const node = sim.nodes[index % 2];
    sim.at(index, () => node && workload.ensure(node, identity));
  }
  await sim.run(100);
}

/** Users act and things go wrong. */
async function rage(world: World, forMs: number): Promise<void> {
  const { sim, workload, weather, random, book } = world;
  const untilMs = sim.clock.now() + forMs;
  while (sim.clock.now() < untilMs && book.violations.length === 0) {
    sim.at(0, () => {
      weather.pass();
      if (random.next() < LEAVE_CHANCE) leaveOne(world);
      else if (!actPart(world)) workload.act();
    });
    await sim.run(1 + STEP_MS * random.next() * 2);
  }
}

/** A part acts now and then; false when it is not its turn. */
function actPart({ parts, turns, workload }: World): boolean {
  if (parts.length === 0 || turns.next() >= PART_CHANCE) return false;
  const part = oneOf(turns, parts);
  const node = oneOf(turns, workload.ready());
  if (part?.act === undefined || node === undefined) return false;
  part.act(node);
  return true;
}

/** Nothing is wrong, and a part does what has a certain outcome. */
async function exercise(world: World, part: Part): Promise<void> {
  if (part.exercise === undefined) return;
  const what = `the exercise of ${part.constructor.name}`;
  tell(what, await part.exercise());
  await rest(world, what);
}

function tell(after: string, wrong: readonly string[]): void {
  if (wrong.length === 0) return;
  const shown = wrong.slice(0, VIOLATIONS_SHOWN).join("\n");
  throw new Error(`after ${after}, ${wrong.length} wrong:\n${shown}`);
}

function leaveOne({ sim, workload, weather, random }: World): void {
  const nodes = workload.ready();
  const node = nodes[Math.floor(random.next() * nodes.length)];
  if (node === undefined || nodes.length < 2) return;
  workload.leave(node, () => {
    sim.at(0, () => sim.crash(node.name));
    weather.down(node.name, random.next() * 3_000);
  });
}

/** All is healed; every book must balance. */
async function rest(world: World, after: string): Promise<void> {
  const { sim, weather, workload, mortals, book, parts } = world;
  weather.clear();
  const untilMs = sim.clock.now() + LEAVE_MS;
  while (workload.isSomebodyLeaving && sim.clock.now() < untilMs) {
    await sim.run(100);
    weather.expire();
  }
  weather.clear();
  for (const node of sim.nodes) if (node.state === "down") sim.restart(node.name);
  tell(after, book.violations);
  await untilAgreed(sim);
  tell(after, await wrongAtRest(sim, expectedOf(world), mortals, parts));
  tell(after, [...workload.judge(book), ...book.violations]);
  mortals.settle();
  workload.settle();
  for (const part of parts) part.settle?.();
  book.calm(after !== "the leaving");
}

function expectedOf({ workload, parts }: World): Expected {
  return {
    all: [...workload.identities, ...parts.flatMap(({ identities = [] }) => identities)],
    living: [...workload.living(), ...parts.flatMap((part) => part.living?.() ?? [])],
    beside: () => parts.reduce((sum, part) => sum + (part.beside?.() ?? 0), 0),
  };
}

/** Processes are moved while users call them, nothing being wrong: nobody may notice. */
async function moveUnderLoad({ sim, workload, random }: World): Promise<void> {
  const identities = workload.living();
  const served = await servedOf(sim, identities);
  const before = workload.outcomes.length;
  for (let step = 0; step < MOVES * CALLS_BETWEEN; step++) {
    const identity = served[Math.floor(random.next() * served.length)];
    const node = sim.nodes[Math.floor(random.next() * sim.nodes.length)];
    if (identity === undefined || node === undefined) return;
    const isMove = step % CALLS_BETWEEN === 0;
    sim.at(0, () => {
      if (isMove) workload.move(node, identity);
      else workload.call(node, identity, 2_000, step % 7 === 0 ? 30 : 0);
    });
    await sim.run(4 * random.next());
  }
  await sim.run("3s");
  const wrong = workload.failedSince(before, served);
  if (wrong.length > 0) throw new Error(`calls failed while processes moved:\n${wrong.join("\n")}`);
}

/** Nodes leave one after the other under load, nothing else being wrong; and come back. */
async function leaveInTurn({ sim, workload, random, weather }: World): Promise<void> {
  const leaving = sim.nodes.filter(() => random.next() < 0.5).slice(0, sim.nodes.length - 1);
  for (const node of leaving) {
    const untilMs = sim.clock.now() + LEAVE_MS;
    let isGone = false;
    sim.at(0, () =>
      workload.leave(node, () => {
        isGone = true;
        sim.at(0, () => sim.crash(node.name));
        weather.down(node.name, 2_000);
      }),
    );
    while (sim.clock.now() < untilMs && !(isGone && node.state === "up")) {
      await sim.run(STEP_MS);
      weather.expire();
      sim.at(0, () => workload.serveOne());
    }
  }
}
