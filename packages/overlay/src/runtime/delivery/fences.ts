/**
 * Fences: marks the lanes of a channel before a message that must not overtake any of them, and
 * holds such a message at the receiver until the marks have come (see protocol/delivery/fence.ts).
 *
 * On the wire a mark is a message of type `fence` with the fence's number. On its own lane it names
 * the other lanes and stands directly before the message it is for; whoever does not know the type
 * skips it.
 */
import { encodeLanes, FenceGate, parseLanes } from "../../protocol/delivery/fence.js";
import { MessageType } from "../../protocol/frame.js";
import type { Link } from "../link.js";
import type { OverlayMetrics } from "../metrics.js";
import type { Peer } from "../peer.js";

const EMPTY = new Uint8Array(0);

/** What the next message of a link waits for. */
export interface AwaitedFence {
  readonly number: number;
  /** One bit for each of the other lanes. */
  readonly lanes: number;
}

export class Fences {
  readonly #metrics: OverlayMetrics;
  /** Never begins again while this node runs: a later number stands for all earlier ones. */
  #number = 0;
  /** What each peer sends here. */
  readonly #gates = new WeakMap<Peer, Map<string, FenceGate<() => void>>>();

  constructor(metrics: OverlayMetrics) {
    this.#metrics = metrics;
  }

  /** To be called directly before the message is posted. */
  raise(link: Link): void {
    const lanes = link.peer.channels.get(link.channel) ?? [];
    const others = lanes.filter(
      (other) => other !== undefined && other !== link && mayCarry(other),
    );
    if (others.length === 0) return;
    this.#number += 1;
    let named = 0;
    for (const other of others as Link[]) {
      named |= 1 << other.lane;
      other.post(MessageType.fence, 0, 0, this.#number, 0, undefined, EMPTY);
    }
    link.post(MessageType.fence, 0, 0, this.#number, 0, undefined, encodeLanes(named));
  }

  /** A mark came by a link. */
  onMark(link: Link, number: number, payload: Uint8Array): void {
    if (payload.length > 0) {
      const lanes = parseLanes(payload);
      if (lanes === undefined) return this.#metrics.dropped("not-decodable");
      link.fence = { number, lanes };
      return;
    }
    for (const run of this.#gateOf(link).passed(link.lane, number)) run();
  }

  /** True: this message, the first after a mark on its link, waits; `run` is called later. */
  holds(link: Link, sizeBytes: number, run: () => void): boolean {
    const { fence } = link;
    if (fence === undefined) return false;
    link.fence = undefined;
    return this.#gateOf(link).hold(fence.number, fence.lanes, run, sizeBytes);
  }

  #gateOf({ peer, channel }: Link): FenceGate<() => void> {
    let gates = this.#gates.get(peer);
    if (gates === undefined) this.#gates.set(peer, (gates = new Map()));
    let gate = gates.get(channel);
    if (gate === undefined) gates.set(channel, (gate = new FenceGate()));
    return gate;
  }
}

/** Something that was sent on the link may still be on its way. */
function mayCarry(link: Link): boolean {
  return link.isUp || link.hasUnsent || link.retains;
}
