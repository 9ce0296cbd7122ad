/** MemberTime: what a member does later: in the same life, when it is awake, by its own clock. */
import type { Member } from "./member.js";

interface Time {
  readonly now: number;
  after(delayMs: number, run: () => void): void;
}

export class MemberTime {
  readonly #world: Time;
  readonly #member: Member;
  readonly #onAlarm: () => void;

  constructor(world: Time, member: Member, onAlarm: () => void) {
    this.#world = world;
    this.#member = member;
    this.#onAlarm = onAlarm;
  }

  later(delayMs: number, run: () => void): void {
    const { life } = this.#member;
    this.#world.after(delayMs, () => {
      if (this.#member.life === life) this.whenAwake(run);
    });
  }

  /** Now, or when the member goes on. */
  whenAwake(run: () => void): void {
    const { pausedUntil } = this.#member;
    const { now } = this.#world;
    if (pausedUntil <= now) run();
    else this.later(pausedUntil - now, run);
  }

  /** Goes off when the member's steady clock shows `at`, unless it is set anew before. */
  alarm(at: number): void {
    const member = this.#member;
    member.alarm = at;
    const delayMs = Math.max(0, member.worldMs(at) - this.#world.now) + 1e-6;
    this.later(delayMs, () => {
      if (member.alarm !== at) return;
      // Rounding, or a leap that was too short, may have it come early.
      if (member.steadyMs(this.#world.now) >= at) this.#onAlarm();
      else this.alarm(at);
    });
  }
}
