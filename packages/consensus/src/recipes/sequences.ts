/**
 * Sequences: numbers that are given out once, each greater than those before.
 *
 * Calls that come while one is under way are answered together by the next, so that one process never competes with
 * itself and a busy sequence costs a write for many numbers. When it is not known whether a write was applied, its
 * numbers are given up: a gap, never a repetition.
 *
 * Guarantee: no number twice, and a call that begins after another has ended gets a greater one. Limit: gaps are possible.
 */
import { coreErrors } from "@foundation/core";
import type { Engine } from "../engine/engine.js";
import { RECIPE_LIMITS } from "./limits.js";
import { Patience, type WaitOptions } from "./patience.js";
import { persist } from "./persistence.js";
import { pairsOf } from "./sessions/session.js";
import {
  checkInteger,
  closedHandle,
  keySegment,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "./world.js";

/** Numbers from `first` to `last`, both included. */
export interface NumberBlock {
  readonly first: number;
  readonly last: number;
}

/** Sequences over one engine. */
export interface Sequences extends AsyncDisposable {
  /** The next number; the first is 1. @throws {ERR_TIMEOUT}, {ERR_ABORTED}, {ERR_CLOSED}, {ERR_QUEUE_FULL} */
  next(name: string, options?: WaitOptions): Promise<number>;
  /** The next `count` numbers, without a gap. @throws as `next`; {ERR_INVALID_ARGUMENT} */
  take(name: string, count: number, options?: WaitOptions): Promise<NumberBlock>;
  /** The last number that was given out; 0 before the first. */
  current(name: string, options?: WaitOptions): Promise<number>;
  close(): Promise<void>;
}

/**
 * Sequences over an engine.
 *
 * @example
 * ```ts
 * import { createMemoryEngine, createSequences } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const sequences = createSequences(engine)
 * console.log(await sequences.next("invoices")) // 1
 * console.log(await sequences.take("invoices", 10)) // { first: 2, last: 11 }
 * await sequences.close()
 * await engine.close()
 * ```
 */
export function createSequences(engine: Engine, options: RecipeOptions = {}): Sequences {
  const world = recipeWorld(engine, options);
  const closed = new AbortController();
  const sequences = new Map<string, Sequence>();
  const patient = async <T>(
    name: string,
    wait: WaitOptions,
    run: (patience: Patience) => Promise<T>,
  ): Promise<T> => {
    if (closed.signal.aborted) throw closed.signal.reason;
    const patience = new Patience(world.clock, wait, `sequence "${name}"`, closed.signal);
    return await run(patience).finally(() => patience.end());
  };
  const take = async (name: string, count: number, wait: WaitOptions): Promise<NumberBlock> => {
    checkInteger("count", count, 1, RECIPE_LIMITS.numbersMax);
    const key = keyOf(world, name);
    return await patient(name, wait, async (patience) => {
      const sequence = sequences.get(key) ?? new Sequence(world, key, closed.signal);
      sequences.set(key, sequence);
      const forget = () => sequence.isIdle && sequences.delete(key);
      return await patience.obtain(sequence.take(count).finally(forget));
    });
  };
  const close = async () => closed.abort(closedHandle("These sequences"));
  return {
    next: async (name, wait = {}) => (await take(name, 1, wait)).last,
    take: (name, count, wait = {}) => take(name, count, wait),
    current: (name, wait = {}) =>
      patient(
        name,
        wait,
        async ({ signal }) => (await read(world, keyOf(world, name), signal)).last,
      ),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Call {
  readonly count: number;
  readonly resolve: (block: NumberBlock) => void;
  readonly reject: (error: unknown) => void;
}

/** The calls of this process for one sequence. */
class Sequence {
  readonly #world: RecipeWorld;
  readonly #key: string;
  readonly #signal: AbortSignal;
  #waiting: Call[] = [];
  #isRunning = false;

  constructor(world: RecipeWorld, key: string, signal: AbortSignal) {
    this.#world = world;
    this.#key = key;
    this.#signal = signal;
  }

  get isIdle(): boolean {
    return !this.#isRunning && this.#waiting.length === 0;
  }

  take(count: number): Promise<NumberBlock> {
    if (this.#waiting.length >= RECIPE_LIMITS.sequenceCallsMax) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ count, resolve, reject });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const calls = this.#waiting.splice(0);
      try {
        let { first } = await this.#reserve(calls.reduce((sum, { count }) => sum + count, 0));
        for (const { count, resolve } of calls) {
          resolve({ first, last: first + count - 1 });
          first += count;
        }
      } catch (error) {
        for (const { reject } of calls) reject(error);
      }
    }
    this.#isRunning = false;
  }

  async #reserve(count: number): Promise<NumberBlock> {
    const { codec, engine } = this.#world;
    let seen = await read(this.#world, this.#key, this.#signal);
    for (;;) {
      const first = seen.last + 1;
      const last = seen.last + count;
      const than = seen.revision;
      const answer = await persist(this.#world, this.#signal, () =>
        engine.txn({
          if: [{ key: this.#key, target: "modRevision", is: "=", than }],
          then: [{ type: "put", key: this.#key, value: codec.encode(last) }],
          else: [{ type: "range", key: this.#key }],
        }),
      );
      if (answer.succeeded) return { first, last };
      // Another's write, or an own one whose answer was lost: its numbers are nobody's.
      seen = countOf(this.#world, pairsOf(answer.results[0])[0]);
    }
  }
}

interface Count {
  readonly last: number;
  /** 0: there is none yet. */
  readonly revision: number;
}

async function read(world: RecipeWorld, key: string, signal: AbortSignal): Promise<Count> {
  const look = { type: "range", key } as const;
  const { results } = await persist(world, signal, () => world.engine.txn({ then: [look] }));
  return countOf(world, pairsOf(results[0])[0]);
}

function countOf(
  world: RecipeWorld,
  pair: { readonly value: Uint8Array; readonly modRevision: number } | undefined,
): Count {
  if (!pair) return { last: 0, revision: 0 };
  return { last: world.codec.decode(pair.value) as number, revision: pair.modRevision };
}

function keyOf(world: RecipeWorld, name: string): string {
  return `${world.prefix}sequences/${keySegment(name)}`;
}

function tooMany(): Error {
  const limit = RECIPE_LIMITS.sequenceCallsMax;
  return coreErrors.ERR_QUEUE_FULL(
    `${limit} calls wait for numbers of one sequence in this process; take many with one call`,
    { queue: "sequence", limit, unit: "messages" },
  );
}
