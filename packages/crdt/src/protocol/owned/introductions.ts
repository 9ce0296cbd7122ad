/**
 * Introductions: which members an owner-sharded store has to greet, and when.
 *
 * A greeting tells where the own shard stands and asks where the other's does. Two nodes that have
 * written nothing owe each other none: most nodes of most stores are like that while a cluster
 * forms, and a greeting for each pair would open a lane for each. So a member is greeted when there
 * is something to say, when it may have spoken without being heard, or when somebody wants to know.
 *
 * Invariant: whoever has written greets each arrival, so what is written is heard; that a node has
 * written nothing is only known of those that were asked, or have greeted.
 */
import type { NodeId } from "@foundation/core";
import { EARLY_SPEAKERS_MAX, PULL_TIMEOUT_MS } from "../../limits.js";

export class Introductions {
  /** May have spoken of their shard while they were no members here, unheard. Oldest first. */
  readonly #unheard = new Set<NodeId>();
  /** Until when a question to a member keeps further ones back. */
  readonly #askedUntilMs = new Map<NodeId, number>();

  /** What a node says is not heard now. Of too many the oldest waits for anti-entropy. */
  missed(id: NodeId): void {
    this.#unheard.add(id);
    if (this.#unheard.size <= EARLY_SPEAKERS_MAX) return;
    for (const oldest of this.#unheard) {
      this.#unheard.delete(oldest);
      return;
    }
  }

  /** A node has become a member: true when it may have been missed before. */
  arrived(id: NodeId): boolean {
    return this.#unheard.delete(id);
  }

  /** Somebody wants to know where a member stands: true when it is time to ask. */
  mayAsk(id: NodeId, now: number): boolean {
    if (now < (this.#askedUntilMs.get(id) ?? 0)) return false;
    this.#askedUntilMs.set(id, now + PULL_TIMEOUT_MS);
    return true;
  }

  /** It is no member any more. */
  gone(id: NodeId): void {
    this.#askedUntilMs.delete(id);
  }
}
