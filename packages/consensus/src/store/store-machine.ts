/**
 * StoreMachine: the replicated store as a group's state machine.
 *
 * Give it to a group when that is opened, then to `createGroupEngine` together with the group.
 */
import { resolveLimits } from "@foundation/core";
import type { StateMachine } from "../group/state-machine.js";
import { SESSION_LIMITS, type SessionLimits } from "../limits.js";
import { STORE_LIMITS, type StoreLimits } from "../protocol/store/limits.js";
import { ReplicatedStore, type StoreResponse } from "../protocol/store/replicated-store.js";
import { SnapshotReading } from "../protocol/store/snapshot.js";
import type { Store } from "../protocol/store/store.js";

export interface StoreMachineOptions {
  /**
   * Limits that a new group begins with: equal on every member. Those of a group that is running are in its state, and
   * are changed by `GroupEngine.setLimits`. @default STORE_LIMITS
   */
  readonly limits?: Partial<StoreLimits> | undefined;
  /** Equal on every member, for ever. @default SESSION_LIMITS */
  readonly sessions?: Partial<SessionLimits> | undefined;
}

/**
 * A machine for one member of one group.
 *
 * @throws {ERR_INVALID_ARGUMENT} a limit is not an integer from 1
 */
export function createStoreMachine(options: StoreMachineOptions = {}): StoreMachine {
  return new StoreMachine(options);
}

/** Made by `createStoreMachine`. */
export class StoreMachine implements StateMachine<StoreResponse> {
  /** Equal on every member. */
  readonly sessionLimits: SessionLimits;
  readonly #replicated: ReplicatedStore;
  readonly #listeners = new Set<() => void>();

  constructor(options: StoreMachineOptions) {
    this.sessionLimits = resolveLimits(SESSION_LIMITS, options.sessions);
    this.#replicated = new ReplicatedStore({
      limits: resolveLimits(STORE_LIMITS, options.limits),
      sessions: this.sessionLimits,
    });
  }

  /** For reading only; another one after a restore. */
  get store(): Store {
    return this.#replicated.store;
  }

  /** Open sessions of clients. */
  get sessions(): number {
    return this.#replicated.sessions;
  }

  apply(index: number, timeMs: number, data: Uint8Array): StoreResponse {
    const before = this.store.revision;
    const response = this.#replicated.apply(index, timeMs, data);
    if (this.store.revision !== before) this.#tell();
    return response;
  }

  snapshot(): Iterable<Uint8Array> {
    return this.#replicated.snapshot();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const reading = new SnapshotReading();
    for await (const chunk of chunks) reading.add(chunk);
    this.#replicated.restore(reading);
    this.#tell();
  }

  wakeAt(): number | undefined {
    return this.store.nextEndMs;
  }

  /** Calls a function after each change of the store, within the application; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
