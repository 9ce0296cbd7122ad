/**
 * Restlessness: who keeps a virtual clock at one instant.
 *
 * A world that never settles is one line of code that asks again and again for no time at all. Once the rounds at one
 * instant pass what any world needs, the stacks of those who ask are counted, and the commonest one is told of.
 *
 * Limits: `restlessRounds` before it looks, `restlessStacks` that it takes, `restlessFrames` of each.
 */
import { testingLimits } from "./limits.js";

/** What asks the clock. Its own frames are left out. */
type Asked = (...args: never[]) => unknown;

export class Restlessness {
  readonly #counts = new Map<string, number>();
  #taken = 0;

  /** Somebody asks for a round more, at that many rounds of one instant. */
  ask(rounds: number, by: Asked): void {
    if (rounds <= testingLimits.restlessRounds) return;
    if (this.#taken >= testingLimits.restlessStacks) return;
    this.#taken += 1;
    const stack = stackOf(by);
    this.#counts.set(stack, (this.#counts.get(stack) ?? 0) + 1);
  }

  /** Time passes. */
  rest(): void {
    if (this.#taken === 0) return;
    this.#taken = 0;
    this.#counts.clear();
  }

  /** The error of a clock that gives up. */
  error(what: string): Error {
    const [most] = [...this.#counts].sort(([, a], [, b]) => b - a);
    const says = `The world never settles: more than ${testingLimits.settleRoundsMax} rounds of ${what} at one instant`;
    if (most === undefined) return new Error(says);
    const [stack, count] = most;
    return new Error(
      `${says}; ${count} of ${this.#taken} that were looked at were asked for\n${stack}`,
    );
  }
}

function stackOf(by: Asked): string {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = testingLimits.restlessFrames;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, by);
  Error.stackTraceLimit = stackTraceLimit;
  const { stack = "" } = holder;
  return stack.slice(stack.indexOf("\n") + 1);
}
