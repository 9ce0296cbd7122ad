/** ChannelStats: the sums over the links of one channel. Pure. */
import type { LinkStats } from "@foundation/overlay";

/** Figures of one channel of this node, over all nodes and lanes. */
export interface ChannelStats {
  readonly name: string;
  /** Each lane to each node that has been used. */
  readonly links: readonly LinkStats[];
  /** Bytes accepted and not yet handed to a connection. */
  readonly queuedBytes: number;
  /** Bytes kept for the case that a connection breaks. */
  readonly retainedBytes: number;
  /** How often a link had something to send and its receiver no room. */
  readonly stalls: number;
  /** Milliseconds of it, all links together. */
  readonly stalledMs: number;
  readonly messagesOut: number;
  readonly messagesIn: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

const counted = [
  "queuedBytes",
  "retainedBytes",
  "stalls",
  "stalledMs",
  "messagesOut",
  "messagesIn",
  "bytesOut",
  "bytesIn",
] as const satisfies readonly (keyof LinkStats & keyof ChannelStats)[];

/** The sums over those links that are of the channel. */
export function channelStats(name: string, all: readonly LinkStats[]): ChannelStats {
  const links = all.filter(({ channel }) => channel === name);
  const sums = counted.map(
    (key) => [key, links.reduce((sum, link) => sum + link[key], 0)] as const,
  );
  return { name, links, ...(Object.fromEntries(sums) as Record<(typeof counted)[number], number>) };
}
