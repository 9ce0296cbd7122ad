/**
 * Merging: processes that take in what another of their name knew. While a minority is cut off for long, both sides write
 * to them; after the heal nothing is lost of what either side was answered, and each loser's state came exactly once.
 */
import { runOn } from "../../support/run-on.js";
import { definitionOf, keptMerger } from "../workload.js";
import { anyNode, type Part, type PartWorld } from "./part.js";

const WRITE_WITHIN_MS = 1_000;

export class Merging implements Part {
  readonly #world: PartWorld;
  /** Outcomes there were when the cut began. */
  #since: number | undefined;

  constructor(world: PartWorld) {
    this.#world = world;
  }

  meanwhile(): void {
    const { sim, workload, book } = this.#world;
    if (this.#since === undefined) {
      this.#since = workload.outcomes.length;
      book.conflicts.open();
    }
    for (const node of sim.nodes) {
      for (const identity of keptMerger) {
        sim.at(0, () => workload.call(node, identity, WRITE_WITHIN_MS));
      }
    }
  }

  async judge(): Promise<readonly string[]> {
    const { book } = this.#world;
    const wrong = [...book.conflicts.judge()];
    if (this.#since === undefined) return wrong;
    wrong.push(...book.conflicts.judgeOpen(keptMerger));
    for (const identity of keptMerger) wrong.push(...(await this.#lost(identity)));
    return wrong;
  }

  /** What somebody was told is done since the cut began, and nobody knows any more. */
  async #lost(identity: string): Promise<readonly string[]> {
    const { sim, workload } = this.#world;
    const done = workload.outcomes
      .slice(this.#since)
      .filter((outcome) => outcome.identity === identity && outcome.code === "ok");
    if (done.length === 0) return [];
    const asked = runOn(sim, anyNode(this.#world), ({ face }) =>
      face.process(definitionOf(identity), identity).call("known", undefined, { timeout: "5s" }),
    );
    const known = new Set(await sim.settle(asked));
    return done
      .filter(({ id }) => !known.has(id))
      .map(({ what }) => `${what}: done, and lost when both sides of a cut met again`);
  }
}
