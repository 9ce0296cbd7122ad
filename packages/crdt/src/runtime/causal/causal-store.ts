/**
 * CausalStore: the shell of every type of replicated state: ports, turns, time, disk and streams.
 *
 * The types (faces/) read and write keys here and say what concurrent writes mean; what travels is
 * the same for all. The protocol is in `protocol/causal/`.
 */
import {
  assertDone,
  boundedStream,
  coreErrors,
  parseDuration,
  resolveLimits,
} from "@foundation/core";
import type {
  BoundedStream,
  BoundedStreamOptions,
  Duration,
  Membership,
  MembershipEvent,
  NodeId,
  Runtime,
  Timer,
} from "@foundation/core";
import { crdtErrors } from "../../errors.js";
import { CAUSAL_LIMITS, type CausalLimits } from "../../limits.js";
import { CausalState } from "../../protocol/causal/causal-state.js";
import type { CausalChange, CausalEffect, CausalInput } from "../../protocol/causal/inputs.js";
import { parseCausalMessage } from "../../protocol/causal/messages.js";
import type { Entry, Strand, StrandId } from "../../protocol/causal/strand.js";
import { EffectQueue } from "../effect-queue.js";
import { Intake } from "../intake.js";
import { memberInput } from "../member-input.js";
import { Replication, type ReplicationOptions, type ResolvedPorts } from "../replication.js";
import { Stamps } from "../stamps.js";
import { Persistence } from "./persistence.js";

/** Options of `changes`. */
export type ChangeStreamOptions = Pick<BoundedStreamOptions, "signal" | "buffer" | "overflow">;

/** Options of every type of replicated state. */
export interface StateOptions {
  /** Keep it on this node's disk too; needs a `storage` in the runtime. @default false */
  readonly persist?: boolean | undefined;
  readonly limits?: Partial<CausalLimits> | undefined;
}

/** What all handles of replicated state have. */
export interface StateHandle extends AsyncDisposable {
  readonly name: string;
  /**
   * Resolves when everything written so far is durable on this node's disk. While the disk fails it is tried again by
   * itself, at the latest after 30 seconds, and by this call if that was not in the last half a second.
   * @throws {ERR_INVALID_ARGUMENT} it was opened without `persist` @throws {ERR_STORAGE}
   */
  persisted(): Promise<void>;
  /** Hands what this turn has written to the links now; else that is done when the turn ends. */
  flush(): void;
  /** Ends it on this node; the others keep what it wrote. Idempotent. */
  close(): Promise<void>;
}

export interface StoreOptions extends StateOptions, ReplicationOptions, ResolvedPorts {
  readonly runtime: ResolvedPorts["runtime"] & Pick<Runtime, "storage">;
  readonly kind: string;
  /** Writes carry the hybrid time. */
  readonly isTimed: boolean;
  /** `ended` resolves when nothing of it writes to the disk any more. */
  readonly onClose: (ended: Promise<void>) => void;
}

/** How often a node opened a state: no two openings are one writer. */
const openings = new WeakMap<Membership, number>();

interface Overlaid<V> {
  readonly entry: Entry<V> | undefined;
  readonly ttlMs: number | undefined;
}

export class CausalStore<V> implements StateHandle {
  readonly name: string;
  readonly limits: CausalLimits;
  readonly intake: Intake;
  readonly #options: StoreOptions;
  readonly #state: CausalState<V>;
  readonly #replication: Replication;
  readonly #stamps: Stamps;
  readonly #persistence: Persistence | undefined;
  readonly #effects = new EffectQueue<CausalEffect<V>>((effect) => this.#run(effect));
  readonly #listeners = new Set<(change: CausalChange<V>) => void>();
  readonly #streams = new Set<{ end(): void }>();
  /** The writes of a running `update`. */
  #overlay: Map<string, Overlaid<V>> | undefined;
  #expiry: Timer | undefined;
  #expiresAtMs: number | undefined;
  #closed = false;
  #ended: Promise<void> = Promise.resolve();

