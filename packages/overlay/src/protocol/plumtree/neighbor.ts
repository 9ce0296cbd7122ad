/** Neighbor: what a node remembers of one link of the graph below the tree. */
import type { Boot, NodeId } from "@foundation/core";

/** Which message. */
interface MessageId {
  readonly origin: NodeId;
  readonly boot: Boot;
  readonly seq: number;
}

export class Neighbor {
  readonly id: NodeId;
  /** It gets payloads; otherwise announcements. */
  eager: boolean;
  /** When it last sent a message along the tree that was new; while lazy, never. */
  fedAt = Number.NEGATIVE_INFINITY;
  /** Of whom it last sent or announced something. */
  pathTo: object | undefined;
  /** Over how many links that came, or would have come, here. */
  pathHops = 0;
  graftedAt = Number.NEGATIVE_INFINITY;
  /** Until then it is only pulled from: the link was grafted and pruned at once. */
  backoffUntil = Number.NEGATIVE_INFINITY;
  /** When it was last told that the link is pruned. */
  prunedAt = Number.NEGATIVE_INFINITY;
  /** Large messages that it has already. */
  #unwanted: MessageId[] | undefined;

  constructor(id: NodeId, eager: boolean) {
    this.id = id;
    this.eager = eager;
  }

  /** It sent or announced something of that source, which took so many links. */
  hasPath(to: object, hops: number): void {
    this.pathTo = to;
    this.pathHops = hops;
  }

  /** It does not want a copy of this message; of more than `limit` the oldest is forgotten. */
  refuse(message: MessageId, limit: number): void {
    const unwanted = (this.#unwanted ??= []);
    unwanted.push(message);
    if (unwanted.length > limit) unwanted.shift();
  }

  /** True if it said so; asked once for each message. */
  refused(message: MessageId): boolean {
    if (this.#unwanted === undefined) return false;
    const { origin, boot, seq } = message;
    const at = this.#unwanted.findIndex(
      (each) => each.seq === seq && each.origin === origin && each.boot === boot,
    );
    if (at < 0) return false;
    this.#unwanted.splice(at, 1);
    return true;
  }
}
