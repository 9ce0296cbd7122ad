/**
 * Endpoints: which member of the etcd cluster is asked.
 *
 * All requests go to one of them until something speaks against it (no connection, no leader behind it, no answer in
 * time); then to the next one. The first is drawn, so that many clients spread over the members.
 */
import type { Random } from "@foundation/core/ports";
import { Endpoint } from "./endpoint.js";
import type { Library } from "./library.js";
import { Pauses } from "./pauses.js";
import type { Scope } from "./scope.js";
import type { Settings } from "./settings.js";

export class Endpoints {
  readonly #all: readonly Endpoint[];
  readonly #connectMs: number;
  readonly #settings: Settings;
  readonly #random: Random;
  #current: number;

  constructor(library: Library, settings: Settings, random: Random) {
    this.#all = settings.endpoints.map((address) => new Endpoint(address, library, settings));
    this.#connectMs = settings.times.connectMs;
    this.#settings = settings;
    this.#random = random;
    this.#current = random.uint32() % this.#all.length;
  }

  /** Why those that were tried could not be used; undefined when all could. */
  get trouble(): string | undefined {
    const troubles = this.#all.map(({ trouble }) => trouble).filter((trouble) => trouble !== "");
    return troubles.length === 0 ? undefined : troubles.join("; ");
  }

  /** A connected one; undefined when there is none before the scope ends. */
  async choose(scope: Scope): Promise<Endpoint | undefined> {
    const pauses = new Pauses(this.#settings.times, this.#random);
    for (;;) {
      for (const endpoint of this.#inTurn()) {
        if (scope.ended !== undefined) return undefined;
        const withinMs = Math.min(this.#connectMs, scope.remainingMs);
        if (endpoint.isConnected || (await scope.until(endpoint.connect(withinMs))) === true) {
          this.#current = this.#all.indexOf(endpoint);
          return scope.ended === undefined ? endpoint : undefined;
        }
      }
      await pauses.next(scope);
    }
  }

  /** From now on the next one is asked first, if this one is the one that is. */
  passOver(endpoint: Endpoint): void {
    if (this.#all[this.#current] !== endpoint) return;
    this.#current = (this.#current + 1) % this.#all.length;
  }

  close(): void {
    for (const endpoint of this.#all) endpoint.close();
  }

  #inTurn(): readonly Endpoint[] {
    return [...this.#all.slice(this.#current), ...this.#all.slice(0, this.#current)];
  }
}
