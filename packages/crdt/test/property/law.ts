/**
 * Asserts a law over histories: as many runs as asked for, and when one fails a few seconds of
 * shrinking. A history of a hundred commands has thousands of smaller ones, and each that never ends
 * costs the most: to find the smallest took minutes in which nobody heard that a law was broken. The
 * report has the seed and the path; `CRDT_SHRINK_MS` gives a search for the smallest more time.
 */
import fc from "fast-check";

/** Shrinking of one law, milliseconds. */
const SHRINK_MS = Number(process.env["CRDT_SHRINK_MS"] ?? 4_000);

/** How often a law is tried: `CRDT_RUNS`, or what its test asks for. */
export const runsOf = (byDefault: number) => Number(process.env["CRDT_RUNS"] ?? byDefault);

export function expectLaw<T>(law: fc.IProperty<T>, byDefault: number): void {
  const found = fc.check(law, { numRuns: runsOf(byDefault), endOnFailure: true });
  if (!found.failed) return;
  const { seed, counterexamplePath: path } = found;
  if (path !== null) fc.assert(law, { seed, path, interruptAfterTimeLimit: SHRINK_MS });
  // Another outcome from the same history is an error of the test; the first report counts.
  throw new Error(fc.defaultReportMessage(found));
}

/** A command of a history, by the words a report has for it. */
export function said<F extends object>(command: F, ...words: readonly unknown[]): F {
  return Object.assign(command, { [fc.toStringMethod]: () => words.join(" ") });
}
