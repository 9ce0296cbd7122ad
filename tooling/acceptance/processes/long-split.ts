/**
 * A long split: a minority of the nodes is cut off while nothing else is wrong, and every name is asked for on the other
 * side, all the time. Whoever answers after the fail-over window was reachable.
 */
import type { Random } from "@foundation/core/ports";
import { runOn } from "../support/run-on.js";
import { votersOf, type NodePlan, type Sim } from "./process-node.js";
import type { Weather } from "./weather.js";
import { definitionOf, isGuarded, isStrong, mayRunOn } from "./workload.js";

/** What was asked for outside of the fail-over window, and what of it was answered. */
export interface Reached {
  readonly asked: number;
  readonly answered: number;
}

/** From the cut until every name is served again on the side of the majority. */
export const failoverWindowMs = 12_000;
const ASKED_FOR_MS = 20_000;
const EVERY_MS = 400;
const ANSWER_WITHIN_MS = 1_000;

/** The world that is split. */
export interface Splitting {
  readonly sim: Sim;
  readonly weather: Weather;
  readonly random: Random;
  readonly plan: NodePlan;
  /** What users do besides, all the time. */
  readonly meanwhile: () => void;
}

/**
 * Asks only for names that were served before, since one may have been given up after too many crashes, and that some node
 * of the majority can run; strong ones where most voters are.
 */
export async function splitForLong(
  { sim, weather, random, plan, meanwhile }: Splitting,
  identities: readonly string[],
): Promise<Reached> {
  const names = sim.nodes.map(({ name }) => name);
  const size = 1 + Math.floor(random.next() * (Math.ceil(names.length / 2) - 1));
  const minority = [...names].sort(() => random.next() - 0.5).slice(0, size);
  const majority = names.filter((name) => !minority.includes(name));
  const anybody = () => majority[Math.floor(random.next() * majority.length)] as string;
  const before = await sim.settle(
    Promise.all(identities.map((identity) => isReached(sim, anybody(), identity))),
  );
  const served = identities.filter((identity, index) => {
    const mayRun = (name: string) => sim.node(name).within((app) => mayRunOn(app, identity));
    if (isStrong(identity) && plan.hasVoters && !hasMost(votersOf(names), majority)) return false;
    return before[index] && majority.some(mayRun);
  });
  const mend = weather.cut(minority, majority);
  await sim.run(failoverWindowMs);
  const answers: Promise<boolean>[] = [];
  const untilMs = sim.clock.now() + ASKED_FOR_MS;
  while (sim.clock.now() < untilMs) {
    for (const identity of served) answers.push(isReached(sim, anybody(), identity));
    meanwhile();
    await sim.run(EVERY_MS);
  }
  const all = await sim.settle(Promise.all(answers));
  const guarded = identities.filter(isGuarded);
  const cutOff = minority.flatMap((name) => guarded.map((each) => isReached(sim, name, each)));
  const isAnswered = (await sim.settle(Promise.all(cutOff))).includes(true);
  if (isAnswered) throw new Error(`${guarded} ran where no quorum was: on ${minority.join(", ")}`);
  mend();
  return { asked: all.length, answered: all.filter((each) => each).length };
}

function hasMost(voters: readonly string[], side: readonly string[]): boolean {
  return voters.filter((name) => side.includes(name)).length * 2 > voters.length;
}

function isReached(sim: Sim, name: string, identity: string): Promise<boolean> {
  const timeout = ANSWER_WITHIN_MS;
  return runOn(sim, sim.node(name), ({ face }) =>
    face.process(definitionOf(identity), identity).call("who", undefined, { timeout }),
  ).then(
    () => true,
    () => false,
  );
}
