/** What became of one run of cores, and how a run says that something is wrong. */
import type { CoreWorld } from "@foundation/testkit";

export interface CorePlayed {
  readonly seed: string;
  /** Over everything that happened: equal seeds give equal hashes. */
  readonly hash: string;
  readonly nodes: number;
  readonly virtualMs: number;
  /** Messages that were handed over. */
  readonly messages: number;
  /** Everything that is not as it must be, with the last lines of the trace. */
  readonly violation: string | undefined;
  /** Of runs without faults: how often a node that lived was suspected; more than none is a violation. */
  readonly falseSuspicions?: number;
}

/** What must hold does not. */
export class CoreViolation extends Error {}

/** @throws {CoreViolation} unless there is nothing to say */
export function mustBeEmpty(sentences: readonly string[]): void {
  if (sentences.length > 0) throw new CoreViolation(sentences.slice(0, 10).join("\n"));
}

/** Lines of the trace that are told of a violation. */
const RELEVANT_LINES = 40;

/** Plays a world to its end, or to what it violates, and tells what was played. */
export function playedOf(
  world: Pick<CoreWorld<unknown, unknown>, "now" | "trace" | "delivered">,
  { seed, nodes }: Pick<CorePlayed, "seed" | "nodes">,
  run: () => void,
): CorePlayed {
  let violation: string | undefined;
  try {
    run();
  } catch (error) {
    if (!(error instanceof CoreViolation)) throw error;
    const lines = world.trace.lines({ last: RELEVANT_LINES });
    violation = [`${seed} at ${world.now} ms: ${error.message}`, ...lines].join("\n");
  }
  const { hash } = world.trace;
  return { seed, hash, nodes, virtualMs: world.now, messages: world.delivered, violation };
}
