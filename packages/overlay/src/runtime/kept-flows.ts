/**
 * KeptFlows: what lanes of a peer that was declared down had sent and received, should the same
 * start of it return: a death may be wrong, and a partition heals.
 *
 * Limits: FLOW.resumeMs; what one lane may keep is bounded by its queues.
 */
import type { Boot, Clock, NodeId, Timer } from "@foundation/core";
import { FLOW } from "../limits.js";
import type { LinkFlows } from "./link.js";
import type { OverlayMetrics } from "./metrics.js";
import type { Peer } from "./peer.js";

interface Kept {
  readonly boot: Boot;
  /** By channel and lane. */
  readonly flows: Map<string, LinkFlows>;
  readonly timer: Timer;
}

export class KeptFlows {
  readonly #clock: Clock;
  readonly #metrics: OverlayMetrics;
  readonly #kept = new Map<NodeId, Kept>();

  constructor(clock: Clock, metrics: OverlayMetrics) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Keeps what a peer's lanes had under way; replaces what was kept of that node. */
  put(peer: Peer): void {
    const flows = new Map(this.#kept.get(peer.id)?.boot === peer.boot ? this.#take(peer.id) : []);
    for (const link of peer.links()) {
      const own = link.keep();
      if (own !== undefined) flows.set(keyOf(link.channel, link.lane), own);
    }
    this.forget(peer.id);
    if (flows.size === 0) return;
    const timer = this.#clock.setTimer(FLOW.resumeMs, () => this.forget(peer.id));
    this.#kept.set(peer.id, { boot: peer.boot, flows, timer });
  }

  /** The lanes of which something is kept for this start of the node. */
  lanesOf({ id, boot }: Peer): readonly { readonly channel: string; readonly lane: number }[] {
    const kept = this.#kept.get(id);
    return kept?.boot === boot ? [...kept.flows.keys()].map(laneOf) : [];
  }

  /** What a lane goes on with, once. */
  take({ id, boot }: Peer, channel: string, lane: number): LinkFlows | undefined {
    const kept = this.#kept.get(id);
    if (kept === undefined) return undefined;
    if (kept.boot !== boot) {
      this.forget(id);
      return undefined;
    }
    const key = keyOf(channel, lane);
    const flows = kept.flows.get(key);
    kept.flows.delete(key);
    if (kept.flows.size === 0) this.forget(id);
    return flows;
  }

  /** The node will not return as it was: what was kept for it is lost, and counted. */
  forget(id: NodeId): void {
    for (const { send } of this.#take(id)?.values() ?? []) {
      const messages = send.dropWaiting();
      if (messages > 0) this.#metrics.dropped("link-not-opened", messages);
    }
  }

  clear(): void {
    for (const id of [...this.#kept.keys()]) this.forget(id);
  }

  #take(id: NodeId): Map<string, LinkFlows> | undefined {
    const kept = this.#kept.get(id);
    kept?.timer.cancel();
    this.#kept.delete(id);
    return kept?.flows;
  }
}

function keyOf(channel: string, lane: number): string {
  return `${channel}/${lane}`;
}

/** No channel's name has a slash. */
function laneOf(key: string): { readonly channel: string; readonly lane: number } {
  const [channel = "", lane] = key.split("/");
  return { channel, lane: Number(lane) };
}
