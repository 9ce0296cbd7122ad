/**
 * TokenBook: the outside world that strong processes have their effect on. It keeps the greatest fencing token it has seen
 * for each identity and refuses older ones, as every receiver should.
 *
 * A violation is what such a receiver cannot see: an older instance that runs a message after a newer one has, two
 * instances with one token that take turns, and an effect without a token.
 */

/** What reaches the receiver. */
export interface Effect {
  readonly identity: string;
  readonly instance: string;
  readonly token: number | undefined;
  /** The handler waited before: a newer instance may have come meanwhile, and the receiver refuses this one. */
  readonly isLate: boolean;
}

interface Held {
  token: number;
  instance: string;
  /** Earlier instances with the same token: a process that was started again under its own lease. */
  readonly before: Set<string>;
  atMs: number;
}

export class TokenBook {
  readonly #held = new Map<string, Held>();
  readonly #now: () => number;
  readonly #violations: string[];
  /** Effects that were taken. */
  taken = 0;
  /** Effects with an older token. */
  refused = 0;

  constructor(now: () => number, violations: string[]) {
    this.#now = now;
    this.#violations = violations;
  }

  /** Whether it was taken. */
  effect({ identity, instance, token, isLate }: Effect): boolean {
    const atMs = this.#now();
    if (token === undefined) {
      this.#violations.push(`${instance} of the strong ${identity} runs without a token`);
      return false;
    }
    const held = this.#held.get(identity);
    if (held === undefined || token > held.token) {
      this.#held.set(identity, { token, instance, before: new Set(), atMs });
      this.taken += 1;
      return true;
    }
    if (token < held.token) {
      this.refused += 1;
      if (!isLate) {
        this.#violations.push(
          `${instance} of the strong ${identity} runs at ${atMs} ms with the token ${token}, after ${held.instance} had ` +
            `run with ${held.token} at ${held.atMs} ms`,
        );
      }
      return false;
    }
    if (held.instance !== instance) {
      if (held.before.has(instance)) {
        this.#violations.push(
          `${instance} and ${held.instance} of the strong ${identity} take turns with the token ${token}`,
        );
      }
      held.before.add(held.instance);
      held.instance = instance;
    }
    held.atMs = atMs;
    this.taken += 1;
    return true;
  }
}
