/**
 * UnderWay: a long operation as its caller sees it: a promise of its outcome, with its steps beside it.
 *
 * Who wants the outcome alone awaits it like any other operation; who wants to show how far it is reads the steps as well.
 *
 * Invariants: the steps end with the operation, and say nothing of how; no rejection is left unhandled by who reads the
 * steps alone, or nothing. Limit: the buffer of the steps; a slow reader misses the oldest.
 */
import { boundedStream, type BoundedStream } from "@foundation/core";

export interface UnderWay<Outcome, Step> extends PromiseLike<Outcome> {
  readonly done: Promise<Outcome>;
  readonly progress: AsyncIterableIterator<Step>;
}

/** Runs the operation, and gives its handle. */
export function underWay<Outcome, Step>(
  name: string,
  stepsBuffer: number,
  run: (tell: (step: Step) => void) => Promise<Outcome>,
): UnderWay<Outcome, Step> {
  const steps = boundedStream<Step>({ name, buffer: stepsBuffer });
  const done = run((step) => steps.push(step)).finally(() => steps.end());
  return new Running(done, steps);
}

class Running<Outcome, Step> implements UnderWay<Outcome, Step> {
  readonly done: Promise<Outcome>;
  readonly progress: AsyncIterableIterator<Step>;

  constructor(done: Promise<Outcome>, steps: BoundedStream<Step>) {
    this.done = done;
    this.progress = steps.iterator;
    // Who watches the steps alone, or nothing, has not left a rejection unhandled.
    done.catch(() => undefined);
  }

  // biome-ignore lint/suspicious/noThenProperty: it is awaited like any other operation
  // oxlint-disable-next-line unicorn/no-thenable -- the same
  then<A = Outcome, B = never>(
    onDone?: ((outcome: Outcome) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    return this.done.then(onDone, onFailed);
  }
}
