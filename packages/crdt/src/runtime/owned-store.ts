/**
 * createOwnedStore: owner-sharded state between the nodes of a cluster (DESIGN, "Replicated state").
 *
 * Every node writes its own entries and reads everybody's. The mechanism under registry names,
 * groups, presence and pub/sub interest; the protocol is in `protocol/owned/`.
 */
import { coreErrors, parseDuration, resolveLimits } from "@foundation/core";
import type { Boot, Duration, MembershipEvent, Messenger, NodeId } from "@foundation/core";
import { crdtErrors } from "../errors.js";
import { OWNED_LIMITS, VISIBLE_TIMEOUT_MS, type OwnedLimits } from "../limits.js";
import type { OwnedChange, OwnedEffect, OwnedInput } from "../protocol/owned/inputs.js";
import { parseOwnedMessage } from "../protocol/owned/messages.js";
import type { OwnedMessage, WireEntry } from "../protocol/owned/messages.js";
import { OwnedState } from "../protocol/owned/owned-state.js";
import type { Entry } from "../protocol/owned/shard.js";
import { EffectQueue } from "./effect-queue.js";
import { Intake } from "./intake.js";
import { Replication, resolvePorts } from "./replication.js";
import type { ReplicationOptions, ResolvedPorts } from "./replication.js";
import { Visibility } from "./visibility.js";

/** What one owner says about a key. */
export interface Claim<V> {
  readonly owner: NodeId;
  readonly boot: Boot;
  readonly value: V;
  /** The owner's number for this write: grows with each write of that boot. */
  readonly sequence: number;
}

export interface OwnedStoreOptions<V = unknown> extends ReplicationOptions {
  readonly limits?: Partial<OwnedLimits> | undefined;
  /**
   * What is kept of a value, this node's or another's: plain data that means the same to whoever reads it, and is what
   * others are told. For stores of very many entries: equal parts can be shared and what is malformed replaced. Must
   * not throw. @default the value as it came
   */
  readonly keep?: ((key: string, value: unknown) => V) | undefined;
  /**
   * What others are told of a value that `keep` made smaller by what only this node knows: what `keep` makes the same of
   * again, on any node. Must not throw. @default what is kept
   */
  readonly tell?: ((key: string, kept: V) => unknown) | undefined;
}

/** Waiting options of `visible`. */
export interface VisibleOptions {
  readonly signal?: AbortSignal | undefined;
  /** @default "10s" */
  readonly timeout?: Duration | undefined;
}

/** Owner-sharded state. Values are plain data; what is returned must not be changed. */
export interface OwnedStore<V> extends AsyncDisposable {
  readonly name: string;
  /** Keys that at least one current member claims. */
  readonly size: number;
  /** Entries of this node. */
  readonly ownSize: number;
  /**
   * Writes this node's entry; the others see it after the turn.
   * @throws {ERR_INVALID_ARGUMENT} the key. @throws {ERR_NOT_ENCODABLE} the value is not plain data.
   * @throws {ERR_VALUE_TOO_LARGE} @throws {ERR_STORE_FULL} @throws {ERR_CLOSED}
   */
  set(key: string, value: V): void;
  /** Removes this node's entry; false when it has none. @throws {ERR_CLOSED} */
  delete(key: string): boolean;
  /** What the current members say about a key, ordered by owner. */
  get(key: string): readonly Claim<V>[];
  /** The claim of a key that has but one, null where there are several: cheaper than `get`, since no list is made for it. */
  sole(key: string): Claim<V> | null | undefined;
  /** What this node says about a key. */
  own(key: string): Claim<V> | undefined;
  /** Keys that at least one current member claims, in no order. */
  keys(): IterableIterator<string>;
  /** All claims whose key begins with `prefix`, in no order. Looks at every key. */
  entries(options?: { readonly prefix?: string }): IterableIterator<[string, readonly Claim<V>[]]>;
  /** Calls `listener` for each later change, in order; returns the function that ends it. */
  subscribe(listener: (change: OwnedChange<V>) => void): () => void;
  /**
   * True when a member's entries, as they were when it first told us, are here; be it that it has none.
   * Of a member that has written nothing this is known only after it was asked, which this does: the
   * answer is there a round trip later.
   */
  knows(owner: NodeId): boolean;
  /**
   * Resolves when every current member has everything this node has written so far.
   * @throws {ERR_TIMEOUT} naming who has not. @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  visible(options?: VisibleOptions): Promise<void>;
  /**
   * Takes this node's entries back, in one message, and ends the store here. Whom it misses hears it
   * from others; if it reaches nobody, the entries stay until this node leaves. Idempotent.
   */
  close(): Promise<void>;
}

