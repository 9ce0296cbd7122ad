/**
 * Timers: the deadlines of a member, by name, behind one alarm of the shell.
 *
 * A follower's election deadline moves with every message of its leader. So deadlines are only
 * numbers, and the shell is asked for an alarm only when one is needed earlier than that it has.
 */
export type TimerName =
  | "election"
  | "heartbeat"
  | "quorum"
  | "disk"
  | "transfer"
  | "outcomes"
  | "reads";

export interface FiredTimer {
  readonly name: TimerName;
  readonly lateMs: number;
}

export class Timers {
  readonly #due = new Map<TimerName, number>();
  /** When the shell's alarm goes off. */
  #alarm = Number.POSITIVE_INFINITY;

  set(name: TimerName, at: number): void {
    this.#due.set(name, at);
  }

  /** Sets it unless it is set. */
  ensure(name: TimerName, at: number): void {
    if (!this.#due.has(name)) this.#due.set(name, at);
  }

  clear(name: TimerName): void {
    this.#due.delete(name);
  }

  at(name: TimerName): number | undefined {
    return this.#due.get(name);
  }

  /** The alarm went off: what is due, each once, and for how long it has been. */
  fired(now: number): readonly FiredTimer[] {
    this.#alarm = Number.POSITIVE_INFINITY;
    const fired: FiredTimer[] = [];
    for (const [name, at] of this.#due) if (at <= now) fired.push({ name, lateMs: now - at });
    for (const { name } of fired) this.#due.delete(name);
    return fired;
  }

  /** When the shell must set its alarm anew, in place of the one it has; undefined: not at all. */
  takeAlarm(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#due.values()) if (at < next) next = at;
    if (next >= this.#alarm) return undefined;
    this.#alarm = next;
    return next;
  }
}
