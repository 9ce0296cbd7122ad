/**
 * Locks: mutual exclusion across processes, fair, with fencing tokens.
 *
 * Guarantee: of one name's locks the tokens grow strictly in the order of holding, and while clocks tick alike (within
 * `RECIPE_TIMES.driftPart`) at most one holder has `isHeld`. Limit: a holder that looks at the clock, is paused, and then
 * acts may be late; only a receiver that compares tokens protects against it. A lock does not protect without its token.
 */
import type { Engine } from "../../engine/engine.js";
import type { WaitOptions } from "../patience.js";
import { sessionsOf } from "../sessions/sessions.js";
import { recipeWorld, type RecipeOptions } from "../world.js";
import type { Hold } from "./hold.js";
import { Holds, type AcquireOptions, type Claimant } from "./holds.js";

/** A lock that is held. */
export interface Lock extends Hold {}

/** Who has a lock and who waits for it, in order. */
export interface LockQueue {
  readonly holder: Claimant | undefined;
  readonly waiting: readonly Claimant[];
}

/** Locks over one engine. */
export interface Locks extends AsyncDisposable {
  /**
   * Waits for the lock.
   *
   * @throws {ERR_TIMEOUT} the time was up; {ERR_ABORTED} the signal fired; {ERR_LOCK_HELD} with `wait: false`;
   *   {ERR_LOCK_REENTRANT} its owner has it already; {ERR_CLOSED}; {ERR_INVALID_ARGUMENT}
   */
  acquire(name: string, options?: AcquireOptions): Promise<Lock>;
  /** The lock, or undefined when another has it. */
  tryAcquire(name: string, options?: AcquireOptions): Promise<Lock | undefined>;
  inspect(name: string, options?: WaitOptions): Promise<LockQueue>;
  /** Releases all locks of this client, and refuses more. */
  close(): Promise<void>;
}

/**
 * Locks over an engine.
 *
 * @example
 * ```ts
 * import { createLocks, createMemoryEngine } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const locks = createLocks(engine, { client: "billing-1" })
 * const lock = await locks.acquire("invoice:42", { ttl: "10s", timeout: "30s" })
 * console.log(lock.token, lock.isHeld)
 * await lock.release()
 * await locks.close()
 * await engine.close()
 * ```
 */
export function createLocks(engine: Engine, options: RecipeOptions = {}): Locks {
  const world = recipeWorld(engine, options);
  const leases = sessionsOf(world, options);
  const holds = new Holds(world, leases.sessions, "locks", "lock");
  const size = { permits: 1, limit: 1 };
  const close = async () => {
    await holds.close();
    await leases.close();
  };
  return {
    acquire: (name, acquire = {}) => holds.acquire(name, size, acquire),
    tryAcquire: (name, acquire = {}) => holds.tryAcquire(name, size, acquire),
    async inspect(name, wait = {}) {
      const [holder, ...waiting] = (await holds.inspect(name, wait)).map(claimantOf);
      return { holder, waiting };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function claimantOf({ client, owner, token }: Claimant): Claimant {
  return { client, token, ...(owner !== undefined && { owner }) };
}
