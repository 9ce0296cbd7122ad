/**
 * createLwwMap: a map every node may write, where the last write of a key wins.
 *
 * "Last" is by hybrid time (protocol/lww-map.ts): a write made after its writer had seen another
 * always wins over it, whatever the wall clocks say. Concurrent writes: the later clock, then the
 * greater node id; of two starts of one node, the later one. The value is replaced as a whole.
 */
import { compareLwwStamps, isLwwStamp, type LwwStamp } from "../protocol/lww-map.js";
import type { MapChange } from "../protocol/versioned/inputs.js";
import { resolvePorts } from "./replication.js";
import { Stamps } from "./stamps.js";
import { VersionedMapShell, type ChangesOptions, type MapOptions } from "./versioned-map.js";

/** A change of a last-write-wins map; `stamp.node` wrote it. */
export type LwwChange<V> = MapChange<V, LwwStamp>;

/** What `update` gives its function: the same writes, kept until it returns. */
export interface LwwBatch<V> {
  /** The value with the batch's own writes in place. */
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
}

/** A multi-writer map. Values are plain data; what is returned must not be changed. */
export interface LwwMap<V> extends AsyncDisposable {
  readonly name: string;
  readonly size: number;
  get(key: string): V | undefined;
  has(key: string): boolean;
  /**
   * Writes a key; the others see it after the turn.
   * @throws {ERR_INVALID_ARGUMENT} the key. @throws {ERR_NOT_ENCODABLE} @throws {ERR_VALUE_TOO_LARGE}
   * @throws {ERR_STORE_FULL} @throws {ERR_CLOSED}
   */
  set(key: string, value: V): void;
  /** False when the key has no value. @throws {ERR_CLOSED} */
  delete(key: string): boolean;
  /** Keys in no order. */
  keys(): IterableIterator<string>;
  /** Keys and values in no order. */
  entries(): IterableIterator<[string, V]>;
  /**
   * Several writes at once: all of them, or none when `write` throws or one cannot be written.
   * On other nodes they may arrive in parts.
   */
  update(write: (batch: LwwBatch<V>) => void): void;
  /** Calls `listener` for each later change, in order; returns the function that ends it. */
  subscribe(listener: (change: LwwChange<V>) => void): () => void;
  /** Later changes as a bounded stream. @throws {ERR_CLOSED} */
  changes(options?: ChangesOptions): AsyncIterableIterator<LwwChange<V>>;
  /** Ends the map on this node; the others keep what it wrote. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens this node's replica of a last-write-wins map.
 *
 * @throws {ERR_INVALID_ARGUMENT} the name, a duration, a limit, or a map of that name is open here.
 *
 * @example
 * ```ts
 * import { createLwwMap, type ReplicationPorts } from "@foundation/crdt"
 *
 * export async function followCarts(ports: ReplicationPorts, signal: AbortSignal) {
 *   await using carts = createLwwMap<{ items: string[] }>({ name: "carts", ...ports })
 *   carts.set("ann", { items: ["tea"] })
 *   for await (const change of carts.changes({ signal })) console.log(change.type, change.key)
 * }
 * ```
 */
export function createLwwMap<V>(options: MapOptions): LwwMap<V> {
  return new LwwMapShell<V>(options);
}

class LwwMapShell<V> implements LwwMap<V> {
  readonly #map: VersionedMapShell<V, LwwStamp>;
  readonly #stamps: Stamps;

  constructor(options: MapOptions) {
    const resolved = resolvePorts(options);
    this.#stamps = new Stamps(options.membership, resolved.runtime.clock);
    this.#map = new VersionedMapShell<V, LwwStamp>({
      ...resolved,
      kind: "lww",
      compare: compareLwwStamps,
      isStamp: isLwwStamp,
      stampsAreUnique: true,
      observe: (stamp) => this.#stamps.observe(stamp),
    });
  }

  get name(): string {
    return this.#map.name;
  }

  get size(): number {
    return this.#map.size;
  }

  get(key: string): V | undefined {
    return this.#map.get(key);
  }

  has(key: string): boolean {
    return this.#map.has(key);
  }

  set(key: string, value: V): void {
    this.#map.set(key, value, this.#stamps.next());
  }

  delete(key: string): boolean {
    return this.#map.delete(key, this.#stamps.next());
  }

  keys(): IterableIterator<string> {
    return this.#map.keys();
  }

  *entries(): Generator<[string, V]> {
    for (const [key, value] of this.#map.entries()) yield [key, value];
  }

  update(write: (batch: LwwBatch<V>) => void): void {
    this.#map.assertOpen();
    const writes = new Map<string, { readonly value: V } | undefined>();
    write({
      get: (key) => (writes.has(key) ? writes.get(key)?.value : this.get(key)),
      set: (key, value) => void writes.set(key, { value: this.#map.checked(key, value) }),
      delete: (key) => void writes.set(key, undefined),
    });
    const added = [...writes].filter(([key, written]) => written && !this.has(key)).length;
    this.#map.assertRoom(added);
    for (const [key, written] of writes) {
      if (written === undefined) this.delete(key);
      else this.set(key, written.value);
    }
  }

  subscribe(listener: (change: LwwChange<V>) => void): () => void {
    return this.#map.subscribe(listener);
  }

  changes(options?: ChangesOptions): AsyncIterableIterator<LwwChange<V>> {
    return this.#map.changes(options);
  }

  close(): Promise<void> {
    return this.#map.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