  private constructor(options: StoreOptions) {
    const { name, membership, runtime } = options;
    this.name = name;
    this.#options = options;
    this.limits = resolveLimits(CAUSAL_LIMITS, options.limits);
    this.intake = new Intake(name, this.limits);
    this.#stamps = new Stamps(membership, runtime.clock);
    this.#replication = new Replication(`causal.${options.kind}`, options, {
      message: (from, payload) => this.#onMessage(from, payload),
      member: (event, wasThere) => this.#onMember(event, wasThere),
      tick: (peer) => this.#input(peer === undefined ? { type: "tick" } : { type: "tick", peer }),
      flush: () => this.#input({ type: "flush" }),
    });
    this.#persistence = options.persist === true ? this.#disk() : undefined;
    this.#state = new CausalState<V>({
      own: strandOf(membership),
      limits: this.limits,
      tombstoneMs: this.#replication.tombstoneMs,
      journals: this.#persistence !== undefined,
    });
  }

  /** Reads what the disk has, then takes part. @throws {ERR_STORAGE} @throws {ERR_INVALID_ARGUMENT} */
  static async open<V>(options: StoreOptions): Promise<CausalStore<V>> {
    const store = new CausalStore<V>(options);
    try {
      const deltas = (await store.#persistence?.load()) ?? [];
      for (const delta of deltas) store.#input({ type: "restore", delta: delta as never });
    } catch (error) {
      store.#end();
      throw error;
    }
    store.#start();
    return store;
  }

  /** Takes part at once: without a disk there is nothing to wait for. @throws {ERR_INVALID_ARGUMENT} */
  static started<V>(options: Omit<StoreOptions, "persist">): CausalStore<V> {
    const store = new CausalStore<V>(options);
    store.#start();
    return store;
  }

  /** The writer of this opening. */
  get own(): Strand<V> {
    return this.#state.own;
  }

  get size(): number {
    return this.#state.size;
  }

  /** Equal where the same writes are live. */
  get digest(): string {
    return this.#state.digest();
  }

  /** The first live write of a key, with the writes of a running `update` in place. */
  head(key: string): Entry<V> | undefined {
    const overlaid = this.#overlay?.get(key);
    return overlaid === undefined ? this.#state.head(key) : overlaid.entry;
  }

  keys(): IterableIterator<string> {
    return this.#state.keys();
  }

  heads(): IterableIterator<Entry<V>> {
    return this.#state.heads();
  }

  /** What a running `update` has written so far, by key, and removed: undefined. */
  *overlaid(): IterableIterator<readonly [string, Entry<V> | undefined]> {
    for (const [key, { entry }] of this.#overlay ?? []) yield [key, entry];
  }

  /** Takes the place of what is known of the key. The key and the value are checked by the caller. */
  write(key: string, value: V, ttl?: Duration): void {
    const ttlMs = ttl === undefined ? undefined : positive(parseDuration(ttl, "ttl"));
    if (this.#overlay !== undefined) {
      this.#overlay.set(key, { entry: this.#pseudo(key, value), ttlMs });
      return;
    }
    this.assertOpen();
    if (this.#state.head(key) === undefined) this.#assertRoom(1);
    this.#apply({ type: "write", key, value, ...this.#stamp(), ttlMs });
    this.#replication.flushLater();
  }

  /** Removes what is known of a key; false when it has nothing. */
  remove(key: string): boolean {
    if (this.head(key) === undefined) return false;
    if (this.#overlay !== undefined) {
      this.#overlay.set(key, { entry: undefined, ttlMs: undefined });
      return true;
    }
    this.assertOpen();
    this.#apply({ type: "remove", key });
    this.#replication.flushLater();
    return true;
  }

  /** Runs `work`, whose writes all happen when it returns, or none when it throws or goes on later. */
  update(work: () => unknown): void {
    this.assertOpen();
    if (this.#overlay !== undefined) {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        `update of state "${this.name}" was called within its own update; write in one of them`,
        { argument: "update", expected: "no update within an update", found: "one" },
      );
    }
    const overlay = new Map<string, Overlaid<V>>();
    this.#overlay = overlay;
    try {
      assertDone(work(), { call: "update", of: `state "${this.name}"`, done: "written" });
    } finally {
      this.#overlay = undefined;
    }
    let added = 0;
    for (const [key, { entry }] of overlay) {
      if (entry !== undefined && this.#state.head(key) === undefined) added += 1;
    }
    this.#assertRoom(added);
    for (const [key, { entry, ttlMs }] of overlay) {
      if (entry === undefined) this.#apply({ type: "remove", key });
      else this.#apply({ type: "write", key, value: entry.value, ...this.#stamp(), ttlMs });
    }
    if (overlay.size > 0) this.#replication.flushLater();
  }

  /** Calls `listener` for each later change, in order; returns the function that ends it. */
  subscribe(listener: (change: CausalChange<V>) => void): () => void {
    // A wrapper, so that one function may listen twice and each end is its own.
    const entry = (change: CausalChange<V>) => listener(change);
    this.#listeners.add(entry);
    this.#state.isWatched = true;
    return () => {
      this.#listeners.delete(entry);
      this.#state.isWatched = this.#listeners.size > 0;
    };
  }

  /** Later changes as a bounded stream of what `read` makes of them; undefined is left out. */
  stream<T>(
    read: (change: CausalChange<V>) => T | undefined,
    options: ChangeStreamOptions = {},
  ): AsyncIterableIterator<T> {
    this.assertOpen();
    let ended = () => {};
    const stream: BoundedStream<T> = boundedStream<T>({
      ...options,
      name: `changes of state "${this.name}"`,
      onEnd: () => ended(),
    });
    if (stream.ended) return stream.iterator;
    const unsubscribe = this.subscribe((change) => {
      const item = read(change);
      if (item !== undefined) stream.push(item);
    });
    this.#streams.add(stream);
    ended = () => {
      unsubscribe();
      this.#streams.delete(stream);
    };
    return stream.iterator;
  }

  async persisted(): Promise<void> {
    if (this.#persistence === undefined) {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        `state "${this.name}" is not kept on disk; open it with persist: true`,
        { argument: "persist", expected: "true", found: "false" },
      );
    }
    this.flush();
    await this.#persistence.persisted();
  }

  flush(): void {
    this.#input({ type: "flush" });
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#ended;
    this.flush();
    this.#end();
    this.#ended = this.#persistence?.close() ?? this.#ended;
    this.#options.onClose(this.#ended);
    await this.#ended;
  }

  #start(): void {
    try {
      this.#replication.start();
    } catch (error) {
      // What it began (a timer, a handler) must not go on without it; nothing was written.
      this.#end();
      throw error;
    }
  }

  #end(): void {
    this.#closed = true;
    this.#expiry?.cancel();
    this.#replication.close();
    this.#listeners.clear();
    for (const stream of this.#streams) stream.end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED(`State "${this.name}" was closed`, { what: this.name });
  }

  #assertRoom(added: number): void {
    const { entriesMax } = this.limits;
    if (this.#state.size + added <= entriesMax || added === 0) return;
    throw crdtErrors.ERR_STORE_FULL(
      `State "${this.name}" has ${this.#state.size} entries and its limit is ${entriesMax}; ` +
        `delete some or raise limits.entriesMax`,
      { store: this.name, limit: entriesMax },
    );
  }

  #stamp(): { readonly wallMs: number; readonly counter: number } {
    return this.#options.isTimed ? this.#stamps.next() : UNTIMED;
  }

  /** What a read within `update` finds of a write that is still to come: later than everything. */
  #pseudo(key: string, value: V): Entry<V> {
    return {
      key,
      value,
      strand: this.#state.own,
      sequence: Number.MAX_SAFE_INTEGER,
      wallMs: Number.MAX_SAFE_INTEGER,
      counter: 0,
      endsAtMs: Number.POSITIVE_INFINITY,
      isLive: true,
      next: undefined,
    };
  }

  #disk(): Persistence {
    const { runtime, kind, name } = this.#options;
    const { storage } = runtime;
    if (storage === undefined) {
      throw coreErrors.ERR_INVALID_ARGUMENT(
        `state "${name}" shall be kept on disk, and the node has no storage; ` +
          "give it a data directory or leave persist out",
        { argument: "persist", expected: "a runtime with a storage", found: "none" },
      );
    }
    const { clock, logger } = runtime;
    const snapshot = () => this.#state.snapshot(clock.now());
    return new Persistence({ storage, clock, logger, kind, name, snapshot });
  }

  #apply(input: CausalInput<V>): void {
    this.#effects.push(this.#state.handle(input, this.#options.runtime.clock.now()));
    this.#arm();
  }

  #input(input: CausalInput<V>): void {
    if (!this.#closed) this.#apply(input);
  }

  /** One timer, for the next entry that ends. */
  #arm(): void {
    const { expiresAtMs } = this.#state;
    if (expiresAtMs === this.#expiresAtMs) return;
    this.#expiry?.cancel();
    this.#expiresAtMs = expiresAtMs;
    if (expiresAtMs === undefined) return;
    const { clock } = this.#options.runtime;
    this.#expiry = clock.setTimer(Math.max(0, expiresAtMs - clock.now()), () => {
      this.#expiresAtMs = undefined;
      this.#input({ type: "expire" });
    });
  }

  #onMessage(from: NodeId, payload: unknown): void {
    const parsed = parseCausalMessage<V>(payload, this.limits);
    if ("problem" in parsed) this.#replication.refuse(from, parsed.problem);
    else this.#input({ type: "message", from, message: parsed.message });
  }

  #onMember(event: MembershipEvent, wasThere: boolean): void {
    const input = memberInput(event, wasThere);
    if (input !== undefined) this.#input(input);
  }

  #run(effect: CausalEffect<V>): void {
    switch (effect.type) {
      case "broadcast":
        this.#replication.broadcast(effect.message);
        break;
      case "send":
        this.#replication.send(effect.to, effect.message);
        break;
      case "changes":
        for (const change of effect.changes) {
          for (const listener of this.#listeners) this.#replication.guard(() => listener(change));
        }
        break;
      case "observed":
        this.#stamps.observe(effect);
        break;
      case "journal":
        this.#persistence?.append(effect.delta);
        break;
      case "refused":
        this.#replication.refuse(effect.from, effect.reason);
        break;
      default:
        effect satisfies never;
    }
  }
}

const UNTIMED = { wallMs: 0, counter: 0 };

function strandOf(membership: Membership): StrandId {
  const opening = (openings.get(membership) ?? 0) + 1;
  openings.set(membership, opening);
  return `${membership.self.id}/${membership.self.boot}/${opening}` as StrandId;
}

function positive(ttlMs: number): number {
  if (ttlMs > 0) return ttlMs;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `ttl must be more than 0, found ${ttlMs}; leave it out for no end`,
    {
      argument: "ttl",
      expected: "a duration above 0",
      found: String(ttlMs),
    },
  );
}
