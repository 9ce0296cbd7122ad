/**
 * createState: a node's replicated state of all types, by name.
 *
 * One name and type is one state in the whole cluster. Opening one that is open on this node gives
 * the same handle; closing it closes it for all who hold it.
 */
import { coreErrors, nodeRuntime, type Duration } from "@foundation/core";
import type { RightsRow } from "../protocol/types/bounded-counter.js";
import type { CounterRow } from "../protocol/types/counter.js";
import { OPEN_STATES_MAX, type CausalLimits } from "../limits.js";
import { CausalStore, type StateHandle, type StateOptions } from "./causal/causal-store.js";
import { boundedCounter, type BoundedCounter } from "./faces/bounded-counter.js";
import { counter, growCounter, type Counter, type GrowCounter } from "./faces/counters.js";
import { flag, type Flag, type FlagWins } from "./faces/flag.js";
import { nestedMap, type NestedMap } from "./faces/nested-map.js";
import { multiRegister, register, type MultiRegister, type Register } from "./faces/registers.js";
import { replicatedMap, type ReplicatedMap } from "./faces/replicated-map.js";
import { replicatedSet, type ReplicatedSet } from "./faces/replicated-set.js";
import type { ReplicationPorts } from "./replication.js";

/** Options of a node's replicated state; those of one state come before these. */
export interface CreateStateOptions extends ReplicationPorts {
  /** Between two rounds of anti-entropy with a random member. @default "10s" */
  readonly exchangeInterval?: Duration | undefined;
  /** How long writers that are gone are remembered after their last write was removed. @default "1d" */
  readonly tombstoneTime?: Duration | undefined;
  /** @default CAUSAL_LIMITS */
  readonly limits?: Partial<CausalLimits> | undefined;
}

/** Options of a flag. */
export interface FlagOptions extends StateOptions {
  /** Which of two concurrent settings holds; equal on every node. @default "enable" */
  readonly wins?: FlagWins | undefined;
}

/**
 * Replicated state of all types. Every method opens this node's replica of the state of that name:
 * reads are of what this node has, writes are at once here and soon everywhere.
 *
 * @throws {ERR_INVALID_ARGUMENT} (every method) the name or an option. @throws {ERR_STORAGE} with
 * `persist`: the disk. @throws {ERR_CLOSED}
 */
export interface ReplicatedState extends AsyncDisposable {
  /** Keys and values; of concurrent writes of a key the last one is shown. */
  map<V>(name: string, options?: StateOptions): Promise<ReplicatedMap<V>>;
  /** Members; an addition wins over a concurrent removal. */
  set<V>(name: string, options?: StateOptions): Promise<ReplicatedSet<V>>;
  /** Up and down. */
  counter(name: string, options?: StateOptions): Promise<Counter>;
  /** Up only. */
  growCounter(name: string, options?: StateOptions): Promise<GrowCounter>;
  /** Never below zero. */
  boundedCounter(name: string, options?: StateOptions): Promise<BoundedCounter>;
  /** On or off. */
  flag(name: string, options?: FlagOptions): Promise<Flag>;
  /** One value; of concurrent ones the last. */
  register<V>(name: string, options?: StateOptions): Promise<Register<V>>;
  /** One value; of concurrent ones all. */
  multiRegister<V>(name: string, options?: StateOptions): Promise<MultiRegister<V>>;
  /** Maps of maps of registers, sets, counters and flags. */
  nested(name: string, options?: StateOptions): Promise<NestedMap>;
  /** Closes all that is open. Idempotent. */
  close(): Promise<void>;
}

/**
 * The replicated state of a node.
 *
 * @example
 * ```ts
 * import { createState, type ReplicationPorts } from "@foundation/crdt"
 *
 * export async function count(ports: ReplicationPorts) {
 *   await using state = createState(ports)
 *   const visits = await state.counter("visits")
 *   visits.increment()
 *   const online = await state.set<string>("online")
 *   online.add("ann", { ttl: "30s" })
 *   return [visits.value, online.size]
 * }
 * ```
 */
export function createState(options: CreateStateOptions): ReplicatedState {
  return new StateOfNode(options);
}

interface Opened {
  readonly handle: Promise<StateHandle>;
}

class StateOfNode implements ReplicatedState {
  readonly #options: CreateStateOptions;
  readonly #runtime: ReturnType<typeof nodeRuntime>;
  readonly #open = new Map<string, Opened>();
  /** What was closed and still writes. */
  readonly #ending = new Map<string, Promise<void>>();
  #closed = false;

  constructor(options: CreateStateOptions) {
    this.#options = options;
    this.#runtime = nodeRuntime(options.runtime);
  }

