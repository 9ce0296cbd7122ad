/**
 * MemoryNames: the twin of NameStore: one table, a store for each client of it.
 *
 * A client that is cut off renews nothing: it believes its claims for their time to live, and the table frees them a
 * moment later, by one clock.
 */
import { parseDuration } from "../duration.js";
import { coreErrors } from "../errors/errors.js";
import type { Clock } from "../ports/clock.js";
import type {
  ClaimOptions,
  NameClaim,
  NameEvent,
  NameLanding,
  NameOwner,
  NamePad,
  NameStore,
  NameWatch,
  NameWatchOptions,
} from "../ports/name-store.js";
import { testingLimits } from "./limits.js";

export interface MemoryNamesOptions {
  readonly clock: Clock;
}

/** A table of names in memory. */
export interface MemoryNames {
  /** The store of one client. */
  store(): NameStore;
  /** The client renews nothing any more, as if the network had been cut. */
  cut(store: NameStore): void;
}

interface Held {
  readonly owner: NameOwner<unknown>;
  readonly claim: Claim;
}

type Listener = (event: NameEvent<unknown>) => void;

/** A table whose stores agree at once. */
export function memoryNames(options: MemoryNamesOptions): MemoryNames {
  const table = new Table(options.clock);
  const stores = new Map<NameStore, Store>();
  return {
    store() {
      const store = new Store(table);
      stores.set(store, store);
      return store;
    },
    cut: (store) => stores.get(store)?.cut(),
  };
}

class Table {
  readonly clock: Clock;
  readonly held = new Map<string, Held>();
  readonly pads = new Map<string, Pad>();
  readonly listeners = new Set<Listener>();
  #tokens = 0;
  #pads = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  give(name: string, data: unknown, store: Store, ttlMs: number): Claim {
    this.#tokens += 1;
    const owner = { name, data, token: this.#tokens };
    const claim = new Claim(this, store, owner, ttlMs);
    this.held.set(name, { owner, claim });
    store.claims.add(claim);
    this.#tell({ type: "owned", owner });
    return claim;
  }

  free(claim: Claim): void {
    claim.store.claims.delete(claim);
    if (this.held.get(claim.name)?.claim !== claim) return;
    this.held.delete(claim.name);
    this.#tell({ type: "free", name: claim.name });
  }

  padId(): string {
    this.#pads += 1;
    return `pad-${this.#pads}`;
  }

  #tell(event: NameEvent<unknown>): void {
    for (const listener of this.listeners) listener(event);
  }
}

class Store implements NameStore {
  readonly claims = new Set<Claim>();
  readonly #table: Table;
  readonly #closing = new AbortController();
  isCut = false;

  constructor(table: Table) {
    this.#table = table;
  }

