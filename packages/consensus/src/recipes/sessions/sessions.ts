/**
 * Sessions: the leases of one client, one for each time to live, shared by all recipes that are given them.
 *
 * To acquire a lock then costs one write, not three. A lease without users is renewed no more and ends by itself; who
 * comes back in time finds it alive. What is shared is lost together: two locks of one time to live fail as one.
 */
import { coreErrors } from "@foundation/core";
import type { Engine } from "../../engine/engine.js";
import { RECIPE_LIMITS } from "../limits.js";
import { persist } from "../persistence.js";
import {
  checkInteger,
  closedHandle,
  recipeWorld,
  type RecipeOptions,
  type RecipeWorld,
} from "../world.js";
import { Session } from "./session.js";

/** The use of a session by one holder. */
export interface SessionUse {
  readonly session: Session;
  /** The holder needs it no more. Idempotent. */
  end(): void;
}

interface Slot {
  readonly session: Session;
  users: number;
}

/** The leases of a client; `createSessions` makes them. */
export class Sessions implements AsyncDisposable {
  readonly #world: RecipeWorld;
  readonly #slots = new Map<number, Slot>();
  readonly #opening = new Map<number, Promise<Slot>>();
  readonly #closed = new AbortController();

  /** @internal */
  constructor(world: RecipeWorld) {
    this.#world = world;
  }

  /**
   * A session of this time to live that is alive.
   *
   * @throws {ERR_CLOSED} these are closed; {ERR_QUEUE_FULL} too many times to live are in use; the signal's reason
   */
  async use(ttlMs: number, signal: AbortSignal): Promise<SessionUse> {
    checkInteger("ttl", ttlMs, 1, Number.MAX_SAFE_INTEGER);
    for (;;) {
      this.#checkOpen();
      if (!this.#slots.has(ttlMs)) this.#makeRoom();
      const slot = await persist(this.#world, signal, () => this.#slot(ttlMs));
      if (!slot.session.isAlive) continue;
      slot.users += 1;
      if (slot.users === 1) slot.session.keeper.start();
      return { session: slot.session, end: once(() => this.#leave(slot)) };
    }
  }

  /** Ends the leases, and deletes what is attached to them. */
  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort(closedHandle("These sessions"));
    const sessions = [...this.#slots.values()].map(({ session }) => session);
    this.#slots.clear();
    await Promise.all(sessions.map((session) => this.#revoke(session)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #slot(ttlMs: number): Promise<Slot> {
    const slot = this.#slots.get(ttlMs);
    if (slot && isFresh(slot)) return slot;
    const opening = this.#opening.get(ttlMs) ?? this.#open(ttlMs);
    this.#opening.set(ttlMs, opening);
    return await opening;
  }

  async #open(ttlMs: number): Promise<Slot> {
    try {
      const session = await Session.open(this.#world, ttlMs);
      if (this.#closed.signal.aborted) {
        await this.#revoke(session);
        throw this.#closed.signal.reason;
      }
      const slot: Slot = { session, users: 0 };
      this.#slots.set(ttlMs, slot);
      return slot;
    } finally {
      this.#opening.delete(ttlMs);
    }
  }

  /** Forgets a session without users for a new one; it ends by itself. */
  #makeRoom(): void {
    if (this.#slots.size < RECIPE_LIMITS.sessionsMax) return;
    for (const [ttlMs, slot] of this.#slots) {
      if (slot.users > 0 && slot.session.isAlive) continue;
      this.#slots.delete(ttlMs);
      return;
    }
    throw tooMany();
  }

  #leave(slot: Slot): void {
    slot.users -= 1;
    if (slot.users === 0) slot.session.keeper.stop();
  }

  async #revoke(session: Session): Promise<void> {
    session.keeper.lose("its client was closed");
    // Without an answer it ends by itself.
    await this.#world.engine.revokeLease(session.lease).catch(() => undefined);
  }

  #checkOpen(): void {
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
  }
}

/** One in use is renewed. One that is not must last long enough for the first renewal to be answered. */
function isFresh({ session, users }: Slot): boolean {
  return users > 0 ? session.isAlive : session.keeper.remainingMs > session.keeper.ttlMs / 2;
}

/**
 * Leases to be shared by the recipes of one client.
 *
 * @example
 * ```ts
 * import { createLocks, createMemoryEngine, createSemaphores, createSessions } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const sessions = createSessions(engine)
 * const locks = createLocks(engine, { sessions })
 * const semaphores = createSemaphores(engine, { sessions })
 * await Promise.all([locks.close(), semaphores.close()])
 * await sessions.close()
 * await engine.close()
 * ```
 */
export function createSessions(engine: Engine, options: RecipeOptions = {}): Sessions {
  return new Sessions(recipeWorld(engine, options));
}

/** The sessions that a recipe uses, and whether they are its own to close. */
export function sessionsOf(
  world: RecipeWorld,
  options: RecipeOptions,
): { readonly sessions: Sessions; close(): Promise<void> } {
  const given = options.sessions;
  if (given) return { sessions: given, close: () => Promise.resolve() };
  const sessions = new Sessions(world);
  return { sessions, close: () => sessions.close() };
}

function once(fn: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) fn();
    isDone = true;
  };
}

function tooMany(): Error {
  const limit = RECIPE_LIMITS.sessionsMax;
  return coreErrors.ERR_QUEUE_FULL(
    `This client uses leases of ${limit} different times to live; use fewer different ones`,
    { queue: "sessions", limit, unit: "messages" },
  );
}
