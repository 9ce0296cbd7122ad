/**
 * createVersionedMap: a map every node may write, whose writes are ordered by a stamp of yours.
 *
 * For state that has an order of its own, such as child specs by (generation, owner): a write or a
 * deletion with the greater stamp stays, also over one that was written later or had seen it. Where
 * what was seen shall decide, createReplicatedMap is the map. The protocol is in `protocol/versioned/`.
 */
import { boundedStream, coreErrors, resolveLimits } from "@foundation/core";
import type {
  BoundedStream,
  BoundedStreamOptions,
  MembershipEvent,
  NodeId,
} from "@foundation/core";
import { crdtErrors } from "../errors.js";
import { MAP_LIMITS, type MapLimits } from "../limits.js";
import type { MapChange, MapEffect, MapInput } from "../protocol/versioned/inputs.js";
import { parseMapMessage } from "../protocol/versioned/messages.js";
import { VersionedState } from "../protocol/versioned/versioned-state.js";
import { EffectQueue } from "./effect-queue.js";
import { Intake } from "./intake.js";
import { memberInput } from "./member-input.js";
import { Replication, resolvePorts } from "./replication.js";
import type { ReplicationOptions, ResolvedPorts } from "./replication.js";

export interface MapOptions extends ReplicationOptions {
  readonly limits?: Partial<MapLimits> | undefined;
}

export interface VersionedMapOptions<S> extends MapOptions {
  /** A total order of stamps, equal on every node; the greater write of a key stays. */
  readonly compare: (a: S, b: S) => number;
  /** True for a well-formed stamp; used on what a peer sent. */
  readonly isStamp: (value: unknown) => value is S;
}

/** Options of `changes`. */
export type ChangesOptions = Pick<BoundedStreamOptions, "signal" | "buffer" | "overflow">;

/** A multi-writer map. Values are plain data; what is returned must not be changed. */
export interface VersionedMap<V, S> extends AsyncDisposable {
  readonly name: string;
  /** Keys that have a value. */
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  /** The stamp of a key's latest write known here, of a deletion too. */
  stampOf(key: string): S | undefined;
  /**
   * Writes a key; false when the write known here is greater, and nothing changed.
   * @throws {ERR_INVALID_ARGUMENT} the key or the stamp. @throws {ERR_NOT_ENCODABLE} @throws {ERR_VALUE_TOO_LARGE}
   * @throws {ERR_STORE_FULL} @throws {ERR_CLOSED}
   */
  set(key: string, value: V, stamp: S): boolean;
  /** Deletes a key; false when it has no value or the write known here is greater. */
  delete(key: string, stamp: S): boolean;
  keys(): IterableIterator<string>;
  /** Key, value and stamp, in no order. */
  entries(): IterableIterator<[string, V, S]>;
  /** Hands what this turn has written to the links now; else that is done when the turn ends. */
  flush(): void;
  /** Calls `listener` for each later change, in order; returns the function that ends it. */
  subscribe(listener: (change: MapChange<V, S>) => void): () => void;
  /** Later changes as a bounded stream. */
  changes(options?: ChangesOptions): AsyncIterableIterator<MapChange<V, S>>;
  /** Ends the map on this node; the others keep what it wrote. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens this node's replica of a versioned map.
 *
 * @throws {ERR_INVALID_ARGUMENT} the name, a duration, a limit, or a map of that name is open here.
 *
 * @example
 * ```ts
 * import { createVersionedMap, type ReplicationPorts } from "@foundation/crdt"
 *
 * export function openSpecs(ports: ReplicationPorts) {
 *   return createVersionedMap<{ definition: string }, number>({
 *     name: "specs",
 *     compare: (a, b) => a - b,
 *     isStamp: (value): value is number => Number.isSafeInteger(value),
 *     ...ports,
 *   })
 * }
 * ```
 */
export function createVersionedMap<V, S>(options: VersionedMapOptions<S>): VersionedMap<V, S> {
  return new VersionedMapShell<V, S>(resolvePorts(options));
}

type ShellOptions<S> = VersionedMapOptions<S> & ResolvedPorts;

class VersionedMapShell<V, S> implements VersionedMap<V, S> {
  readonly name: string;
  readonly #options: ShellOptions<S>;
  readonly #limits: MapLimits;
  readonly #state: VersionedState<V, S>;
  readonly #replication: Replication;
  readonly #intake: Intake;
  readonly #effects = new EffectQueue<MapEffect<V, S>>((effect) => this.#run(effect));
  readonly #listeners = new Set<(change: MapChange<V, S>) => void>();
  readonly #streams = new Set<BoundedStream<MapChange<V, S>>>();
  #closed = false;

