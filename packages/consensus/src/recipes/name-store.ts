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
import { parseDuration, type Duration } from "@foundation/core";
import type { Engine, LeaseId, Operation, Revision, Transaction } from "../engine/engine.js";
import { consensusErrors } from "../errors.js";
import { rangeOf } from "../engine/engine.js";
import { follow } from "./follow.js";
import { RECIPE_TIMES } from "./limits.js";
import { joinSignals, Patience, type WaitOptions } from "./patience.js";
import { persist } from "./persistence.js";
import { pairsOf, type Session } from "./sessions/session.js";
import { sessionsOf, type Sessions, type SessionUse } from "./sessions/sessions.js";
import { watchKv, type KvWatch, type KvWatchOptions } from "./kv/watch.js";
import {
  closedHandle,
  keySegment,
  randomText,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "./world.js";

/** How to claim a name. */
export interface ClaimOptions extends WaitOptions {
  /** How long the name stays with an owner that has died. @default "10s" */
  readonly ttl?: Duration | undefined;
}

/** Who has a name. */
export interface NameOwner<T> {
  readonly name: string;
  /** What the owner said of itself. */
  readonly data: T;
  readonly token: Revision;
}

/** A name that this client owns. */
export interface NameClaim<T = unknown> extends AsyncDisposable {
  readonly name: string;
  readonly data: T;
  /** Greater than that of every owner before. */
  readonly token: Revision;
  /** Fires with `ERR_LEASE_LOST`, or with `ERR_NAME_MOVED` when another has the name now. */
  readonly signal: AbortSignal;
  /** Whether it is still this client's, by its monotonic clock: ask before each effect. */
  readonly isHeld: boolean;
  /** Asks the store now. Resolves to `isHeld` after that. */
  renew(): Promise<boolean>;
  /**
   * Gives the name to another owner, whose `landing` says which lease. Resolves to the new token. After that, and while it
   * is not known whether it was done, this claim holds no more.
   *
   * @throws {ERR_NAME_MOVED} it was not this claim's any more; {ERR_LEASE_LOST} the successor's lease has ended, the claim
   *   holds on; {ERR_OUTCOME_UNKNOWN} it may be moved: `lookup` tells
   */
  moveTo(landing: NameLanding, data: T, options?: WaitOptions): Promise<Revision>;
  /** Gives the name back. Idempotent. */
  release(): Promise<void>;
}

/** Where a name can be moved to: plain data, to be sent to its present owner. */
export interface NameLanding {
  readonly lease: LeaseId;
  /** Tells this landing from every other. */
  readonly id: string;
}

/** A successor that waits for a name. */
export interface NamePad<T> extends AsyncDisposable {
  readonly landing: NameLanding;
  /** Resolves when the name has been moved here. @throws as `acquire`; {ERR_LEASE_LOST} */
  landed(options?: WaitOptions): Promise<NameClaim<T>>;
  /** Waits no more. */
  close(): Promise<void>;
}

/** Names over one engine. */
export interface NameStore extends AsyncDisposable {
  /** The name, or undefined when another has it. @throws {ERR_TIMEOUT}, {ERR_ABORTED}, {ERR_CLOSED} */
  acquire<T>(name: string, data: T, options?: ClaimOptions): Promise<NameClaim<T> | undefined>;
  /** Who has the name now, asked of the store. */
  lookup<T = unknown>(name: string, options?: WaitOptions): Promise<NameOwner<T> | undefined>;
  /** Prepares to take a name over from its owner. */
  prepare<T>(name: string, options?: ClaimOptions): Promise<NamePad<T>>;
  /** Changes of owners; a key is the name as `nameOf` reads it. Without a name: of all names. */
  watch<T = unknown>(name?: string, options?: KvWatchOptions): KvWatch<Owned<T>>;
  nameOf(key: string): string;
  /** Releases all names of this client, and refuses more. */
  close(): Promise<void>;
}

/** What is stored with a name. */
export interface Owned<T> {
  readonly data: T;
  /** Tells this claim from every other. */
  readonly id: string;
}

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
      const landing = { lease: use.session.lease, id: randomText(this.#world.random) };
      let isTaken = false;
      const close = async () => {
        if (!isTaken) use.end();
        isTaken = true;
      };
      return {
        landing,
        close,
        landed: (wait = {}) =>
          this.#patient(name, wait, async ({ signal }) => {
            const either = joinSignals(signal, use.session.signal);
            try {
              const { token, owned } = await arrival<T>(
                this.#world,
                key,
                landing.id,
                either.signal,
              );
              isTaken = true;
              return this.#held({ name, key, token, use, owned });
            } finally {
              either.end();
            }
          }),
        [Symbol.asyncDispose]: close,
      };
    });
  }

  watch<T = unknown>(name?: string, options: KvWatchOptions = {}): KvWatch<Owned<T>> {
    const range = name === undefined ? rangeOf(this.#prefix) : { key: this.#keyOf(name) };
    return watchKv<Owned<T>>(this.#world, this.#prefix, range, options);
  }

  nameOf(key: string): string {
    return decodeURIComponent(key);
  }

  async close(): Promise<void> {
    this.#closed.abort(closedHandle("This name store"));
    await Promise.all([...this.#claims].map((claim) => claim.release()));
    await this.#leases.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
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
    // One whose answer was lost might be applied when the name has been given back.
    const settled = async (token: Revision) => {
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
        return isOwn ? await settled(pair.modRevision) : undefined;
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
      if (consensusErrors.ERR_LEASE_LOST.is(error)) session.lost(error);
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

interface ClaimParts<T> {
  readonly name: string;
  readonly key: string;
  readonly token: Revision;
  readonly use: SessionUse;
  readonly owned: Owned<T>;
}

class Claim<T> implements NameClaim<T> {
  readonly name: string;
  readonly data: T;
  readonly token: Revision;
  readonly #world: RecipeWorld;
  readonly #parts: ClaimParts<T>;
  readonly #onOver: () => void;
  readonly #ended = new AbortController();
  readonly #following = new AbortController();
  #isOver = false;
  #isMoving = false;
  #releasing: Promise<void> | undefined;

  constructor(world: RecipeWorld, parts: ClaimParts<T>, onOver: () => void) {
    this.#world = world;
    this.#parts = parts;
    this.#onOver = onOver;
    this.name = parts.name;
    this.data = parts.owned.data;
    this.token = parts.token;
    const { signal } = parts.use.session;
    const onLost = () => this.#lose(signal.reason);
    signal.addEventListener("abort", onLost, { once: true });
    this.#following.signal.addEventListener("abort", () =>
      signal.removeEventListener("abort", onLost),
    );
    if (signal.aborted) onLost();
    else void this.#follow();
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get isHeld(): boolean {
    return !this.#isOver && !this.#isMoving && this.#parts.use.session.isAlive;
  }

  async renew(): Promise<boolean> {
    await this.#parts.use.session.keeper.renew();
    return this.isHeld;
  }

  async moveTo(landing: NameLanding, data: T, options: WaitOptions = {}): Promise<Revision> {
    if (!this.isHeld) throw this.#movedError();
    this.#isMoving = true;
    const { key, token } = this.#parts;
    const value = this.#world.codec.encode({ data, id: landing.id } satisfies Owned<T>);
    const patience = new Patience(this.#world.clock, options, `the move of name "${this.name}"`);
    const either = joinSignals(patience.signal, this.#parts.use.session.signal);
    try {
      const answer = await this.#world.engine.txn(
        {
          if: [{ key, target: "modRevision", is: "=", than: token }],
          then: [{ type: "put", key, value, lease: landing.lease }],
        },
        { signal: either.signal },
      );
      if (!answer.succeeded) throw this.#movedError();
      this.#lose(this.#movedError());
      return answer.revision;
    } catch (error) {
      if (!isUnknown(error)) this.#isMoving = false;
      throw error;
    } finally {
      either.end();
      patience.end();
    }
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release();
    return this.#releasing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #release(): Promise<void> {
    if (this.#isOver) return;
    const { key, token, use } = this.#parts;
    this.#isMoving = true;
    try {
      await take(this.#world, key, token, use.session.signal);
    } catch {
      // The lease is lost, and the name with it.
    }
    this.#finish();
  }

  /** Sees when somebody else takes the name away. */
  async #follow(): Promise<void> {
    const { key, token } = this.#parts;
    const { signal } = this.#following;
    try {
      for await (const each of follow(this.#world, { key }, { signal, from: token + 1 })) {
        const isOwn = each.type === "snapshot" && each.pairs[0]?.modRevision === token;
        if (!isOwn) return this.#lose(this.#movedError());
      }
    } catch (error) {
      // Without a watch the lease still tells the truth, only later.
      this.#world.logger.warn("a claim of a name is not watched any more", {
        name: this.name,
        error,
      });
    }
  }

  #lose(reason: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    if (this.#releasing === undefined) this.#ended.abort(reason);
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#following.abort();
    this.#parts.use.end();
    this.#onOver();
  }

  #movedError(): Error {
    const { name, token } = this;
    return consensusErrors.ERR_NAME_MOVED(
      `The name "${name}" is not that of the claim with token ${token} any more; look up who has it`,
      { name, token },
    );
  }
}

interface Found<T> {
  readonly owned: Owned<T>;
  readonly token: Revision;
  readonly revision: Revision;
}

async function look<T>(
  world: RecipeWorld,
  key: string,
  signal: AbortSignal,
): Promise<Found<T> | undefined> {
  const { results, revision } = await persist(world, signal, () =>
    world.engine.txn({ then: [{ type: "range", key }] }),
  );
  const [pair] = pairsOf(results[0]);
  if (!pair) return undefined;
  const owned = world.codec.decode(pair.value) as Owned<T>;
  return { owned, token: pair.modRevision, revision };
}

/** Makes every claim fail that this session sent before. */
async function fence(world: RecipeWorld, session: Session, signal: AbortSignal): Promise<void> {
  await persist(world, signal, () => world.engine.txn({ then: [session.fence()] }));
}

/** Deletes a name if it is this claim's still. */
async function take(
  world: RecipeWorld,
  key: string,
  token: Revision,
  signal: AbortSignal,
): Promise<void> {
  await persist(world, signal, () =>
    world.engine.txn({
      if: [{ key, target: "modRevision", is: "=", than: token }],
      then: [{ type: "delete", key }],
    }),
  );
}

/** Waits until the name has been moved to this landing. */
async function arrival<T>(
  world: RecipeWorld,
  key: string,
  id: string,
  signal: AbortSignal,
): Promise<{ readonly token: Revision; readonly owned: Owned<T> }> {
  for await (const each of follow(world, { key }, { signal })) {
    const pairs =
      each.type === "snapshot"
        ? each.pairs
        : each.changes.flatMap((change) => (change.type === "put" ? [change.pair] : []));
    for (const pair of pairs) {
      const owned = world.codec.decode(pair.value) as Owned<T>;
      if (owned.id === id) return { token: pair.modRevision, owned };
    }
  }
  throw signal.reason;
}

function isUnknown(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_OUTCOME_UNKNOWN";
}
