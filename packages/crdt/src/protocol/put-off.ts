/**
 * PutOff: peers that differ and whose turn has not come, because exchanges run one at a time.
 *
 * Limit: the members, each once.
 */
import type { NodeId } from "@foundation/core";

export class PutOff {
  readonly #begin: (peer: NodeId) => void;
  readonly #peers = new Set<NodeId>();

  constructor(begin: (peer: NodeId) => void) {
    this.#begin = begin;
  }

  add(peer: NodeId): void {
    this.#peers.add(peer);
  }

  delete(peer: NodeId): void {
    this.#peers.delete(peer);
  }

  /** The turn of whoever waits longest. */
  beginNext(): void {
    const [next] = this.#peers;
    if (next === undefined) return;
    this.#peers.delete(next);
    this.#begin(next);
  }

  /** Asks all of them, a digest each: one a tick would keep the last one waiting for minutes. False: nobody waits. */
  beginAll(): boolean {
    const peers = [...this.#peers];
    this.#peers.clear();
    for (const peer of peers) this.#begin(peer);
    return peers.length > 0;
  }
}
