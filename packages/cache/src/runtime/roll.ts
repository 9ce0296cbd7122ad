/**
 * Roll: which nodes have opened which caches. Each writes its own names into its shard of an owner-sharded store, so a
 * node that dies is off the roll at once, and only nodes that use a cache give memory to it.
 */
import type { Clock, Membership, NodeId } from "@foundation/core";
import { createOwnedStore, type OwnedStore } from "@foundation/crdt";
import type { CacheTimes } from "../limits.js";
import type { ResolvedCachePorts } from "./ports.js";

/** What a node says of a cache it has opened; equal on all nodes. */
export type Terms = string;

export class Roll {
  readonly #store: OwnedStore<Terms>;
  readonly #membership: Membership;
  readonly #clock: Clock;

  constructor(ports: ResolvedCachePorts) {
    this.#store = createOwnedStore<Terms>({ name: "cache", ...ports });
    this.#membership = ports.membership;
    this.#clock = ports.runtime.clock;
  }

  open(name: string, terms: Terms): void {
    this.#store.set(name, terms);
  }

  close(name: string): void {
    this.#store.delete(name);
  }

  /** The nodes that have opened the cache, sorted. */
  openers(name: string): readonly NodeId[] {
    return this.#store
      .get(name)
      .map(({ owner }) => owner)
      .sort();
  }

  /** What others have said of it that differs. */
  otherTerms(name: string, terms: Terms): Terms | undefined {
    return this.#store.get(name).find(({ value }) => value !== terms)?.value;
  }

  /** Resolves when every member has said what it has opened, or has had the time to. */
  async known({ joinMs, retryMs }: CacheTimes, signal: AbortSignal): Promise<void> {
    const untilMs = this.#clock.now() + joinMs;
    const isUnknown = () => this.#membership.members().some(({ id }) => !this.#store.knows(id));
    while (isUnknown() && this.#clock.now() < untilMs && !signal.aborted) {
      await this.#clock.sleep(retryMs, { signal }).catch(() => undefined);
    }
  }

  subscribe(name: string, listener: () => void): () => void {
    return this.#store.subscribe(({ key }) => {
      if (key === name) listener();
    });
  }

  closeAll(): Promise<void> {
    return this.#store.close();
  }
}
