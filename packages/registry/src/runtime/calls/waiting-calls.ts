/**
 * WaitingCalls: the calls of this node that wait for an answer, and who waits until some of them have theirs.
 *
 * Each call knows its place in the list. Not a set: what a set outgrows goes on pointing at what it holds next, so one such
 * table in the old generation keeps all later calls from dying young, and collecting them costs more than making them.
 */
import type { Pid } from "@foundation/core";

/** A call that waits. */
export interface WaitingCall {
  /** The process it was sent to, wherever that has gone since. */
  readonly pid: Pid;
  /** Where it stands in the list; negative when it does not. */
  place: number;
  /** Called when it does not wait any more. */
  ended: (() => void)[] | undefined;
}

export class WaitingCalls<Call extends WaitingCall> {
  readonly #calls: Call[] = [];

  get size(): number {
    return this.#calls.length;
  }

  add(call: Call): void {
    call.place = this.#calls.push(call) - 1;
  }

  /** Does nothing for a call that is not in the list. */
  remove(call: Call): void {
    const { place, ended } = call;
    if (place < 0) return;
    const last = this.#calls.pop();
    if (last !== undefined && last !== call) {
      this.#calls[place] = last;
      last.place = place;
    }
    call.place = -1;
    if (ended !== undefined) for (const tell of ended) tell();
  }

  all(): readonly Call[] {
    return [...this.#calls];
  }

  /** Those that were sent to one of the processes. */
  to(pids: readonly Pid[]): readonly Call[] {
    return this.#calls.filter(({ pid }) => pids.some((each) => samePid(each, pid)));
  }
}

/** Calls `then` when none of the calls waits any more; false, and never, when there are none. */
export function whenEnded(calls: readonly WaitingCall[], then: () => void): boolean {
  let left = calls.length;
  const one = () => {
    left -= 1;
    if (left === 0) then();
  };
  for (const call of calls) (call.ended ??= []).push(one);
  return left > 0;
}

export function samePid(a: Pid, b: Pid): boolean {
  return a.serial === b.serial && a.node === b.node && a.boot === b.boot;
}
