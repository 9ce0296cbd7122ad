/**
 * FakeStore: what etcd and the watch cache are to the API server: objects, versions, and a history that is
 * cut off behind (https://kubernetes.io/docs/reference/using-api/api-concepts/).
 *
 * Every change has the next version, for all kinds together. A list can be had as of any version that the
 * history still reaches; a change is told to who watches, as what it means for that watch's selector.
 */
import type { FakeMetadata, FakeObject } from "./fake-objects.js";

export type StoredObject = FakeObject & { readonly metadata: FakeMetadata };

/** One change; `before` and `after` are undefined when the object was not there. */
export interface Change {
  readonly version: number;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
}

const CREATED = "2026-01-02T03:04:05Z";

/** Objects with a history; see the module. */
export class FakeStore {
  #version = 1_000;
  #compacted = 1_000;
  #history: Change[] = [];
  readonly #objects = new Map<string, StoredObject>();
  readonly #listeners = new Set<() => void>();

  /** The newest version. */
  get version(): number {
    return this.#version;
  }

  /** The oldest version that can still be asked for. */
  get compacted(): number {
    return this.#compacted;
  }

  /** Creates or replaces an object; gives it as stored. */
  put(object: FakeObject): StoredObject {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#version += 1;
    const after: StoredObject = {
      ...object,
      metadata: {
        uid: before?.metadata.uid ?? `uid-${this.#version}`,
        creationTimestamp: CREATED,
        ...object.metadata,
        resourceVersion: String(this.#version),
      },
    };
    this.#objects.set(key, after);
    this.#tell({ version: this.#version, before, after });
    return after;
  }

  /** Deletes an object; false when there is none. */
  delete(object: Pick<FakeObject, "kind" | "metadata">): boolean {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before === undefined) return false;
    this.#objects.delete(key);
    this.#version += 1;
    this.#tell({ version: this.#version, before, after: undefined });
    return true;
  }

  /** Forgets the history: who comes with an older version gets a 410. */
  compact(): void {
    this.#compacted = this.#version;
    this.#history = [];
  }

  /** All objects as of a version, sorted by key; undefined when the history does not reach it. */
  list(version: number = this.#version): readonly StoredObject[] | undefined {
    if (version < this.#compacted || version > this.#version) return undefined;
    const objects = new Map(this.#objects);
    for (const change of this.#history.filter((each) => each.version > version).reverse()) {
      if (change.before !== undefined) objects.set(keyOf(change.before), change.before);
      else if (change.after !== undefined) objects.delete(keyOf(change.after));
    }
    return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
  }

  /** The changes after a version; undefined when the history does not reach it. */
  since(version: number): readonly Change[] | undefined {
    if (version < this.#compacted) return undefined;
    const newest = this.#history.at(-1)?.version ?? version;
    if (newest <= version) return [];
    return this.#history.slice(this.#history.findIndex((each) => each.version > version));
  }

  /** Calls after each change until the function that it gives is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls everybody who listens, as after a change. */
  wake(): void {
    for (const listener of this.#listeners) listener();
  }

  #tell(change: Change): void {
    this.#history.push(change);
    this.wake();
  }
}

export function keyOf({ kind, metadata }: Pick<FakeObject, "kind" | "metadata">): string {
  return `${kind}/${metadata.namespace}/${metadata.name}`;
}
