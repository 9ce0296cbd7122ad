/**
 * Saving: processes that keep their state with each message. Whoever was answered finds what he did after the process has
 * crashed, and after its node has died, once what was kept had a moment to leave it.
 */
import { runOn } from "../../support/run-on.js";
import type { Node } from "../process-node.js";
import { definitionOf, keptSaver } from "../workload.js";
import { anyNode, type Part, type PartWorld } from "./part.js";

const CALLS = 8;
/** What was kept has left its node by then. */
const AWAY_MS = 500;
const RESTART_MS = 2_000;
const TAKEOVER_MS = 20_000;

export class Saving implements Part {
  readonly #world: PartWorld;

  constructor(world: PartWorld) {
    this.#world = world;
  }

  async exercise(): Promise<readonly string[]> {
    const wrong: string[] = [];
    const living = this.#world.workload.living();
    for (const identity of keptSaver.filter((each) => living.includes(each))) {
      const before = await this.#known(identity);
      // Given up after too many crashes on purpose.
      if (before === undefined) continue;
      wrong.push(...(await this.#survives(identity, "a crash", () => this.#crash(identity))));
      wrong.push(
        ...(await this.#survives(identity, "the end of its node", () => this.#kill(identity))),
      );
    }
    return wrong;
  }

  async #survives(
    identity: string,
    what: string,
    strike: () => Promise<void>,
  ): Promise<readonly string[]> {
    const { sim, workload } = this.#world;
    for (let call = 0; call < CALLS; call++) {
      sim.at(0, () => workload.call(anyNode(this.#world), identity, 2_000));
      await sim.run(20);
    }
    await sim.run(AWAY_MS);
    const before = await this.#known(identity);
    await strike();
    return wrongAfter(identity, what, before, await this.#known(identity));
  }

  async #crash(identity: string): Promise<void> {
    const { sim, workload } = this.#world;
    sim.at(0, () => workload.crash(anyNode(this.#world), identity));
    await sim.run(RESTART_MS);
  }

  async #kill(identity: string): Promise<void> {
    const { sim, weather } = this.#world;
    const home = sim.nodes.find((node) => this.#runsOn(node, identity));
    if (home === undefined) return;
    sim.at(0, () => sim.crash(home.name));
    weather.down(home.name, TAKEOVER_MS / 2);
    await sim.run(TAKEOVER_MS);
    weather.expire();
    await sim.run(TAKEOVER_MS / 2);
  }

  #runsOn(node: Node, identity: string): boolean {
    return node.within(({ face }) => face.registry.lookup(identity)?.pid.node === face.self.id);
  }

  async #known(identity: string): Promise<readonly string[] | undefined> {
    const { sim } = this.#world;
    const asked = runOn(sim, anyNode(this.#world), ({ face }) =>
      face.process(definitionOf(identity), identity).call("known", undefined, { timeout: "5s" }),
    );
    return sim.settle(asked.catch(() => undefined));
  }
}

/** What a process that keeps its state with each message has forgotten, or made up. */
export function wrongAfter(
  identity: string,
  what: string,
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
): readonly string[] {
  if (before === undefined || after === undefined) {
    return [`${identity} could not be asked ${before === undefined ? "before" : "after"} ${what}`];
  }
  const lost = before.filter((id) => !after.includes(id));
  const more = after.filter((id) => !before.includes(id));
  if (lost.length + more.length === 0) return [];
  return [
    `${identity} kept its state, and after ${what} knew no more of ${lost.join(", ") || "nothing"}` +
      `, and of ${more.join(", ") || "nothing"} that it had not known`,
  ];
}
