/**
 * LatestSet: the way from a strategy that is told of changes (a watch, datagrams) to the sets it yields.
 *
 * A full set makes an older one worthless, so at most one waits: a slow reader costs no memory.
 */
import type { Peer, PeerSet } from "@foundation/core";
import { samePeers, sortedByAddress } from "../protocol/peer-union.js";

/** Takes sets as they come and yields the newest; see the module. */
export class LatestSet {
  #waiting: readonly Peer[] | undefined;
  #offered: readonly Peer[] | undefined;
  #wake: () => void = () => undefined;

  /** @param source the strategy's name */
  constructor(readonly source: string) {}

  /** Offers this full set; it replaces one that nobody read yet. */
  put(peers: readonly Peer[]): void {
    this.#waiting = sortedByAddress(peers);
    this.#wake();
  }

  /** Yields the first set and every changed one until the signal fires. One reader at a time. */
  async *sets(signal: AbortSignal): AsyncGenerator<PeerSet, void, undefined> {
    const wake = () => this.#wake();
    signal.addEventListener("abort", wake, { once: true });
    try {
      while (!signal.aborted) {
        const peers = this.#waiting;
        this.#waiting = undefined;
        if (peers === undefined) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
        } else if (this.#offered === undefined || !samePeers(peers, this.#offered)) {
          this.#offered = peers;
          yield { source: this.source, peers };
        }
      }
    } finally {
      signal.removeEventListener("abort", wake);
    }
  }
}
