/**
 * EpochFollower: how a node learns of the committed lists of a cache's nodes, confirms that the one it has is the newest,
 * and sees to it that the list follows who has the cache open.
 *
 * The store behind it is consensus: its reads are linearizable, its `replace` a compare-and-set. Time enters in one place:
 * a confirmation counts from before it was asked for.
 *
 * Limit: one new list in `settleMs` at most, by the first of the openers that is here; another after it when that one does not.
 */
import type { Clock, Logger, Timer } from "@foundation/core";
import type { CacheTimes } from "../limits.js";
import type { EpochSource, RingEpoch } from "./ports.js";

/** Where committed lists are kept: a key of a store that all nodes agree on. */
export interface EpochStore {
  /** The newest list, linearizable; undefined: there is none. */
  read(options: { readonly signal: AbortSignal }): Promise<RingEpoch | undefined>;
  /** Commits the next list if the newest is of epoch `expected` (0: none); false: another was quicker. */
  replace(
    expected: number,
    next: RingEpoch,
    options: { readonly signal: AbortSignal },
  ): Promise<boolean>;
}

export interface EpochFollowerOptions {
  readonly store: EpochStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly times: CacheTimes;
  readonly closed: AbortSignal;
  readonly self: string;
  /** Seats of who has the cache open, as this node sees it, sorted. */
  readonly openers: () => readonly string[];
  /** True when all openers that can be asked have taken over what they must of the epoch: only then another may follow. */
  readonly areSettled: (epoch: number) => Promise<boolean>;
}

/** Reads a third of the time that a confirmation counts. */
const READS = 3;
/** Rounds for which the openers must differ from the list before another is proposed, by this node's place among them. */
const ROUNDS_FIRST = 1;

export class EpochFollower implements EpochSource {
  readonly #options: EpochFollowerOptions;
  readonly #listeners = new Set<() => void>();
  #current: RingEpoch | undefined;
  #confirmedAtMs = -Infinity;
  #timer: Timer | undefined;
  #rounds = 0;
  #seen = "";

  constructor(options: EpochFollowerOptions) {
    this.#options = options;
    options.closed.addEventListener("abort", () => this.#timer?.cancel(), { once: true });
  }

  current(): RingEpoch | undefined {
    return this.#current;
  }

  confirmedAtMs(): number {
    return this.#confirmedAtMs;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when this node knows a list, or the cache is closed. */
  first(): Promise<void> {
    if (this.#current !== undefined || this.#options.closed.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const stop = this.subscribe(() => {
        stop();
        resolve();
      });
      this.#options.closed.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** Begins to follow; goes on until the cache is closed. */
  follow(): void {
    const { closed, clock, times, logger } = this.#options;
    if (closed.aborted) return;
    void this.#round()
      .catch((error: unknown) => {
        logger.debug("The list of a cache's nodes could not be read", { error });
      })
      .finally(() => {
        if (closed.aborted) return;
        const waitMs =
          this.#rounds > 0 || this.#current === undefined
            ? times.retryMs * 10
            : times.confirmedWithinMs / READS;
        this.#timer = clock.setTimer(waitMs, () => this.follow());
      });
  }

  async #round(): Promise<void> {
    const { store, clock, closed } = this.#options;
    const askedAtMs = clock.now();
    const newest = await store.read({ signal: closed });
    this.#take(newest, askedAtMs);
    const wanted = this.#wanted(newest);
    if (wanted === undefined) return;
    if (newest !== undefined && !(await this.#options.areSettled(newest.epoch))) return;
    const previous = newest?.members ?? [];
    const next = { epoch: (newest?.epoch ?? 0) + 1, members: wanted, previous };
    const proposedAtMs = clock.now();
    this.#rounds = 0;
    if (await store.replace(next.epoch - 1, next, { signal: closed }))
      this.#take(next, proposedAtMs);
  }

  #take(newest: RingEpoch | undefined, askedAtMs: number): void {
    if (newest === undefined) return;
    const known = this.#current?.epoch ?? 0;
    if (newest.epoch < known) return;
    this.#confirmedAtMs = Math.max(this.#confirmedAtMs, askedAtMs);
    if (newest.epoch === known) return;
    this.#current = newest;
    for (const listener of [...this.#listeners]) listener();
  }

  /** The list that is to follow, once the openers have been others for long enough; undefined: none. */
  #wanted(newest: RingEpoch | undefined): readonly string[] | undefined {
    const { openers, self } = this.#options;
    const seats = openers();
    const wanted = seats.join();
    if (wanted === (newest?.members ?? []).join() || seats.length === 0) {
      this.#rounds = 0;
      return undefined;
    }
    this.#rounds = wanted === this.#seen ? this.#rounds + 1 : 1;
    this.#seen = wanted;
    const place = seats.indexOf(self);
    if (place < 0) return undefined;
    return this.#rounds > ROUNDS_FIRST + 2 * place ? seats : undefined;
  }
}
