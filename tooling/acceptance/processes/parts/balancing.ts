/**
 * Balancing: nodes are evened out. While things go wrong it may fail as it likes; when nothing is wrong exactly those move
 * whom its report names, no more than it planned and was allowed, and whoever calls meanwhile does not notice.
 */
import { isFoundationError } from "@foundation/core";
import type { RebalanceReport } from "@foundation/registry";
import { instancesOf } from "../agreement.js";
import { runOn } from "../../support/run-on.js";
import type { Node } from "../process-node.js";
import { anyNode, oneOf, type Part, type PartWorld } from "./part.js";

const RATE = 50;
const CALL_EVERY_MS = 20;
const PERMIT_MS = 70_000;
const MOVES_ALLOWED = [1, 3, 1_000];

export class Balancing implements Part {
  readonly #world: PartWorld;

  constructor(world: PartWorld) {
    this.#world = world;
  }

  act(node: Node): void {
    const { random, workload } = this.#world;
    const maxMoves = oneOf(random, MOVES_ALLOWED) as number;
    if (random.next() > 0.2) return;
    workload.attempt(
      node,
      ({ face }) => face.rebalance({ maxMoves, rate: RATE, moveTimeout: "3s" }).done,
    );
  }

  async exercise(): Promise<readonly string[]> {
    const { sim, workload, random } = this.#world;
    const before = await instancesOf(sim, workload.living());
    const identities = [...before.keys()];
    // All may have been given up after too many crashes on purpose, or never have started.
    if (identities.length === 0) return [];
    // Most end up where one node was.
    const to = anyNode(this.#world);
    for (const identity of identities) {
      if (random.next() < 0.7) sim.at(0, () => workload.moveTo(anyNode(this.#world), identity, to));
      await sim.run(50);
    }
    await sim.run("2s");
    const wrong: string[] = [];
    for (const maxMoves of [2, 1_000]) wrong.push(...(await this.#even(identities, maxMoves)));
    return wrong;
  }

  async #even(identities: readonly string[], maxMoves: number): Promise<readonly string[]> {
    const { sim, workload } = this.#world;
    const before = await instancesOf(sim, identities);
    const { length } = workload.outcomes;
    let report: RebalanceReport | undefined;
    let failure: unknown;
    this.#begun(maxMoves).then(
      (made) => (report = made),
      (error: unknown) => (failure = error),
    );
    while (report === undefined && failure === undefined) {
      sim.at(0, () =>
        workload.call(anyNode(this.#world), oneOf(this.#world.random, identities) as string, 2_000),
      );
      await sim.run(CALL_EVERY_MS);
    }
    await sim.run("3s");
    if (report === undefined)
      return [`a rebalancing failed, while nothing was wrong: ${String(failure)}`];
    const after = await instancesOf(sim, identities);
    return [
      ...workload.failedSince(length, identities),
      ...wrongMoves(report, maxMoves, before, after),
    ];
  }

  /** A permit that the storm has left behind runs out after a minute. */
  async #begun(maxMoves: number): Promise<RebalanceReport> {
    const { sim } = this.#world;
    const untilMs = sim.clock.now() + PERMIT_MS;
    for (;;) {
      try {
        const node = anyNode(this.#world);
        return await runOn(sim, node, ({ face }) => face.rebalance({ maxMoves, rate: RATE }).done);
      } catch (error) {
        const isBusy = isFoundationError(error, "ERR_REBALANCING");
        if (!isBusy || sim.clock.now() > untilMs) throw error;
      }
      await sim.clock.sleep(1_000);
    }
  }
}

/** What a rebalancing did, against what it said. */
export function wrongMoves(
  { planned, done, failed, ended }: Pick<RebalanceReport, "planned" | "done" | "failed" | "ended">,
  maxMoves: number,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const wrong: string[] = [];
  const plan = new Set(planned.map(({ identity }) => identity));
  const moved = new Set(done.map(({ identity }) => identity));
  const allowed = Math.min(maxMoves, planned.length);
  if (ended !== "finished") wrong.push(`a rebalancing ended as ${ended}, while nothing was wrong`);
  for (const { move, why } of failed) wrong.push(`${move.identity} could not be moved: ${why}`);
  if (done.length > allowed) wrong.push(`${done.length} were moved, and ${allowed} may have been`);
  for (const identity of moved) {
    if (!plan.has(identity)) wrong.push(`${identity} was moved, and the plan did not say so`);
  }
  for (const [identity, instance] of before) {
    const now = after.get(identity);
    if (now === undefined) wrong.push(`${identity} was lost when nodes were evened out`);
    else if (moved.has(identity) && now === instance) {
      wrong.push(`${identity} was reported as moved, and is where it was`);
    } else if (!moved.has(identity) && now !== instance) {
      wrong.push(`${identity} is another instance, and was not reported as moved`);
    }
  }
  return wrong;
}