  map<V>(name: string, options?: StateOptions): Promise<ReplicatedMap<V>> {
    return this.#of<V, ReplicatedMap<V>>("map", true, name, options, replicatedMap);
  }

  set<V>(name: string, options?: StateOptions): Promise<ReplicatedSet<V>> {
    return this.#of<V | null, ReplicatedSet<V>>("set", false, name, options, replicatedSet);
  }

  counter(name: string, options?: StateOptions): Promise<Counter> {
    return this.#of<CounterRow, Counter>("counter", false, name, options, counter);
  }

  growCounter(name: string, options?: StateOptions): Promise<GrowCounter> {
    return this.#of<CounterRow, GrowCounter>("grow-counter", false, name, options, growCounter);
  }

  boundedCounter(name: string, options?: StateOptions): Promise<BoundedCounter> {
    const { membership } = this.#options;
    const face = (store: CausalStore<RightsRow>) => boundedCounter(store, membership);
    return this.#of<RightsRow, BoundedCounter>("bounded-counter", false, name, options, face);
  }

  async flag(name: string, options: FlagOptions = {}): Promise<Flag> {
    const { wins = "enable", ...rest } = options;
    const face = (store: CausalStore<null>) => flag(store, checkedWins(wins));
    return this.#of<null, Flag>(`flag-${checkedWins(wins)}`, false, name, rest, face);
  }

  register<V>(name: string, options?: StateOptions): Promise<Register<V>> {
    return this.#of<V, Register<V>>("register", true, name, options, register);
  }

  multiRegister<V>(name: string, options?: StateOptions): Promise<MultiRegister<V>> {
    return this.#of<V, MultiRegister<V>>("multi-register", true, name, options, multiRegister);
  }

  nested(name: string, options?: StateOptions): Promise<NestedMap> {
    return this.#of<unknown, NestedMap>("nested", true, name, options, nestedMap);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opened = [...this.#open.values()];
    await Promise.all(
      opened.map(({ handle }) =>
        handle.then(
          (each) => each.close(),
          () => undefined,
        ),
      ),
    );
    await Promise.all(this.#ending.values());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #of<V, H extends StateHandle>(
    kind: string,
    isTimed: boolean,
    name: string,
    options: StateOptions | undefined,
    face: (store: CausalStore<V>) => H,
  ): Promise<H> {
    if (this.#closed) {
      throw coreErrors.ERR_CLOSED("This node's replicated state was closed", { what: "state" });
    }
    const key = `${kind} ${name}`;
    const opened = this.#open.get(key);
    if (opened !== undefined) return opened.handle as Promise<H>;
    this.#assertRoom();
    const handle = this.#made(key, kind, isTimed, name, options, face);
    this.#open.set(key, { handle });
    handle.catch(() => {
      if (this.#open.get(key)?.handle === handle) this.#open.delete(key);
    });
    return handle;
  }

  async #made<V, H extends StateHandle>(
    key: string,
    kind: string,
    isTimed: boolean,
    name: string,
    options: StateOptions | undefined,
    face: (store: CausalStore<V>) => H,
  ): Promise<H> {
    const { exchangeInterval, tombstoneTime, limits, messenger, membership, broadcast } =
      this.#options;
    // Two that write one file would each cut off what the other has written.
    await this.#ending.get(key);
    const store = await CausalStore.open<V>({
      messenger,
      membership,
      broadcast,
      runtime: this.#runtime,
      exchangeInterval,
      tombstoneTime,
      ...options,
      limits: { ...limits, ...options?.limits },
      kind,
      name,
      isTimed,
      onClose: (ended) => this.#closing(key, ended),
    });
    try {
      return face(store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  #closing(key: string, ended: Promise<void>): void {
    this.#open.delete(key);
    this.#ending.set(key, ended);
    void ended.then(() => {
      if (this.#ending.get(key) === ended) this.#ending.delete(key);
    });
  }

  #assertRoom(): void {
    if (this.#open.size < OPEN_STATES_MAX) return;
    const expected = `at most ${OPEN_STATES_MAX} replicated states open at once`;
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `A node has ${expected}; close some, or use one nested map instead of many states`,
      { argument: "name", expected, found: String(this.#open.size) },
    );
  }
}

function checkedWins(wins: FlagWins): FlagWins {
  if (wins === "enable" || wins === "disable") return wins;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `wins must be "enable" or "disable", found ${JSON.stringify(wins)}; leave it out for "enable"`,
    { argument: "wins", expected: '"enable" or "disable"', found: String(wins) },
  );
}
