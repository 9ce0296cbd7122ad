/** All recipes of one client over one engine, with leases that they share. */
import type { NameStore, Roster } from "@foundation/core/ports";
import type { Engine } from "../engine/engine.js";
import { createBarriers, type Barriers } from "./barriers.js";
import { createClusterConfig, type ClusterConfig } from "./cluster-config.js";
import { createElections, type Elections, type ElectionsOptions } from "./elections/elections.js";
import { createKv, type Kv } from "./kv/kv.js";
import { createLocks, type Locks } from "./locks/locks.js";
import { createSemaphores, type Semaphores } from "./locks/semaphores.js";
import { createNameStore } from "./names/name-store.js";
import { createRoster } from "./roster.js";
import { createSequences, type Sequences } from "./sequences.js";
import { createSessions } from "./sessions/sessions.js";

/** What a client does with an engine. */
export interface Recipes extends AsyncDisposable {
  readonly kv: Kv;
  readonly locks: Locks;
  readonly semaphores: Semaphores;
  readonly barriers: Barriers;
  readonly elections: Elections;
  readonly sequences: Sequences;
  readonly config: ClusterConfig;
  readonly names: NameStore;
  readonly roster: Roster;
  /** Gives back all that is held, and ends the leases. The engine stays open. */
  close(): Promise<void>;
}

/**
 * All recipes over an engine.
 *
 * @example
 * ```ts
 * import { createMemoryEngine, createRecipes } from "@foundation/consensus"
 *
 * const engine = createMemoryEngine()
 * const recipes = createRecipes(engine, { client: "app-1" })
 * const lock = await recipes.locks.acquire("invoice:42")
 * await recipes.kv.put("invoices/42", { paid: true, token: lock.token })
 * await recipes.close()
 * await engine.close()
 * ```
 */
export function createRecipes(engine: Engine, options: ElectionsOptions = {}): Recipes {
  const own = createSessions(engine, options);
  const shared = { ...options, sessions: options.sessions ?? own };
  const recipes = {
    kv: createKv(engine, shared),
    locks: createLocks(engine, shared),
    semaphores: createSemaphores(engine, shared),
    barriers: createBarriers(engine, shared),
    elections: createElections(engine, shared),
    sequences: createSequences(engine, shared),
    config: createClusterConfig(engine, shared),
    names: createNameStore(engine, shared),
  };
  const { locks, semaphores, barriers, elections, sequences, config, names } = recipes;
  // It watches from its beginning: nobody asks the store for it who does not look at it.
  let roster: Roster | undefined;
  const close = async () => {
    const holders = [locks, semaphores, barriers, elections, sequences, config, names];
    await Promise.all([...holders.map((each) => each.close()), roster?.close()]);
    await own.close();
  };
  return {
    ...recipes,
    get roster() {
      return (roster ??= createRoster(engine, shared));
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
