/**
 * watch(): the cluster's changes as a bounded stream that begins with what is.
 *
 * The first values are a `node-up` for every current member, so that a reader needs no second source for the start; a
 * change between the list and the first event is impossible, since both are taken in one turn.
 */
import { boundedStream, type Logger } from "@foundation/core";
import type { Overlay } from "@foundation/overlay";
import type { ClusterEvent } from "../cluster-event.js";
import type { LeaderNews } from "../consensus/leader-news.js";
import { limits } from "../limits.js";

export interface WatchOptions {
  /** Ends the loop when it fires. Leaving the cluster ends it too. */
  readonly signal?: AbortSignal | undefined;
}

type WatchedOverlay = Pick<Overlay, "membership" | "onPartition" | "onTopology">;

export function watchCluster(
  overlay: WatchedOverlay,
  news: Pick<LeaderNews, "subscribe">,
  logger: Logger,
  closed: AbortSignal,
  signal: AbortSignal | undefined,
): AsyncIterableIterator<ClusterEvent> {
  const { membership } = overlay;
  let unsubscribe = () => {};
  let unlisten: readonly (() => void)[] = [];
  let warned = false;
  const stream = boundedStream<ClusterEvent>({
    name: "cluster.watch",
    buffer: limits.watchBufferMax,
    overflow: "drop-oldest",
    signal,
    onEnd: () => {
      unsubscribe();
      for (const end of unlisten) end();
      closed.removeEventListener("abort", close);
    },
    onDrop: () => {
      if (!warned)
        logger.warn("A reader of cluster.watch() is too slow: its oldest events are dropped");
      warned = true;
    },
  });
  const close = () => stream.close();
  if (closed.aborted) close();
  else closed.addEventListener("abort", close);
  for (const node of membership.members()) stream.push({ type: "node-up", node });
  unsubscribe = membership.subscribe((event) => {
    if (event.type === "node-up") stream.push({ type: "node-up", node: event.node });
    else stream.push(event);
  });
  unlisten = [
    overlay.onTopology((change) => stream.push({ type: "topology-changed", ...change })),
    overlay.onPartition((event) => stream.push(event)),
    news.subscribe((leader, term) => {
      const node = leader && membership.member(leader);
      stream.push({ type: "leader-changed", node, term });
    }),
  ];
  if (stream.ended) {
    unsubscribe();
    for (const end of unlisten) end();
  }
  return stream.iterator;
}
