/** DrivenCore: one pure core on a virtual clock of its own, with its timers; for unit tests. */

interface TimerInput {
  readonly type: "timer";
  readonly timer: string;
}

/** The effects of a core that are not about its timers. */
export type Told<Effect> = Exclude<Effect, { readonly type: "set-timer" | "cancel-timer" }>;

type Timed =
  | { readonly type: "set-timer"; readonly timer: string; readonly delayMs: number }
  | { readonly type: "cancel-timer"; readonly timer: string };

export class DrivenCore<Input, Effect extends { readonly type: string }> {
  now = 0;
  /** Everything that was told, with its time. */
  readonly told: { readonly at: number; readonly effect: Told<Effect> }[] = [];
  readonly #handle: (input: Input | TimerInput, now: number) => readonly Effect[];
  readonly #timers = new Map<string, number>();

  constructor(core: { handle(input: Input | TimerInput, now: number): readonly Effect[] }) {
    this.#handle = (input, now) => core.handle(input, now);
  }

  /** Pending timers by name. */
  get timers(): readonly string[] {
    return [...this.#timers.keys()];
  }

  /** Gives inputs at the present time; returns the effects. */
  give(...inputs: readonly Input[]): Told<Effect>[] {
    return inputs.flatMap((input) => this.#take(input));
  }

  /** Lets time pass and fires what is due; returns the effects. */
  wait(ms: number): Told<Effect>[] {
    const end = this.now + ms;
    const told: Told<Effect>[] = [];
    for (;;) {
      const due = [...this.#timers].filter(([, at]) => at <= end).sort((a, b) => a[1] - b[1]);
      const [first] = due;
      if (!first) break;
      const [timer, at] = first;
      this.#timers.delete(timer);
      this.now = at;
      told.push(...this.#take({ type: "timer", timer }));
    }
    this.now = end;
    return told;
  }

  #take(input: Input | TimerInput): Told<Effect>[] {
    const told: Told<Effect>[] = [];
    for (const effect of this.#handle(input, this.now)) {
      if (!isTimed(effect)) told.push(effect as Told<Effect>);
      else if (effect.type === "cancel-timer") this.#timers.delete(effect.timer);
      else this.#timers.set(effect.timer, this.now + effect.delayMs);
    }
    for (const effect of told) this.told.push({ at: this.now, effect });
    return told;
  }
}

function isTimed(effect: { readonly type: string }): effect is Timed {
  return effect.type === "set-timer" || effect.type === "cancel-timer";
}