  async acquire<T>(
    name: string,
    data: T,
    options: ClaimOptions = {},
  ): Promise<NameClaim<T> | undefined> {
    const ttlMs = this.#ttlOf(options);
    if (this.#table.held.has(name)) return undefined;
    return this.#table.give(name, data, this, ttlMs) as unknown as NameClaim<T>;
  }

  async lookup<T = unknown>(name: string): Promise<NameOwner<T> | undefined> {
    this.#checkOpen();
    return this.#table.held.get(name)?.owner as NameOwner<T> | undefined;
  }

  async prepare<T>(name: string, options: ClaimOptions = {}): Promise<NamePad<T>> {
    const pad = new Pad(this.#table, this, name, this.#ttlOf(options));
    return pad as unknown as NamePad<T>;
  }

  watch<T = unknown>(name?: string, options: NameWatchOptions = {}): NameWatch<T> {
    this.#checkOpen();
    return watchTable<T>(this.#table, name, options);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const claim of [...this.claims]) await claim.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  cut(): void {
    this.isCut = true;
    for (const claim of this.claims) claim.expire();
    for (const pad of this.#table.pads.values()) if (pad.store === this) pad.expire();
  }

  #ttlOf({ ttl, signal }: ClaimOptions): number {
    this.#checkOpen();
    if (signal?.aborted === true) {
      throw coreErrors.ERR_ABORTED("The claim was aborted", { target: "name" }, signal.reason);
    }
    return ttl === undefined ? testingLimits.nameTtlMs : parseDuration(ttl, "ttl");
  }

  #checkOpen(): void {
    if (!this.#closing.signal.aborted) return;
    const what = "This name store";
    throw coreErrors.ERR_CLOSED(`${what} is closed; make a new one to go on`, { what });
  }
}

class Claim implements NameClaim {
  readonly name: string;
  readonly data: unknown;
  readonly token: number;
  readonly store: Store;
  readonly #table: Table;
  readonly #ttlMs: number;
  readonly #ended = new AbortController();
  #isOver = false;

  constructor(
    table: Table,
    store: Store,
    { name, data, token }: NameOwner<unknown>,
    ttlMs: number,
  ) {
    this.#table = table;
    this.store = store;
    this.name = name;
    this.data = data;
    this.token = token;
    this.#ttlMs = ttlMs;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  get isHeld(): boolean {
    return !this.#isOver;
  }

  async renew(): Promise<boolean> {
    return this.isHeld;
  }

  async moveTo(landing: NameLanding, data: unknown): Promise<number> {
    const { name } = this;
    const held = this.#table.held.get(name);
    if (this.#isOver || held?.claim !== this) {
      throw moved(name, held?.owner.token ?? this.token);
    }
    const pad = this.#table.pads.get(landing.id);
    if (pad === undefined) throw lost(landing.id);
    const token = pad.land(data);
    this.#end(moved(name, token));
    return token;
  }

  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#table.free(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** Its owner first knows, and then the name is free. */
  expire(): void {
    const { clock } = this.#table;
    clock.setTimer(this.#ttlMs, () => this.#end(lost(this.name)));
    clock.setTimer(this.#ttlMs + 1, () => this.#table.free(this));
  }

  #end(why: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.store.claims.delete(this);
    this.#ended.abort(why);
  }
}

class Pad implements NamePad<unknown> {
  readonly landing: NameLanding;
  readonly store: Store;
  readonly #table: Table;
  readonly #name: string;
  readonly #ttlMs: number;
  readonly #waiting: { resolve(claim: Claim): void; reject(error: Error): void }[] = [];
  #landed: Claim | undefined;

  constructor(table: Table, store: Store, name: string, ttlMs: number) {
    const id = table.padId();
    this.landing = { lease: id, id, createRevision: 1 };
    this.store = store;
    this.#table = table;
    this.#name = name;
    this.#ttlMs = ttlMs;
    table.pads.set(id, this);
  }

  land(data: unknown): number {
    this.#table.pads.delete(this.landing.id);
    const claim = this.#table.give(this.#name, data, this.store, this.#ttlMs);
    this.#landed = claim;
    for (const { resolve } of this.#waiting.splice(0)) resolve(claim);
    return claim.token;
  }

  async landed(): Promise<NameClaim<unknown>> {
    const there = this.#landed;
    if (there !== undefined) return there;
    return await new Promise<Claim>((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    if (!this.#table.pads.delete(this.landing.id)) return;
    const what = "This landing";
    const closed = coreErrors.ERR_CLOSED(`${what} is closed`, { what });
    for (const { reject } of this.#waiting.splice(0)) reject(closed);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  expire(): void {
    this.#table.clock.setTimer(this.#ttlMs, () => {
      if (!this.#table.pads.delete(this.landing.id)) return;
      for (const { reject } of this.#waiting.splice(0)) reject(lost(this.#name));
    });
  }
}

function watchTable<T>(
  table: Table,
  name: string | undefined,
  { signal, initial = false }: NameWatchOptions,
): NameWatch<T> {
  const events: NameEvent<unknown>[] = [];
  let wake = (): void => undefined;
  let isOver = signal?.aborted === true;
  const listener: Listener = (event) => {
    const of =
      event.type === "owned" ? event.owner.name : event.type === "free" ? event.name : name;
    if (name !== undefined && of !== name) return;
    events.push(event);
    wake();
  };
  const close = async (): Promise<void> => {
    isOver = true;
    table.listeners.delete(listener);
    wake();
  };
  if (initial) {
    const all = [...table.held.values()].map(({ owner }) => owner);
    const owners = all.filter((owner) => name === undefined || owner.name === name);
    events.push({ type: "snapshot", owners });
  }
  table.listeners.add(listener);
  signal?.addEventListener("abort", () => void close(), { once: true });
  return {
    async next() {
      for (;;) {
        const event = isOver ? undefined : events.shift();
        if (event !== undefined) return { done: false, value: event as NameEvent<T> };
        if (isOver) return { done: true, value: undefined };
        await new Promise<void>((resolve) => (wake = resolve));
      }
    },
    async return() {
      await close();
      return { done: true, value: undefined };
    },
    ready: async () => {},
    close,
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]: close,
  };
}

function lost(lease: string): Error {
  return coreErrors.ERR_LEASE_LOST(`The claim of ${lease} was renewed no more`, { lease });
}

function moved(name: string, token: number): Error {
  const message = `The name "${name}" is another's now, with the token ${token}`;
  return coreErrors.ERR_NAME_MOVED(message, { name, token });
}
