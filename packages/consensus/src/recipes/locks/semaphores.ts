/**
 * Semaphores: at most so many permits at once, given out in the order in which they were asked for.
 *
 * Guarantee: permits that are held, by their leases, never exceed the limit, and nobody is overtaken, whatever it asks
 * for. Limit: several hold at once, so tokens tell earlier from later but no receiver can fence with them.
 */
import type { Engine } from "../../engine/engine.js";
import type { WaitOptions } from "../patience.js";
import { sessionsOf } from "../sessions/sessions.js";
import { checkInteger, recipeWorld, type RecipeOptions } from "../world.js";
import type { Hold } from "./hold.js";
import { Holds, type AcquireOptions, type Claimant } from "./holds.js";

/** How to take permits. */
export interface PermitOptions extends AcquireOptions {
  /** How many there are. All who use one semaphore must say the same. */
  readonly limit: number;
  /** How many to take. @default 1 */
  readonly permits?: number | undefined;
}

/** Permits that are held. */
export interface Permit extends Hold {
  readonly permits: number;
}

/** Who holds permits and who waits for some, in order. */
export interface SemaphoreQueue {
  readonly holders: readonly PermitClaimant[];
  readonly waiting: readonly PermitClaimant[];
}

export interface PermitClaimant extends Claimant {
  readonly permits: number;
}

/** Semaphores over one engine. */
export interface Semaphores extends AsyncDisposable {
  /**
   * Waits for permits.
   *
   * @throws {ERR_INVALID_ARGUMENT} more permits than the limit, or others gave another limit; else as locks do
   */
  acquire(name: string, options: PermitOptions): Promise<Permit>;
  /** The permits, or undefined when there are too few. */
  tryAcquire(name: string, options: PermitOptions): Promise<Permit | undefined>;
  inspect(name: string, options?: WaitOptions): Promise<SemaphoreQueue>;
  /** Gives back all permits of this client, and refuses more. */
  close(): Promise<void>;
}

/**
 * Semaphores over an engine.
 *
 * @example
 * ```ts
 * import { createMemoryEngine, createSemaphores } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const semaphores = createSemaphores(engine)
 * const permit = await semaphores.acquire("imports", { limit: 3 })
 * await permit.release()
 * await semaphores.close()
 * await engine.close()
 * ```
 */
export function createSemaphores(engine: Engine, options: RecipeOptions = {}): Semaphores {
  const world = recipeWorld(engine, options);
  const leases = sessionsOf(world, options);
  const holds = new Holds(world, leases.sessions, "semaphores", "semaphore");
  const close = async () => {
    await holds.close();
    await leases.close();
  };
  return {
    async acquire(name, acquire) {
      const size = sizeOf(acquire);
      return permitOf(await holds.acquire(name, size, acquire), size.permits);
    },
    async tryAcquire(name, acquire) {
      const size = sizeOf(acquire);
      const hold = await holds.tryAcquire(name, size, acquire);
      return hold && permitOf(hold, size.permits);
    },
    async inspect(name, wait = {}) {
      const holders: PermitClaimant[] = [];
      const waiting: PermitClaimant[] = [];
      let taken = 0;
      for (const { client, owner, token, permits, limit } of await holds.inspect(name, wait)) {
        taken += permits;
        const claimant = { client, token, permits, ...(owner !== undefined && { owner }) };
        (taken <= limit ? holders : waiting).push(claimant);
      }
      return { holders, waiting };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sizeOf({ limit, permits = 1 }: PermitOptions) {
  checkInteger("limit", limit, 1, Number.MAX_SAFE_INTEGER);
  checkInteger("permits", permits, 1, limit);
  return { limit, permits };
}

function permitOf(hold: Hold, permits: number): Permit {
  return {
    name: hold.name,
    token: hold.token,
    signal: hold.signal,
    permits,
    get isHeld() {
      return hold.isHeld;
    },
    release: () => hold.release(),
    [Symbol.asyncDispose]: () => hold.release(),
  };
}
