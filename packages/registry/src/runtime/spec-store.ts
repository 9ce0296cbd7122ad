/**
 * SpecStore: the child specs of the cluster, the greatest version of each.
 *
 * A multi-writer map under the order of `compareSpecs`. What a peer wrote is checked before anybody
 * here acts on it; what is not a spec is kept by the map and ignored.
 */
import type { VersionedMap } from "@foundation/crdt";
import { compareSpecs, type ChildSpec } from "../protocol/child-spec.js";
import { parseSpec } from "../protocol/parse-spec.js";

/** Compares what may not be a spec: anything well-formed is newer than anything that is not. */
export function compareUnknown(a: unknown, b: unknown): number {
  const specA = parseSpec(a);
  const specB = parseSpec(b);
  if (specA === undefined || specB === undefined) {
    return Number(specA !== undefined) - Number(specB !== undefined);
  }
  return compareSpecs(specA, specB);
}

/** Child specs by identity. */
export class SpecStore {
  readonly #map: VersionedMap<unknown>;

  constructor(map: VersionedMap<unknown>) {
    this.#map = map;
  }

  get(identity: string): ChildSpec | undefined {
    return parseSpec(this.#map.get(identity));
  }

  /** Keeps the spec if it is newer than what is known. @throws when the map's limits refuse it */
  put(spec: ChildSpec): void {
    const known = this.get(spec.identity);
    if (known === undefined || compareSpecs(spec, known) > 0) this.#map.set(spec.identity, spec);
  }

  /** Every identity with a spec, stopped ones included. */
  identities(): Iterable<string> {
    return this.#map.keys();
  }

  /** Every well-formed spec, stopped ones included. */
  *all(): Iterable<ChildSpec> {
    for (const identity of this.#map.keys()) {
      const spec = this.get(identity);
      if (spec !== undefined) yield spec;
    }
  }

  /** Calls the listener with each identity whose spec changed. */
  subscribe(listener: (identity: string) => void): () => void {
    return this.#map.subscribe(({ key }) => listener(key));
  }
}
