/**
 * Mortals: identities that are started once and stopped once, each under a name of its own. One whose stop was reported as
 * done runs nowhere after the heal and never comes back; one that nobody tried to stop is not lost.
 *
 * What a start of a node was told, it knows: it holds for as long as that start is up, and for good once all knew it when
 * nothing was wrong. If whoever knew has ended meanwhile, nobody can say what is right.
 */
import { isFoundationError } from "@foundation/core";
import { startOf, type Node, type Sim } from "./process-node.js";
import { common } from "./subjects.js";

interface Mortal {
  readonly identity: string;
  /** The start of a node that was told that it runs, or that it was stopped. */
  startedBy: string | undefined;
  stoppedBy: string | undefined;
  isStopAsked: boolean;
  settled: "alive" | "stopped" | undefined;
}

/** More are not there at a time: each is looked for on every node in the end. */
const LIVING_MAX = 12;
const VISIBLE_CHANCE = 0.2;

export class Mortals {
  readonly violations: string[] = [];
  readonly #all: Mortal[] = [];
  readonly #sim: Sim;

  constructor(sim: Sim) {
    this.#sim = sim;
  }

  /** Those that run somewhere, as somebody knows. */
  get living(): readonly string[] {
    return this.#identities("alive");
  }

  /** Those that run nowhere, as somebody knows. */
  get stopped(): readonly string[] {
    return this.#identities("stopped");
  }

  /** Those of which nobody can say whether they run. */
  get unclear(): readonly string[] {
    return this.#identities(undefined);
  }

  /** From now on all that is known is known to all. */
  settle(): void {
    const up = this.#up();
    for (const mortal of this.#all) mortal.settled = standing(mortal, up);
  }

  start(node: Node, choice: number): void {
    const there = this.#all.filter(({ stoppedBy }) => stoppedBy === undefined);
    if (there.length >= LIVING_MAX) return;
    const identity = `mortal-${this.#all.length}`;
    const mortal: Mortal = {
      identity,
      startedBy: undefined,
      stoppedBy: undefined,
      isStopAsked: false,
      settled: undefined,
    };
    this.#all.push(mortal);
    const by = startOf(node);
    const wait = choice < VISIBLE_CHANCE ? "visible" : "started";
    node.within(({ face }) => {
      face.startProcess(common, { identity }, { name: identity, distribute: true, wait }).then(
        () => (mortal.startedBy = by),
        (error: unknown) => this.#failed(identity, error),
      );
    });
  }

  /** Whether it is reported as done or not, nobody starts it again. */
  stop(node: Node, choice: number): void {
    const open = this.#all.filter((each) => each.startedBy !== undefined && !each.stoppedBy);
    const mortal = open[Math.floor(choice * open.length)];
    if (mortal === undefined) return;
    const { identity } = mortal;
    const by = startOf(node);
    mortal.isStopAsked = true;
    mortal.settled = undefined;
    node.within(({ face }) => {
      const ref = face.process(common, identity);
      ref.stop({ timeout: "3s" }).then(
        () => (mortal.stoppedBy = by),
        (error: unknown) => this.#failed(identity, error),
      );
    });
  }

  /** Whom the nodes still know of those that were stopped, and whom not of those that live. */
  judge(): readonly string[] {
    const wrong = [...this.violations];
    const { living, stopped } = this;
    for (const node of this.#sim.nodes) {
      const isKnown = (identity: string) =>
        node.within(({ face }) => face.registry.lookup(identity)) !== undefined;
      for (const identity of stopped) {
        if (isKnown(identity)) wrong.push(`${identity} was stopped, and ${node.name} knows it`);
      }
      for (const identity of living) {
        if (!isKnown(identity)) wrong.push(`${identity} is lost: ${node.name} does not know it`);
      }
    }
    return wrong;
  }

  #identities(as: "alive" | "stopped" | undefined): readonly string[] {
    const up = this.#up();
    return this.#all
      .filter((mortal) => standing(mortal, up) === as)
      .map(({ identity }) => identity);
  }

  #up(): ReadonlySet<string> {
    return new Set(this.#sim.nodes.map(startOf));
  }

  #failed(identity: string, error: unknown): void {
    if (!isFoundationError(error)) this.violations.push(`${identity}: ${String(error)}`);
  }
}

function standing(mortal: Mortal, up: ReadonlySet<string>): "alive" | "stopped" | undefined {
  const { startedBy, stoppedBy, isStopAsked, settled } = mortal;
  if (settled !== undefined) return settled;
  if (stoppedBy !== undefined) return up.has(stoppedBy) ? "stopped" : undefined;
  return !isStopAsked && startedBy !== undefined && up.has(startedBy) ? "alive" : undefined;
}
