/**
 * DuplicateNames: names that any number of processes have at once, on any nodes.
 *
 * Each process has an entry of its own in its node's shard, so nobody overwrites anybody and there is nothing to resolve.
 * They stand apart from the unique names: one text may be both. The index holds only keys; what stands under them is read
 * from the store.
 *
 * Invariant: a name is in the index exactly while somebody has it.
 */
import type { NodeId } from "@foundation/core";
import { duplicateKey, packClaim, parseDuplicateKey } from "../../protocol/name-value.js";
import { keptOf, type Claims } from "./claims.js";
import type { HeldKeys } from "./held-keys.js";
import type { NameEntry } from "./name-store.js";

export class DuplicateNames {
  readonly #store: Claims["store"];
  readonly #kept: Claims["kept"];
  readonly #self: NodeId;
  readonly #held: HeldKeys;
  readonly #keysOf = new Map<string, Set<string>>();
  readonly #unsubscribe: () => void;

  constructor({ store, kept }: Claims, self: NodeId, held: HeldKeys) {
    this.#store = store;
    this.#kept = kept;
    this.#self = self;
    this.#held = held;
    this.#unsubscribe = store.subscribe(({ key }) => this.#changed(key));
  }

  /** Gives the name to a process of this node, or changes what is kept beside it. */
  add(name: string, serial: number, definition: string | undefined, meta: unknown): void {
    const key = duplicateKey(name, serial);
    this.#store.set(key, packClaim({ serial, definition, incarnation: 0, generation: 0, meta }));
    this.#held.add(key, serial);
  }

  /** Takes the name from one process of this node, or from all of them; false when none had it. */
  remove(name: string, serial: number | undefined): boolean {
    const keys = serial === undefined ? this.#ownKeys(name) : [duplicateKey(name, serial)];
    let removed = false;
    for (const key of keys) {
      const at = parseDuplicateKey(key)?.serial;
      if (at !== undefined) this.#held.remove(key, at);
      removed = this.#store.delete(key) || removed;
    }
    return removed;
  }

  /** What this node has under a key. */
  own(key: string): Pick<NameEntry, "meta"> | undefined {
    const kept = keptOf(this.#store.own(key)?.value);
    return kept === undefined ? undefined : { meta: this.#kept.metaOf(kept) };
  }

  /** Who has the name, ordered by node and process. */
  all(name: string): readonly NameEntry[] {
    const found: NameEntry[] = [];
    for (const key of this.#keysOf.get(name) ?? []) {
      for (const { owner, boot, value } of this.#store.get(key)) {
        const kept = keptOf(value);
        if (kept === undefined) continue;
        const pid = { node: owner, boot, serial: this.#kept.serialOf(kept) };
        const definition = this.#kept.definitionOf(kept);
        found.push({ name, pid, definition, meta: this.#kept.metaOf(kept) });
      }
    }
    return found.sort(({ pid: a }, { pid: b }) =>
      a.node === b.node ? a.serial - b.serial : a.node < b.node ? -1 : 1,
    );
  }

  close(): void {
    this.#unsubscribe();
  }

  #ownKeys(name: string): readonly string[] {
    const keys = [...(this.#keysOf.get(name) ?? [])];
    return keys.filter((key) => this.#store.own(key)?.owner === this.#self);
  }

  #changed(key: string): void {
    const name = parseDuplicateKey(key)?.name;
    if (name === undefined) return;
    const keys = this.#keysOf.get(name);
    if (this.#store.get(key).length > 0) {
      if (keys === undefined) this.#keysOf.set(name, new Set([key]));
      else keys.add(key);
    } else if (keys?.delete(key) === true && keys.size === 0) this.#keysOf.delete(name);
  }
}
