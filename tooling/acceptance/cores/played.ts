/** What became of one run of cores, and how a run says that something is wrong. */

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
