/**
 * Link: one connection of two nodes, as TCP gives it: in order, without loss, with one latency both ways; and a dial,
 * which leads to one.
 *
 * Each side learns by itself that it is up or down. What was sent before a side closed still arrives before the other
 * side learns of it; what a node sends to one that crashed is lost.
 */
import type { NodeId } from "@foundation/core";
import type { HyParViewMessage } from "../../../packages/overlay/src/protocol/hyparview/messages.js";
import type { PlumtreeMessage } from "../../../packages/overlay/src/protocol/plumtree/messages.js";
import type { Broadcast } from "./broadcast.js";
import type { OverlayNode } from "./overlay-node.js";

export type TreeMessage = PlumtreeMessage<Broadcast>;

/** What happens at its time. */
export interface Due {
  happen(): void;
}

/** One end of a link. */
export class LinkEnd {
  /** Told to its node, and not over. */
  isUp = false;
  isOver = false;
  /** Its node's view said that it does not need the link, and did not use it since. */
  isReleased = false;
  other!: LinkEnd;

  private constructor(
    readonly node: OverlayNode,
    readonly latencyMs: number,
  ) {}

  /** The ends at a dialler and at who answers; neither is up yet. */
  static pair(dialler: OverlayNode, answerer: OverlayNode, latencyMs: number): LinkEnd {
    const near = new LinkEnd(dialler, latencyMs);
    const far = new LinkEnd(answerer, latencyMs);
    near.other = far;
    far.other = near;
    return near;
  }

  get peer(): NodeId {
    return this.other.node.id;
  }
}

/** A message of the view on its way to an end. */
export class ViewDelivery implements Due {
  constructor(
    readonly to: LinkEnd,
    readonly message: HyParViewMessage,
  ) {}

  happen(): void {
    if (this.to.isUp) this.to.node.viewHears(this.to.peer, this.message);
  }
}

/** A message of the tree on its way to an end. */
export class TreeDelivery implements Due {
  constructor(
    readonly to: LinkEnd,
    readonly message: TreeMessage,
  ) {}

  happen(): void {
    if (this.to.isUp) this.to.node.treeHears(this.to.peer, this.message);
  }
}

/** The end of a link reaches one of its ends. */
export class LinkLoss implements Due {
  constructor(readonly end: LinkEnd) {}

  happen(): void {
    this.end.node.loses(this.end);
  }
}

/** The dialler has the answer: its end is up. */
export class LinkAnswer implements Due {
  constructor(readonly end: LinkEnd) {}

  happen(): void {
    this.end.node.comesUp(this.end);
  }
}

/** A dial reaches a host that answers nothing but that nobody listens there. */
export class DialFailure implements Due {
  constructor(
    readonly dialler: OverlayNode,
    readonly peer: NodeId,
  ) {}

  happen(): void {
    this.dialler.dialFails(this.peer);
  }
}

/** The last message of a handshake reaches who was dialled: its end comes up, and the dialler's a latency later. */
export class DialArrival implements Due {
  constructor(
    readonly dialler: OverlayNode,
    readonly answerer: OverlayNode,
    readonly latencyMs: number,
  ) {}

  happen(): void {
    this.answerer.answers(this.dialler, this.latencyMs);
  }
}

/** A link that was released is looked at: whether it is still not needed. */
export class ReleaseCheck implements Due {
  constructor(readonly end: LinkEnd) {}

  happen(): void {
    if (this.end.isReleased) this.end.node.hangsUp(this.end);
  }
}
