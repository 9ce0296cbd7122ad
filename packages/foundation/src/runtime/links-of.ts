/** linksOf: what all links of a node come to. */
import type { LinkStats } from "@foundation/overlay";
import type { ClusterInfo } from "../cluster.js";

export function linksOf(all: readonly LinkStats[]): ClusterInfo["links"] {
  const sum = (of: (link: LinkStats) => number) => all.reduce((total, link) => total + of(link), 0);
  return {
    up: sum(({ up }) => (up ? 1 : 0)),
    queuedBytes: sum(({ queuedBytes }) => queuedBytes),
    stalls: sum(({ stalls }) => stalls),
    stalledMs: sum(({ stalledMs }) => stalledMs),
    all,
  };
}
