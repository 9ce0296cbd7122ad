/**
 * EndpointTable: the peers of all watched objects together.
 *
 * A service has a slice for each hundred endpoints and one set of slices for each address family; an
 * endpoint may stand in two of them while the controller moves it. So peers are kept by identity, and an
 * object that changes touches only what it said before and what it says now.
 *
 * Pure. Invariants: a pod is offered once, by the preferred family where it has it; it is draining only if
 * every object that names it says so; an address is offered once; `peers` depends on the objects alone,
 * not on the order in which they came.
 */
import type { Peer } from "@foundation/core";
import type { AddressFamily, Candidate, KubernetesObject } from "./endpoint-rules.js";

interface Statement extends Candidate {
  readonly object: string;
}

/** Merges what objects say; see the module. */
export class EndpointTable {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #statements = new Map<string, readonly Statement[]>();
  readonly #chosen = new Map<string, Peer>();
  readonly #family: AddressFamily;
  readonly #self: string;
  #changes = 0;

  /** @param self host and port of this node by IP, never offered */
  constructor(family: AddressFamily, self: string) {
    this.#family = family;
    this.#self = self;
  }

  /** Counts changes of `peers`: two equal numbers, the same peers. */
  get changes(): number {
    return this.#changes;
  }

  /** How many objects are kept. */
  get objects(): number {
    return this.#objects.size;
  }

  /** True when nobody is listed, not even this node: more often a fault than the end of a cluster. */
  get isEmpty(): boolean {
    return this.#statements.size === 0;
  }

  /** Takes the newest state of one object. */
  put(object: KubernetesObject): void {
    const before = this.#objects.get(object.key);
    if (before?.resourceVersion === object.resourceVersion) return;
    this.#objects.set(object.key, object);
    this.#replace(object.key, before?.candidates ?? [], object.candidates);
  }

  /** Forgets one object. */
  remove(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    this.#replace(key, before.candidates, []);
  }

  /** The peers now, in no particular order. */
  peers(): readonly Peer[] {
    const byAddress = new Map<string, Peer>();
    for (const peer of this.#chosen.values()) {
      // Two pods of one address: the newer got it from the older, which is leaving.
      if (peer.draining !== true || !byAddress.has(peer.address)) byAddress.set(peer.address, peer);
    }
    return [...byAddress.values()];
  }

  #replace(object: string, before: readonly Candidate[], after: readonly Candidate[]): void {
    const touched = new Set<string>();
    for (const { identity } of before) {
      if (touched.has(identity)) continue;
      touched.add(identity);
      const others = this.#statements.get(identity)?.filter((each) => each.object !== object) ?? [];
      this.#statements.set(identity, others);
    }
    for (const candidate of after) {
      touched.add(candidate.identity);
      const others = this.#statements.get(candidate.identity) ?? [];
      this.#statements.set(candidate.identity, [...others, { ...candidate, object }]);
    }
    for (const identity of touched) this.#choose(identity);
  }

  #choose(identity: string): void {
    const statements = this.#statements.get(identity) ?? [];
    if (statements.length === 0) this.#statements.delete(identity);
    const isSelf = statements.some(({ direct }) => direct === this.#self);
    if (statements.length === 0 || isSelf) {
      if (this.#chosen.delete(identity)) this.#changes += 1;
      return;
    }
    const best = statements.reduce((a, b) => (this.#isBetter(b, a) ? b : a));
    const draining = statements.every((each) => each.draining);
    const before = this.#chosen.get(identity);
    if (before?.address === best.address && (before.draining === true) === draining) return;
    const { address } = best;
    this.#chosen.set(identity, draining ? { address, draining } : { address });
    this.#changes += 1;
  }

  #isBetter(a: Candidate, b: Candidate): boolean {
    if (a.family !== b.family) return a.family === this.#family;
    return a.address < b.address;
  }
}