/**
 * Opens this node's replica of an owner-sharded store.
 *
 * @throws {ERR_INVALID_ARGUMENT} the name, a duration, a limit, or a store of that name is open here.
 *
 * @example
 * ```ts
 * import { createOwnedStore, type ReplicationPorts } from "@foundation/crdt"
 *
 * export async function announce(ports: ReplicationPorts) {
 *   const services = createOwnedStore<{ port: number }>({ name: "services", ...ports })
 *   services.set("api", { port: 8080 })
 *   await services.visible({ timeout: "5s" })
 *   return services.get("api").map(({ owner, value }) => `${owner}:${value.port}`)
 * }
 * ```
 */
export function createOwnedStore<V>(options: OwnedStoreOptions<V>): OwnedStore<V> {
  return new OwnedStoreShell<V>(resolvePorts(options));
}

class OwnedStoreShell<V> implements OwnedStore<V> {
  readonly name: string;
  readonly #options: OwnedStoreOptions<V> & ResolvedPorts;
  readonly #limits: OwnedLimits;
  readonly #state: OwnedState<V>;
  readonly #replication: Replication;
  readonly #visibility: Visibility;
  readonly #intake: Intake;
  readonly #effects = new EffectQueue<OwnedEffect<V>>((effect) => this.#run(effect));
  readonly #listeners = new Set<(change: OwnedChange<V>) => void>();
  #closed = false;

