/**
 * History: what clients of an object saw, operation by operation, with the times between which each took place.
 *
 * It is all a checker needs to know, whatever made the history: a simulation, processes of this machine, another
 * system. Times are of one clock. Operation a came before b when a ended before b started; otherwise, also when the two
 * times are equal, they were concurrent.
 */
import { invalidArgument } from "../invalid-argument.js";

/** One operation of one client on one object. */
export interface HistoryOperation<Input = unknown, Output = unknown> {
  /** Who asked. Only shown to the reader: one client may have several operations under way. */
  readonly process: string | number;
  /** The object it was about. Objects are checked one by one, for linearizability is a property of each. */
  readonly key: string;
  /** What was asked. Plain data. */
  readonly input: Input;
  /**
   * What was answered. Plain data. `undefined`: the answer says nothing or is not known, so any would do.
   */
  readonly output?: Output | undefined;
  /** When it was asked, in milliseconds of any one clock. */
  readonly startedAt: number;
  /**
   * When the answer was there. `Infinity`: there was none, so the operation may take effect at any later time or never.
   * An operation known not to have been applied is no part of a history.
   */
  readonly endedAt: number;
}

/** @throws {ERR_INVALID_ARGUMENT} an operation has impossible times or no key */
export function validateHistory(history: readonly HistoryOperation[]): void {
  for (const [index, { key, startedAt, endedAt }] of history.entries()) {
    const name = `history[${index}]`;
    if (typeof key !== "string") throw invalidArgument(`${name}.key`, "a string", typeof key);
    if (!Number.isFinite(startedAt)) {
      throw invalidArgument(`${name}.startedAt`, "a finite number", String(startedAt));
    }
    if (!(endedAt >= startedAt)) {
      const expected = `a number of at least startedAt (${startedAt}), or Infinity`;
      throw invalidArgument(`${name}.endedAt`, expected, String(endedAt));
    }
  }
}
