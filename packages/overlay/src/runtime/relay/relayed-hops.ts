/**
 * RelayedHops: connections of others that pass through this node.
 *
 * A frame goes on as it came: the bytes that the carrier of one link gave are handed to the carrier
 * of the other.
 */
import type { ConnectionEnd, NodeId } from "@foundation/core";
import {
  breakFrame,
  readBreak,
  RelayType,
  type RelayRefusal,
} from "../../protocol/relay/frames.js";
import type { Hop } from "../../protocol/relay/hop.js";
import type { RelayLimits } from "../../protocol/relay/limits.js";
import type { RelayTable } from "../../protocol/relay/relay-table.js";
import type { RelayCarrier } from "./relay-carrier.js";
import type { RelayMetrics } from "./relay-metrics.js";

export class RelayedHops {
  readonly #table: RelayTable<unknown>;
  readonly #carrier: RelayCarrier;
  readonly #limits: RelayLimits;
  readonly #metrics: RelayMetrics;

  constructor(
    table: RelayTable<unknown>,
    carrier: RelayCarrier,
    limits: RelayLimits,
    metrics: RelayMetrics,
  ) {
    this.#table = table;
    this.#carrier = carrier;
    this.#limits = limits;
    this.#metrics = metrics;
  }

  /** The open that made a hop goes on to the next node. */
  opened(hop: Hop, frame: Uint8Array): void {
    this.#metrics.open("passed");
    this.#metrics.connections("hop", this.#table.hops);
    if (this.#carrier.send(hop.after, frame) < 0) this.break(hop, "refused", "no-link", hop.after);
  }

  /** A frame came from one of a hop's neighbours. */
  pass(hop: Hop, from: NodeId, frame: Uint8Array): void {
    const passage = hop.pass(from, frame);
    switch (passage) {
      case "on":
      case "last": {
        this.#metrics.framesPassed.add();
        this.#metrics.bytesPassed.add(frame.length);
        // It is over, whatever the carrier finds out while it sends.
        if (passage === "last") this.#remove(hop, reasonOf(frame));
        const to = hop.otherThan(from);
        const queuedBytes = this.#carrier.send(to, frame);
        if (queuedBytes < 0) this.break(hop, "lost", undefined, to);
        else if (queuedBytes > this.#limits.queuedBytesMax) this.break(hop, "lost", "overloaded");
        return;
      }
      case "malformed":
        this.#metrics.dropped("garbage");
        return this.break(hop, "protocol");
      case "unknown":
        return this.#metrics.dropped("unknown-type");
      default:
        passage satisfies never;
    }
  }

  /** Ends a connection at both ends, at once. @param except whose link is gone */
  break(hop: Hop, reason: ConnectionEnd["reason"], refusal?: RelayRefusal, except?: NodeId): void {
    if (!this.#remove(hop, reason)) return;
    const frame = breakFrame(hop.connection, { reason, refusal, index: hop.index });
    for (const side of [hop.before, hop.after])
      if (side !== except) this.#carrier.send(side, frame);
  }

  #remove(hop: Hop, reason: ConnectionEnd["reason"]): boolean {
    if (!this.#table.remove(hop)) return false;
    this.#metrics.connections("hop", this.#table.hops);
    this.#metrics.ended("hop", reason);
    return true;
  }
}

/** Why a connection is over of which the last frame passes. */
function reasonOf(frame: Uint8Array): ConnectionEnd["reason"] {
  return frame[0] === RelayType.break ? (readBreak(frame)?.reason ?? "lost") : "closed";
}
