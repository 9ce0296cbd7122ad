/**
 * Roll: which nodes have opened which caches. Each writes its own names into its shard of an owner-sharded store, so a
 * node that dies is off the roll at once, and only nodes that use a cache give memory to it.
 */
import { isFoundationError } from "@foundation/core";
import type { Clock, Membership, Messenger, NodeId } from "@foundation/core";
import { createOwnedStore, type OwnedStore } from "@foundation/crdt";
import type { CacheTimes } from "../limits.js";
import type { ResolvedCachePorts } from "./ports.js";
import { CHANNEL, seatOf } from "./world.js";

/** Answered by every node that uses caches. */
const SUBJECT = "cache.roll";
const ROLL_TIMEOUT_MS = 1_000;

/** What a node says of a cache it has opened; equal on all nodes. */
export type Terms = string;

export class Roll {
  readonly #store: OwnedStore<Terms>;
  readonly #membership: Membership;
  readonly #clock: Clock;
  readonly #messenger: Messenger;
  readonly #stop: () => void;

  constructor(ports: ResolvedCachePorts) {
    this.#messenger = ports.messenger;
    this.#stop = ports.messenger.handle(SUBJECT, () => true);
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

  /** Their starts, sorted, as committed lists have them. */
  seats(name: string): readonly string[] {
    return this.#store
      .get(name)
      .map(({ owner, boot }) => seatOf({ id: owner, boot }))
      .sort();
  }

  /** What others have said of it that differs. */
  otherTerms(name: string, terms: Terms): Terms | undefined {
    return this.#store.get(name).find(({ value }) => value !== terms)?.value;
  }

  /** Resolves when every member has said what it has opened, or has had the time to. */
  async known({ joinMs, retryMs }: CacheTimes, signal: AbortSignal): Promise<void> {
    const untilMs = this.#clock.now() + joinMs;
    const isOver = () => signal.aborted || this.#clock.now() >= untilMs;
    const isMember = (id: NodeId) => this.#membership.member(id) !== undefined;
    const heard = this.#membership.members().map(async ({ id }) => {
      let hasRoll = false;
      while (!isOver() && isMember(id) && !this.#store.knows(id)) {
        if (!hasRoll) {
          const answer = await this.#hasRoll(id);
          if (answer === false) return;
          hasRoll = answer === true;
        }
        await this.#clock.sleep(retryMs);
      }
    });
    await Promise.all(heard);
  }

  /** False of a node that uses no caches, which the store would never hear of; undefined: not known yet. */
  async #hasRoll(id: NodeId): Promise<boolean | undefined> {
    try {
      const route = { to: id, channel: CHANNEL, subject: SUBJECT };
      await this.#messenger.request(route, null, { timeoutMs: ROLL_TIMEOUT_MS });
      return true;
    } catch (error) {
      return isFoundationError(error, "ERR_UNKNOWN_SUBJECT") ? false : undefined;
    }
  }

  subscribe(name: string, listener: () => void): () => void {
    return this.#store.subscribe(({ key }) => {
      if (key === name) listener();
    });
  }

  closeAll(): Promise<void> {
    this.#stop();
    return this.#store.close();
  }
}