  constructor(options: OwnedStoreOptions<V> & ResolvedPorts) {
    const { membership, name } = options;
    this.name = name;
    this.#options = options;
    this.#limits = resolveLimits(OWNED_LIMITS, options.limits);
    this.#intake = new Intake(name, this.#limits);
    this.#replication = new Replication("owned", options, {
      message: (from, payload) => this.#onMessage(from, payload),
      member: (event, wasThere) => this.#onMember(event, wasThere),
      tick: (peer) => this.#input(peer === undefined ? { type: "tick" } : { type: "tick", peer }),
      flush: () => this.#input({ type: "flush" }),
    });
    const { id, boot } = membership.self;
    const { tombstoneMs, subject } = this.#replication;
    this.#state = new OwnedState<V>({
      self: { id, boot },
      limits: this.#limits,
      tombstoneMs,
      ended: endedOf(options.messenger).get(name),
      tell: options.tell,
    });
    const source = {
      sequenceOf: (owner: NodeId, of: Boot) => this.#state.sequenceOf(owner, of),
      catchUp: (owner: NodeId, of: Boot, sequence: number) => {
        this.#input({ type: "catch-up", owner, boot: of, sequence });
      },
    };
    this.#visibility = new Visibility(subject, options, source, this.#limits.waitersMax);
    this.#replication.start();
  }

  get size(): number {
    return this.#state.claims.size;
  }

  get ownSize(): number {
    return this.#state.ownSize;
  }

  set(key: string, value: V): void {
    this.#assertOpen();
    this.#intake.key(key);
    const copy = this.#kept(key, this.#intake.value(key, value));
    const { entriesMax } = this.#limits;
    if (this.#state.ownSize >= entriesMax && this.#state.own(key) === undefined) {
      throw crdtErrors.ERR_STORE_FULL(
        `Store "${this.name}" has ${entriesMax} entries of this node, its limit; ` +
          `delete some or raise limits.entriesMax`,
        { store: this.name, limit: entriesMax },
      );
    }
    this.#input({ type: "set", key, value: copy });
    this.#replication.flushLater();
  }

  delete(key: string): boolean {
    this.#assertOpen();
    if (this.#state.own(key) === undefined) return false;
    this.#input({ type: "delete", key });
    this.#replication.flushLater();
    return true;
  }

  get(key: string): readonly Claim<V>[] {
    return this.#state.claims.get(key) as readonly ClaimEntry<V>[];
  }

  sole(key: string): Claim<V> | null | undefined {
    return this.#state.claims.sole(key) as ClaimEntry<V> | null | undefined;
  }

  own(key: string): Claim<V> | undefined {
    return this.#state.own(key) as ClaimEntry<V> | undefined;
  }

  keys(): IterableIterator<string> {
    return this.#state.claims.keys();
  }

  *entries(options: { readonly prefix?: string } = {}): Generator<[string, readonly Claim<V>[]]> {
    const { prefix = "" } = options;
    for (const key of this.#state.claims.keys()) {
      if (key.startsWith(prefix)) yield [key, this.get(key)];
    }
  }

  subscribe(listener: (change: OwnedChange<V>) => void): () => void {
    // A wrapper, so that one function may listen twice and each end is its own.
    const entry = (change: OwnedChange<V>) => listener(change);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  knows(owner: NodeId): boolean {
    if (this.#state.knows(owner)) return true;
    this.#input({ type: "ask", id: owner });
    return false;
  }

  async visible(options: VisibleOptions = {}): Promise<void> {
    this.#assertOpen();
    const timeoutMs =
      options.timeout === undefined
        ? VISIBLE_TIMEOUT_MS
        : parseDuration(options.timeout, "timeout");
    this.#input({ type: "flush" });
    await this.#visibility.wait(this.#state.sequence, { signal: options.signal, timeoutMs });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#input({ type: "clear" });
      this.#closed = true;
      endedOf(this.#options.messenger).set(this.name, this.#state.sequence);
      this.#listeners.clear();
      this.#replication.close();
      this.#visibility.close();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #input(input: OwnedInput<V>): void {
    if (this.#closed) return;
    this.#effects.push(this.#state.handle(input, this.#options.runtime.clock.now()));
  }

  #onMessage(from: NodeId, payload: unknown): void {
    const parsed = parseOwnedMessage<V>(payload, this.#limits);
    if ("problem" in parsed) return this.#replication.refuse(from, parsed.problem);
    this.#input({ type: "message", from, message: this.#keptOf(parsed.message) });
  }

  #keptOf(message: OwnedMessage<V>): OwnedMessage<V> {
    if (this.#options.keep === undefined || message.type !== "delta") return message;
    const entries = message.entries.map((entry): WireEntry<V> => {
      if (entry.length === 2) return entry;
      const [key, sequence, value] = entry;
      return [key, sequence, this.#kept(key, value)];
    });
    return { ...message, entries };
  }

  #kept(key: string, value: V): V {
    return this.#options.keep === undefined ? value : this.#options.keep(key, value);
  }

  #onMember(event: MembershipEvent, wasThere: boolean): void {
    const { id, boot } = event.node;
    switch (event.type) {
      case "node-up":
        this.#input({ type: "member-up", id, boot, wasThere });
        break;
      case "node-down":
        this.#visibility.forget(id);
        this.#input({ type: "member-down", id, boot });
        break;
      case "node-left":
        this.#visibility.forget(id);
        this.#input({ type: "member-left", id, boot });
        break;
      case "node-suspect":
      case "node-draining":
        break;
      default:
        event satisfies never;
    }
  }

  #run(effect: OwnedEffect<V>): void {
    switch (effect.type) {
      case "broadcast":
        this.#replication.broadcast(effect.message);
        break;
      case "send":
        this.#replication.send(effect.to, effect.message);
        break;
      case "changes":
        for (const change of effect.changes) this.#tell(change);
        break;
      case "progress":
        this.#visibility.progress(effect.owner);
        break;
      case "refused":
        this.#replication.refuse(effect.from, effect.reason);
        break;
      default:
        effect satisfies never;
    }
  }

  #tell(change: OwnedChange<V>): void {
    for (const listener of this.#listeners) this.#replication.guard(() => listener(change));
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED(`Store "${this.name}" was closed`, { what: this.name });
  }
}

/**
 * Where the closed stores of a node ended, by name. The others know a shard by (node, boot): one
 * opened again goes on behind the last write of the one before, or its writes would be old news.
 */
const endedByMessenger = new WeakMap<Messenger, Map<string, number>>();

function endedOf(messenger: Messenger): Map<string, number> {
  let ended = endedByMessenger.get(messenger);
  if (ended === undefined) endedByMessenger.set(messenger, (ended = new Map()));
  return ended;
}

/** A live entry is its own claim: its value is there. */
type ClaimEntry<V> = Entry<V> & { readonly value: V };
