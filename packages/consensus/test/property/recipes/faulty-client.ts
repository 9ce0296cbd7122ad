/**
 * FaultyClient: one process and its way to an engine, both of which fail as real ones do.
 *
 * A request may be refused unapplied, applied without an answer, lost for ever, or applied long after its client was told
 * that nobody knows. A client may stand still (SIGSTOP): time goes on, its timers and answers wait. It may be cut off.
 * Its clock and its chance are the seed's, so a run repeats.
 */
import { coreErrors } from "@foundation/core";
import type { Clock, Random, Timer } from "@foundation/core/ports";
import { sleepBy } from "@foundation/core/testing";
import type { Engine, RequestOptions, Watch, WatchBatch } from "../../../src/engine/engine.js";
import { consensusErrors } from "../../../src/errors.js";

export interface Weather {
  /** Of each request: refused, applied without an answer, lost, or applied late without an answer. */
  readonly refused: number;
  readonly answerLost: number;
  readonly lost: number;
  readonly late: number;
  /** Of each answer that arrives: nearly too late. */
  readonly slow: number;
  /** Of each change that a watch brings. */
  readonly watchBroken: number;
}

export const CALM: Weather = {
  refused: 0,
  answerLost: 0,
  lost: 0,
  late: 0,
  slow: 0,
  watchBroken: 0,
};

export class FaultyClient {
  readonly clock: Clock;
  weather: Weather;
  readonly #world: Clock;
  readonly #engine: Engine;
  readonly #random: Random;
  #sleeping: { readonly wake: () => void; readonly awake: Promise<void> } | undefined;
  #isCut = false;
  #isDead = false;

  constructor(world: Clock, engine: Engine, random: Random, weather: Weather) {
    this.#world = world;
    this.#engine = engine;
    this.#random = random;
    this.weather = weather;
    const setTimer = (delayMs: number, fn: () => void) => this.#setTimer(delayMs, fn);
    this.clock = {
      now: () => world.now(),
      wallNow: () => world.wallNow(),
      setTimer,
      sleep: (delayMs, options) => sleepBy({ setTimer }, delayMs, options),
      endOfTurn: (fn) => world.endOfTurn(fn),
    };
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Stands still for so long. */
  pause(ms: number): void {
    if (this.#sleeping) return;
    let wake: () => void = () => undefined;
    const awake = new Promise<void>((resolve) => {
      wake = resolve;
    });
    this.#sleeping = { wake, awake };
    this.#world.setTimer(ms, () => {
      if (this.#isDead) return;
      this.#sleeping = undefined;
      wake();
    });
  }

  /** Is gone, with all that it was about to do. */
  die(): void {
    this.#isDead = true;
    this.pause(0);
    this.#isCut = true;
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
  }

  engine(): Engine {
    const engine = this.#engine;
    return {
      txn: (transaction, options) => this.#ask(() => engine.txn(transaction), options),
      grantLease: (ttlMs, options) => this.#ask(() => engine.grantLease(ttlMs), options),
      keepLease: (id, options) => this.#ask(() => engine.keepLease(id), options),
      revokeLease: (id, options) => this.#ask(() => engine.revokeLease(id), options),
      compact: (revision, options) => this.#ask(() => engine.compact(revision), options),
      watch: (range, options) => this.#watch(engine.watch(range, options)),
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async #ask<T>(run: () => Promise<T>, { timeout = 1_000 }: RequestOptions = {}): Promise<T> {
    const untilMs = this.#world.now() + Number(timeout);
    await this.#awake();
    const { refused, answerLost, lost, late } = this.weather;
    const dice = this.#random.next();
    if (dice < refused) return await this.#fail(noQuorum());
    if (this.#isCut || dice < refused + lost) return await this.#failAt(untilMs);
    if (dice < refused + lost + late) {
      const delayMs = this.#random.next() * 6_000;
      this.#world.setTimer(delayMs, () => void run().catch(() => undefined));
      return await this.#failAt(untilMs);
    }
    await this.#travel();
    const answer = run();
    // Observed here too, for its client may never ask for it.
    answer.catch(() => undefined);
    await this.#travel();
    if (this.#random.next() < this.weather.slow) {
      await this.#world.sleep(0.9 * Math.max(0, untilMs - this.#world.now()));
    }
    if (this.#isCut || dice < refused + lost + late + answerLost)
      return await this.#failAt(untilMs);
    await this.#awake();
    return await answer;
  }

  async #travel(): Promise<void> {
    await this.#world.sleep(this.#random.next() * 8);
  }

  async #failAt(untilMs: number): Promise<never> {
    await this.#world.sleep(Math.max(1, untilMs - this.#world.now()));
    const details = { reason: "deadline-exceeded", target: "engine" } as const;
    return await this.#fail(coreErrors.ERR_OUTCOME_UNKNOWN("No answer came in time", details));
  }

  async #fail(error: Error): Promise<never> {
    await this.#awake();
    throw error;
  }

  async #awake(): Promise<void> {
    while (this.#sleeping) await this.#sleeping.awake;
  }

  #watch(watch: Watch): Watch {
    const pass = async () => {
      await this.#travel();
      while (this.#isCut) await this.#world.sleep(50);
      await this.#awake();
      if (this.#random.next() < this.weather.watchBroken) throw noQuorum();
    };
    async function* batches(): AsyncGenerator<WatchBatch> {
      for await (const batch of watch) {
        await pass();
        yield batch;
      }
    }
    return {
      ready: () => watch.ready(),
      close: () => watch.close(),
      [Symbol.asyncIterator]: () => batches(),
      [Symbol.asyncDispose]: () => watch.close(),
    };
  }

  #setTimer(delayMs: number, fn: () => void): Timer {
    let isCancelled = false;
    const timer = this.#world.setTimer(delayMs, () => {
      const ring = () => {
        if (!isCancelled) fn();
      };
      if (this.#sleeping) void this.#awake().then(ring);
      else ring();
    });
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }
}

function noQuorum(): Error {
  return consensusErrors.ERR_NO_QUORUM("No leader with a quorum", { group: "test", waitedMs: 0 });
}
