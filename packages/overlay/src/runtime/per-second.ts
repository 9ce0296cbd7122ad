/** PerSecond: how often something may happen in a second, which begins with the first time. */
export class PerSecond {
  readonly #most: number;
  #sinceMs = 0;
  #count = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** It happens; false: too often. */
  take(now: number): boolean {
    if (now - this.#sinceMs >= 1_000) {
      this.#sinceMs = now;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#most;
  }
}
