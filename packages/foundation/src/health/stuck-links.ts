/**
 * StuckLinks: links on which something waits for its receiver and nothing moves. Pure: figures and time go in.
 *
 * A slow receiver is no fault: its senders wait, which is what windows are for. A receiver that takes nothing at all for
 * many seconds is one, and from the sender's side it looks the same at first; only time tells.
 */
import type { NodeId } from "@foundation/core";
import type { LinkStats } from "@foundation/overlay";

export interface StuckLink {
  readonly peer: NodeId;
  readonly channel: string;
  /** How long nothing has moved. */
  readonly forMs: number;
  readonly queuedBytes: number;
}

interface Standing {
  readonly sinceMs: number;
  readonly bytesOut: number;
  readonly link: LinkStats;
}

export class StuckLinks {
  #standing = new Map<string, Standing>();

  /** Looks at all links, at regular times. */
  sample(nowMs: number, links: readonly LinkStats[]): void {
    const standing = new Map<string, Standing>();
    for (const link of links) {
      if (link.queuedBytes === 0 || !link.up) continue;
      const { peer, boot, channel, lane, bytesOut } = link;
      const key = `${peer} ${boot} ${channel} ${lane}`;
      const before = this.#standing.get(key);
      // What waits is as of the last write; that it waits for the receiver shows in a stall that goes on.
      const isStanding = before?.bytesOut === bytesOut && link.stalledMs > before.link.stalledMs;
      const sinceMs = isStanding ? before.sinceMs : nowMs;
      standing.set(key, { sinceMs, bytesOut, link });
    }
    this.#standing = standing;
  }

  /** Those on which nothing has moved for so long, as of the last sample. */
  list(nowMs: number, forMsMin: number): readonly StuckLink[] {
    const stuck: StuckLink[] = [];
    for (const { sinceMs, link } of this.#standing.values()) {
      const forMs = nowMs - sinceMs;
      const { peer, channel, queuedBytes } = link;
      if (forMs >= forMsMin) stuck.push({ peer, channel, forMs, queuedBytes });
    }
    return stuck;
  }
}
