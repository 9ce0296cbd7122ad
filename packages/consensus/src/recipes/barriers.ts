/**
 * Barriers: so many participants wait for each other, and then leave together; again and again.
 *
 * Each participant puts an entry. Whoever sees enough of them opens the barrier: one write counts its generation up and
 * says up to which entry it let go, so all leave at one revision, and one who came too late for this opening waits for
 * the next. Every transaction that joins, gives up or opens needs the barrier's state unchanged since it was read and
 * changes it, so none of them can miss another. Entries that were let go are deleted by those who left.
 *
 * Guarantee: `wait` resolves only in a group of exactly `count` that all had arrived and none of which gave up before.
 * Limit: one that died is noticed when its lease ends, so for that long it may be counted.
 */
import { coreErrors, parseDuration, type Duration } from "@foundation/core";
import type { Engine, KeyRange, KeyValue, Operation, Revision } from "../engine/engine.js";
import { rangeOf } from "../engine/engine.js";
import { follow } from "./follow.js";
import { RECIPE_LIMITS, RECIPE_TIMES } from "./limits.js";
import { joinSignals, Patience, type WaitOptions } from "./patience.js";
import { persist } from "./persistence.js";
import { pairsOf } from "./sessions/session.js";
import { sessionsOf, type SessionUse } from "./sessions/sessions.js";
import {
  checkInteger,
  closedHandle,
  invalidArgument,
  keySegment,
  randomText,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "./world.js";

/** How to wait at a barrier. */
export interface BarrierOptions extends WaitOptions {
  /** How long a participant that has died is counted. @default "10s" */
  readonly ttl?: Duration | undefined;
}

/** Barriers over one engine. */
export interface Barriers extends AsyncDisposable {
  /**
   * Waits until `count` participants wait, this one included. Resolves to the generation: 1, 2, 3, … for each opening
   * (one of the last `RECIPE_LIMITS.openingsKept`, if this client did not look for longer than that).
   *
   * @throws {ERR_TIMEOUT}, {ERR_ABORTED} it gave up before the barrier opened; {ERR_LEASE_LOST} it was cut off, and does
   *   not know whether the others left; {ERR_CLOSED}; {ERR_INVALID_ARGUMENT}
   */
  wait(name: string, count: number, options?: BarrierOptions): Promise<number>;
  /** How many wait at it now. */
  waiting(name: string, options?: WaitOptions): Promise<number>;
  /** Gives up all waits of this client, and refuses more. */
  close(): Promise<void>;
}

/**
 * Barriers over an engine.
 *
 * @example
 * ```ts
 * import { createBarriers, createMemoryEngine } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const barriers = createBarriers(engine)
 * await Promise.all([barriers.wait("phase-1", 2), barriers.wait("phase-1", 2)])
 * await barriers.close()
 * await engine.close()
 * ```
 */
export function createBarriers(engine: Engine, options: RecipeOptions = {}): Barriers {
  const world = recipeWorld(engine, options);
  const leases = sessionsOf(world, options);
  const closed = new AbortController();
  const running = new Set<Promise<unknown>>();
  const patient = async <T>(
    name: string,
    wait: WaitOptions,
    run: (p: Patience) => Promise<T>,
  ): Promise<T> => {
    if (closed.signal.aborted) throw closed.signal.reason;
    const patience = new Patience(world.clock, wait, `barrier "${name}"`, closed.signal);
    const work = run(patience).finally(() => patience.end());
    const settled = work.catch(() => undefined).finally(() => running.delete(settled));
    running.add(settled);
    return await work;
  };
  const close = async () => {
    closed.abort(closedHandle("These barriers"));
    await Promise.all(running);
    await leases.close();
  };
  return {
    async wait(name, count, wait = {}) {
      checkInteger("count", count, 1, RECIPE_LIMITS.partiesMax);
      const ttlMs = parseDuration(wait.ttl ?? RECIPE_TIMES.ttlMs, "ttl");
      const place = placeOf(world, name);
      return await patient(name, wait, async (patience) => {
        const using = leases.sessions.use(ttlMs, patience.signal);
        const use = await patience.obtain(using, (late) => late.end());
        return await new Arrival(world, place, use, count).wait(patience);
      });
    },
    waiting: (name, wait = {}) =>
      patient(name, wait, async ({ signal }) => {
        const { waiting } = await read(world, placeOf(world, name), signal);
        return waiting.length;
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Place {
  readonly stateKey: string;
  readonly entries: KeyRange;
}

interface State {
  /** How often it was opened. */
  readonly generation: number;
  /** Of the last openings, newest last: the revision of the last entry that was let go. */
  readonly upTo: readonly Revision[];
}

interface Seen {
  readonly state: State;
  /** 0: nobody has been there. */
  readonly stateRevision: Revision;
  readonly revision: Revision;
  /** All entries that are there, in the order of arrival. */
  readonly entries: readonly KeyValue[];
  /** Those that were not let go. */
  readonly waiting: readonly KeyValue[];
}

/** One participant at one barrier. */
class Arrival {
  readonly #world: RecipeWorld;
  readonly #place: Place;
  readonly #use: SessionUse;
  readonly #count: number;
  readonly #key: string;

  constructor(world: RecipeWorld, place: Place, use: SessionUse, count: number) {
    this.#world = world;
    this.#place = place;
    this.#use = use;
    this.#count = count;
    this.#key = `${place.entries.key}${randomText(world.random)}`;
  }

  async wait(patience: Patience): Promise<number> {
    const { session } = this.#use;
    const either = joinSignals(patience.signal, session.signal);
    try {
      const generation = await this.#arriveAndWait(either.signal);
      void this.#tidy();
      return generation;
    } catch (error) {
      const generation = await this.#giveUp(session.signal);
      void this.#tidy();
      if (generation !== undefined) return generation;
      if (session.signal.aborted) throw session.signal.reason;
      throw error;
    } finally {
      either.end();
    }
  }

  async #arriveAndWait(signal: AbortSignal): Promise<number> {
    await this.#arrive(signal);
    for (;;) {
      const seen = await read(this.#world, this.#place, signal);
      const generation = this.#generationOf(seen);
      if (generation !== undefined) return generation;
      if (seen.waiting.length >= this.#count) await this.#open(seen, signal);
      else await this.#untilChanged(seen.revision, signal);
    }
  }

  async #arrive(signal: AbortSignal): Promise<void> {
    const { lease } = this.#use.session;
    const entry: Entry = { client: this.#world.client, count: this.#count };
    const value = this.#world.codec.encode(entry);
    for (;;) {
      const seen = await read(this.#world, this.#place, signal);
      // It may be there although no answer said so.
      if (this.#ownIn(seen)) return;
      this.#checkCounts(seen.waiting);
      await this.#change(seen, seen.state, signal, [{ type: "put", key: this.#key, value, lease }]);
    }
  }

  /** Lets the first `count` go. Another may do so at the same time: then nothing happens. */
  async #open(seen: Seen, signal: AbortSignal): Promise<void> {
    const last = seen.waiting[this.#count - 1] as KeyValue;
    const upTo = [...seen.state.upTo, last.createRevision].slice(-RECIPE_LIMITS.openingsKept);
    await this.#change(seen, { generation: seen.state.generation + 1, upTo }, signal, []);
  }

  /** Which opening let it go, as far back as is remembered; undefined when it waits. */
  #generationOf(seen: Seen): number | undefined {
    const own = this.#ownIn(seen);
    if (!own) {
      const { lease } = this.#use.session;
      const message = "The participant's entry at the barrier is gone: its lease has ended";
      throw coreErrors.ERR_LEASE_LOST(message, { lease });
    }
    const { generation, upTo } = seen.state;
    const at = upTo.findIndex((last) => last >= own.createRevision);
    return at < 0 ? undefined : generation - upTo.length + 1 + at;
  }

  async #untilChanged(revision: Revision, signal: AbortSignal): Promise<void> {
    const range = { key: this.#place.stateKey };
    for await (const _ of follow(this.#world, range, { from: revision + 1, signal })) return;
    throw signal.reason;
  }

  /** Takes the entry away, unless the barrier has opened: then the generation. */
  async #giveUp(signal: AbortSignal): Promise<number | undefined> {
    try {
      for (;;) {
        const seen = await read(this.#world, this.#place, signal);
        const generation = this.#ownIn(seen) && this.#generationOf(seen);
        if (generation !== undefined) return generation;
        // Without an entry too: a put that is still under way finds the state changed.
        const departure: Operation = { type: "delete", key: this.#key };
        if (await this.#change(seen, seen.state, signal, [departure])) return undefined;
      }
    } catch {
      // With the lease the entry goes as well.
      return undefined;
    }
  }

  /** Deletes the entry after all is over. */
  async #tidy(): Promise<void> {
    const { signal } = this.#use.session;
    const departure: Operation = { type: "delete", key: this.#key };
    try {
      await persist(this.#world, signal, () => this.#world.engine.txn({ then: [departure] }));
    } catch {
      // It goes with the lease, and is not counted any more until then.
    } finally {
      this.#use.end();
    }
  }

  #ownIn({ entries }: Seen): KeyValue | undefined {
    return entries.find(({ key }) => key === this.#key);
  }

  #checkCounts(waiting: readonly KeyValue[]): void {
    for (const { value } of waiting) {
      const { client, count } = this.#world.codec.decode(value) as Entry;
      if (count === this.#count) continue;
      const expected = `${count}, as ${client} said, who waits at it`;
      throw invalidArgument("count", expected, String(this.#count));
    }
  }

  /** Whether the change was made; false also when only its answer was lost. */
  async #change(
    seen: Seen,
    state: State,
    signal: AbortSignal,
    operations: readonly Operation[],
  ): Promise<boolean> {
    const { stateKey } = this.#place;
    const value = this.#world.codec.encode(state);
    const than = seen.stateRevision;
    const { succeeded } = await persist(this.#world, signal, () =>
      this.#world.engine.txn({
        if: [{ key: stateKey, target: "modRevision", is: "=", than }],
        then: [...operations, { type: "put", key: stateKey, value }],
      }),
    );
    return succeeded;
  }
}

interface Entry {
  readonly client: string;
  readonly count: number;
}

function placeOf(world: RecipeWorld, name: string): Place {
  const prefix = `${world.prefix}barriers/${keySegment(name)}/`;
  return { stateKey: `${prefix}state`, entries: rangeOf(`${prefix}waiting/`) };
}

/** State and entries as of one revision. */
async function read(world: RecipeWorld, place: Place, signal: AbortSignal): Promise<Seen> {
  const { results, revision } = await persist(world, signal, () =>
    world.engine.txn({
      then: [
        { type: "range", key: place.stateKey },
        { type: "range", ...place.entries },
      ],
    }),
  );
  const [stored] = pairsOf(results[0]);
  const state: State = stored
    ? (world.codec.decode(stored.value) as State)
    : { generation: 0, upTo: [] };
  const entries = [...pairsOf(results[1])].sort((a, b) => a.createRevision - b.createRevision);
  const last = state.upTo.at(-1) ?? 0;
  const waiting = entries.filter(({ createRevision }) => createRevision > last);
  return { state, stateRevision: stored?.modRevision ?? 0, revision, entries, waiting };
}
