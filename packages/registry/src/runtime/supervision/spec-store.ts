/**
 * SpecStore: the child specs of the cluster, the greatest version of each.
 *
 * A multi-writer map whose stamps are spec versions, so that merging two replicas is choosing the
 * greater version of each spec. A stopped child is a deletion: the map keeps its version long enough
 * that it cannot rise again, and its arguments not at all. What a peer wrote is checked before
 * anybody here acts on it.
 */
import type { VersionedMap } from "@foundation/crdt";
import {
  stoppedAt,
  versionOf,
  type ChildSpec,
  type SpecVersion,
} from "../../protocol/child-spec.js";
import { parseSpec, parseTold, parseVersion } from "../../protocol/parse-spec.js";

/** True for the version of a spec; for what a peer sent as a stamp. */
export function isVersion(value: unknown): value is SpecVersion {
  return parseVersion(value) !== undefined;
}

/** Child specs by identity. */
export class SpecStore {
  readonly #map: VersionedMap<unknown, SpecVersion>;
  /** Values that were checked: each is checked once, however often it is looked at. */
  readonly #checked = new WeakMap<object, ChildSpec>();

  constructor(map: VersionedMap<unknown, SpecVersion>) {
    this.#map = map;
  }

  /** The newest spec known, also of a stopped child. */
  get(identity: string): ChildSpec | undefined {
    const value = this.#map.get(identity);
    if (typeof value === "object" && value !== null) return this.#check(value);
    const version = this.#map.stampOf(identity);
    return version && stoppedAt(identity, version);
  }

  #check(value: object): ChildSpec | undefined {
    const known = this.#checked.get(value);
    if (known !== undefined) return known;
    const spec = parseSpec(value);
    if (spec !== undefined) this.#checked.set(value, spec);
    return spec;
  }

  /** Keeps the spec if it is newer than what is known. @throws when the map's limits refuse it */
  put(spec: ChildSpec): void {
    const version = versionOf(spec);
    if (spec.state === "stopped") this.#map.delete(spec.identity, version);
    else this.#map.set(spec.identity, spec, version);
  }

  /** Keeps what another node told of a child: its news may not have come here yet. What cannot be read says nothing. */
  learn(identity: string, told: unknown): ChildSpec | undefined {
    const spec = parseTold(identity, told);
    if (spec !== undefined) this.put(spec);
    return spec;
  }

  /** Hands what was put in this turn to the links. */
  flush(): void {
    this.#map.flush();
  }

  /** Every identity with a spec that is not stopped. */
  identities(): Iterable<string> {
    return this.#map.keys();
  }

  /** Every spec that is not stopped. */
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
