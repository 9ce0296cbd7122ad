/**
 * NameStore: names with one owner each, for what must not be twice in a cluster whatever happens to it.
 *
 * A claim is a key under the lease of its owner, with the owner's data; the revision that gave it to its owner is the
 * token. To move a name (the commit point of a migration) its owner writes the successor's data under the successor's
 * lease, in one compare-and-set: before it the old one has the name, after it the new one, and the token has grown.
 *
 * Guarantee: tokens of a name grow strictly, and `isHeld` is true for one claim of a name at a time, while clocks tick
 * alike. Limit: as for locks, only a receiver that compares tokens stops an owner that was paused.
 */
import { coreErrors, parseDuration } from "@foundation/core";
import type {
  ClaimOptions,
  NameClaim,
  NameLanding,
  NameOwner,
  NamePad,
  NameStore,
  NameWatch,
  NameWatchOptions,
} from "@foundation/core/ports";
import type { Engine, Operation, Revision, Transaction } from "../../engine/engine.js";
import { rangeOf } from "../../engine/engine.js";
import { RECIPE_TIMES } from "../limits.js";
import { joinSignals, Patience, type WaitOptions } from "../patience.js";
import { persist } from "../persistence.js";
import { pairsOf, type SessionEntry } from "../sessions/session.js";
import { sessionsOf, type Sessions, type SessionUse } from "../sessions/sessions.js";
import {
  closedHandle,
  keySegment,
  randomText,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "../world.js";
import { Claim, type ClaimParts } from "./claim.js";
import { watchNames } from "./name-watch.js";
import type { Owned } from "./names.js";
import { arrival, fence, look, take } from "./records.js";

/**
 * Names over an engine.
 *
 * @example
 * ```ts
 * import { createMemoryEngine, createNameStore } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const names = createNameStore(engine)
 * const claim = await names.acquire("orders", { node: "app-1" })
 * console.log(claim?.token, await names.lookup("orders"))
 * await names.close()
 * await engine.close()
 * ```
 */
export function createNameStore(engine: Engine, options: RecipeOptions = {}): NameStore {
  const world = recipeWorld(engine, options);
  return new Names(world, sessionsOf(world, options));
}

class Names implements NameStore {
  readonly #world: RecipeWorld;
  readonly #leases: { readonly sessions: Sessions; close(): Promise<void> };
  readonly #prefix: string;
  readonly #claims = new Set<Claim<unknown>>();
  readonly #closed = new AbortController();

  constructor(world: RecipeWorld, leases: { readonly sessions: Sessions; close(): Promise<void> }) {
    this.#world = world;
    this.#leases = leases;
    this.#prefix = `${world.prefix}names/`;
  }

  async acquire<T>(
    name: string,
    data: T,
    options: ClaimOptions = {},
  ): Promise<NameClaim<T> | undefined> {
    const key = this.#keyOf(name);
    return await this.#patient(name, options, async (patience) => {
      const use = await this.#use(options, patience);
      const id = randomText(this.#world.random);
      const owned: Owned<T> = { data, id };
      const either = joinSignals(patience.signal, use.session.signal);
      try {
        const token = await this.#claim(key, owned, use, either.signal);
        if (token !== undefined) return this.#held({ name, key, token, use, owned });
        use.end();
        return undefined;
      } catch (error) {
        void this.#abandon(key, id, use);
        throw error;
      } finally {
        either.end();
      }
    });
  }

  async lookup<T = unknown>(
    name: string,
    options: WaitOptions = {},
  ): Promise<NameOwner<T> | undefined> {
    const key = this.#keyOf(name);
    return await this.#patient(name, options, async ({ signal }) => {
      const found = await look<T>(this.#world, key, signal);
      return found && { name, data: found.owned.data, token: found.token };
    });
  }

  async prepare<T>(name: string, options: ClaimOptions = {}): Promise<NamePad<T>> {
    const key = this.#keyOf(name);
    return await this.#patient(name, options, async (patience) => {
      const use = await this.#use(options, patience);
      const entry = use.session.entry(`${this.#world.prefix}landings/`);
      const either = joinSignals(patience.signal, use.session.signal);
      try {
        const value = this.#world.codec.encode({ client: this.#world.client });
        const { createRevision } = await entry.put(value, { key: entry.key }, either.signal);
        const landing = { lease: use.session.lease, id: entry.key, createRevision };
        return this.#pad<T>({ name, key, landing, entry, use });
      } catch (error) {
        void entry.leave().finally(() => use.end());
        throw error;
      } finally {
        either.end();
      }
    });
  }

  watch<T = unknown>(name?: string, options: NameWatchOptions = {}): NameWatch<T> {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    const range = name === undefined ? rangeOf(this.#prefix) : { key: this.#keyOf(name) };
    return watchNames<T>(this.#world, this.#prefix, range, options);
  }

  async close(): Promise<void> {
    this.#closed.abort(closedHandle("This name store"));
    await Promise.all([...this.#claims].map((claim) => claim.release()));
    await this.#leases.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #pad<T>({ name, key, landing, entry, use }: Pad): NamePad<T> {
    const { session } = use;
    let ending: Promise<void> | undefined;
    const close = () => {
      // First nobody can move the name here any more; then it is seen whether somebody did.
      ending ??= entry.leave().then(() => this.#abandon(key, landing.id, use));
      return ending;
    };
    const landed = async ({ signal }: Patience) => {
      const either = joinSignals(signal, session.signal);
      try {
        const { token, owned } = await arrival<T>(this.#world, key, landing.id, either.signal);
        if (ending) throw closedHandle("This landing");
        ending = entry.leave();
        return this.#held({ name, key, token, use, owned });
      } finally {
        either.end();
      }
    };
    return {
      landing,
      close,
      landed: (wait = {}) => this.#patient(name, wait, landed),
      [Symbol.asyncDispose]: close,
    };
  }

  async #claim<T>(
    key: string,
    owned: Owned<T>,
    { session }: SessionUse,
    signal: AbortSignal,
  ): Promise<Revision | undefined> {
    const value = this.#world.codec.encode(owned);
    let sent = 0;
    const send = (transaction: Transaction) => {
      sent += 1;
      return this.#world.engine.txn(transaction);
    };
    // One whose answer was lost might be applied when the name is free again, whoever has it now.
    const settled = async (token: Revision | undefined) => {
      if (sent > 1) await fence(this.#world, session, signal);
      return token;
    };
    for (;;) {
      const look: readonly Operation[] = [{ type: "range", key }, session.readRecord()];
      const answer = await persist(this.#world, signal, () =>
        send({
          if: [session.unchanged(), { key, target: "version", is: "=", than: 0 }],
          then: [{ type: "put", key, value, lease: session.lease }],
          else: look,
        }),
      );
      if (answer.succeeded) return await settled(answer.revision);
      const [pair] = pairsOf(answer.results[0]);
      if (pair) {
        const isOwn = (this.#world.codec.decode(pair.value) as Owned<T>).id === owned.id;
        return await settled(isOwn ? pair.modRevision : undefined);
      }
      session.learnRecord(answer.results[1]);
    }
  }

  /** What may have been put, or may yet be, is taken away for good. */
  async #abandon(key: string, id: string, use: SessionUse): Promise<void> {
    const { session } = use;
    try {
      await fence(this.#world, session, session.signal);
      const found = await look(this.#world, key, session.signal);
      if (found?.owned.id === id) await take(this.#world, key, found.token, session.signal);
    } catch (error) {
      if (coreErrors.ERR_LEASE_LOST.is(error)) session.lost(error);
    } finally {
      use.end();
    }
  }

  #held<T>(parts: ClaimParts<T>): NameClaim<T> {
    const claim = new Claim<T>(this.#world, parts, () =>
      this.#claims.delete(claim as Claim<unknown>),
    );
    this.#claims.add(claim as Claim<unknown>);
    if (this.#closed.signal.aborted) void claim.release();
    return claim;
  }

  async #use(options: ClaimOptions, patience: Patience): Promise<SessionUse> {
    const ttlMs = parseDuration(options.ttl ?? RECIPE_TIMES.ttlMs, "ttl");
    const using = this.#leases.sessions.use(ttlMs, patience.signal);
    return await patience.obtain(using, (late) => late.end());
  }

  async #patient<T>(
    name: string,
    wait: WaitOptions,
    run: (patience: Patience) => Promise<T>,
  ): Promise<T> {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    const patience = new Patience(this.#world.clock, wait, `name "${name}"`, this.#closed.signal);
    return await run(patience).finally(() => patience.end());
  }

  #keyOf(name: string): string {
    return this.#prefix + keySegment(name);
  }
}

interface Pad {
  readonly name: string;
  readonly key: string;
  readonly landing: NameLanding;
  readonly entry: SessionEntry;
  readonly use: SessionUse;
}
