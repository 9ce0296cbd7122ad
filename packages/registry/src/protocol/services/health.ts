/**
 * Health: what a row of checks says of an instance.
 *
 * One failed check of a well instance is a hiccup and one good check of a sick one may be luck, so it takes several in a
 * row to change the word (rise and fall, as HAProxy has them). The first check of all decides alone: until then nobody
 * knows anything.
 */

/** `starting`: no check has ended yet. */
export type Health = "starting" | "healthy" | "unhealthy";

/** How many checks in a row change the word. */
export interface HealthRules {
  /** Good ones that make an unhealthy instance healthy. */
  readonly rise: number;
  /** Failed ones that make a healthy instance unhealthy. */
  readonly fall: number;
}

export class HealthJudge {
  readonly #rules: HealthRules;
  #health: Health = "starting";
  /** Checks in a row that contradict the present word. */
  #against = 0;

  constructor(rules: HealthRules) {
    this.#rules = rules;
  }

  get health(): Health {
    return this.#health;
  }

  /** A check ended. True when that changed the word. */
  judge(isWell: boolean): boolean {
    if (this.#health === "starting") {
      this.#health = isWell ? "healthy" : "unhealthy";
      return true;
    }
    if (isWell === (this.#health === "healthy")) {
      this.#against = 0;
      return false;
    }
    this.#against += 1;
    if (this.#against < (isWell ? this.#rules.rise : this.#rules.fall)) return false;
    this.#health = isWell ? "healthy" : "unhealthy";
    this.#against = 0;
    return true;
  }
}