  constructor(options: ShellOptions<S>) {
    const { name, compare, membership } = options;
    this.name = name;
    this.#options = options;
    this.#limits = resolveLimits(MAP_LIMITS, options.limits);
    this.#intake = new Intake(name, this.#limits);
    this.#replication = new Replication("versioned", options, {
      message: (from, payload) => this.#onMessage(from, payload),
      member: (event, wasThere) => this.#onMember(event, wasThere),
      tick: (peer) => this.#input(peer === undefined ? { type: "tick" } : { type: "tick", peer }),
      flush: () => this.#input({ type: "flush" }),
    });
    this.#state = new VersionedState<V, S>({
      self: membership.self.id,
      limits: this.#limits,
      tombstoneMs: this.#replication.tombstoneMs,
      compare,
    });
    this.#replication.start();
  }

  get size(): number {
    return this.#state.size;
  }

  get(key: string): V | undefined {
    return this.#state.get(key)?.value;
  }

  has(key: string): boolean {
    return this.#state.get(key) !== undefined;
  }

  stampOf(key: string): S | undefined {
    return this.#state.stampOf(key);
  }

  set(key: string, value: V, stamp: S): boolean {
    this.#assertOpen();
    this.#intake.key(key);
    const copy = this.#intake.value(key, value);
    const checkedStamp = this.#checkedStamp(key, stamp);
    if (!this.has(key)) this.#assertRoom();
    return this.#write({ type: "set", key, value: copy, stamp: checkedStamp });
  }

  delete(key: string, stamp: S): boolean {
    this.#assertOpen();
    return this.#write({ type: "delete", key, stamp: this.#checkedStamp(key, stamp) });
  }

  *keys(): Generator<string> {
    for (const item of this.#state.live()) yield item.key;
  }

  *entries(): Generator<[string, V, S]> {
    for (const item of this.#state.live()) yield [item.key, item.value as V, item.stamp];
  }

  subscribe(listener: (change: MapChange<V, S>) => void): () => void {
    // A wrapper, so that one function may listen twice and each end is its own.
    const entry = (change: MapChange<V, S>) => listener(change);
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  changes(options: ChangesOptions = {}): AsyncIterableIterator<MapChange<V, S>> {
    this.#assertOpen();
    let ended = () => {};
    const stream = boundedStream<MapChange<V, S>>({
      ...options,
      name: `changes of map "${this.name}"`,
      onEnd: () => ended(),
    });
    if (stream.ended) return stream.iterator;
    const unsubscribe = this.subscribe((change) => stream.push(change));
    this.#streams.add(stream);
    ended = () => {
      unsubscribe();
      this.#streams.delete(stream);
    };
    return stream.iterator;
  }

  flush(): void {
    this.#input({ type: "flush" });
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.flush();
      this.#closed = true;
      this.#replication.close();
      this.#listeners.clear();
      for (const stream of this.#streams) stream.end();
    }
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    throw coreErrors.ERR_CLOSED(`Map "${this.name}" was closed`, { what: this.name });
  }

  #assertRoom(): void {
    const { entriesMax } = this.#limits;
    if (this.#state.size < entriesMax) return;
    throw crdtErrors.ERR_STORE_FULL(
      `Map "${this.name}" has ${this.#state.size} entries and its limit is ${entriesMax}; ` +
        `delete some or raise limits.entriesMax`,
      { store: this.name, limit: entriesMax },
    );
  }

  /** A copy of the caller's stamp: what the others would refuse is refused here first. */
  #checkedStamp(key: string, stamp: S): S {
    if (this.#options.isStamp(stamp)) return this.#intake.value(key, stamp);
    throw coreErrors.ERR_INVALID_ARGUMENT(
      `stamp of "${key}" in map "${this.name}" does not pass the map's isStamp; ` +
        "pass a stamp that every node accepts",
      { argument: "stamp", expected: "what isStamp accepts", found: typeof stamp },
    );
  }

  #write(input: MapInput<V, S>): boolean {
    const effects = this.#state.handle(input, this.#options.runtime.clock.now());
    if (effects.length === 0) return false;
    this.#effects.push(effects);
    this.#replication.flushLater();
    return true;
  }

  #input(input: MapInput<V, S>): void {
    if (this.#closed) return;
    this.#effects.push(this.#state.handle(input, this.#options.runtime.clock.now()));
  }

  #onMessage(from: NodeId, payload: unknown): void {
    const parsed = parseMapMessage<V, S>(payload, this.#limits, this.#options.isStamp);
    if ("problem" in parsed) this.#replication.refuse(from, parsed.problem);
    else this.#input({ type: "message", from, message: parsed.message });
  }

  #onMember(event: MembershipEvent, wasThere: boolean): void {
    const input = memberInput(event, wasThere);
    if (input !== undefined) this.#input(input);
  }

  #run(effect: MapEffect<V, S>): void {
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
      case "tombstones-dropped":
        this.#options.runtime.logger.warn("A map gave up tombstones before their time", {
          map: this.name,
          count: effect.count,
          limit: this.#limits.tombstonesMax,
        });
        break;
      case "refused":
        this.#replication.refuse(effect.from, effect.reason);
        break;
      default:
        effect satisfies never;
    }
  }
}
