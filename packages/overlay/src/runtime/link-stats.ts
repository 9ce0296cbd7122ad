/** LinkStats: what one link has carried and what holds it up. */
import type { Boot, NodeId } from "@foundation/core";
import type { ReceiveFlow } from "../protocol/flow/receive-flow.js";
import type { Blocked, SendFlow } from "../protocol/flow/send-flow.js";
import type { Link } from "./link.js";
import type { LinkWorld } from "./link-world.js";

/** One lane of one channel to one peer. Counters grow as long as the link lives. */
export interface LinkStats {
  readonly peer: NodeId;
  readonly boot: Boot;
  readonly channel: string;
  readonly lane: number;
  /** It has a connection. */
  readonly up: boolean;
  /** Accepted and not yet with the operating system. */
  readonly queuedBytes: number;
  /** Written on a reliable lane and not counted by the peer yet. */
  readonly retainedBytes: number;
  /** What the peer lets this node send now; Infinity where nothing limits it. */
  readonly creditBytes: number;
  /** What this node lets the peer send before it has consumed it. */
  readonly windowBytes: number;
  /** Received, and its handlers have not finished. */
  readonly heldBytes: number;
  /** How often, and for how long in all, something waited for the peer's credit. */
  readonly stalls: number;
  readonly stalledMs: number;
  readonly messagesOut: number;
  readonly messagesIn: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Connections after the first. */
  readonly reconnects: number;
  /** Frames written again after a reconnect, and those of which nobody knows what became. */
  readonly resentFrames: number;
  readonly lostFrames: number;
  /** The shortest round trip seen, ms. */
  readonly roundTripMs: number | undefined;
}

export class LinkCounters {
  messagesOut = 0;
  messagesIn = 0;
  bytesOut = 0;
  bytesIn = 0;
  connections = 0;
  resentFrames = 0;
  lostFrames = 0;
  #stalls = 0;
  #stalledMs = 0;
  #stalledSinceMs: number | undefined;

  /** Writing has stopped, or went on. */
  onBlocked(blocked: Blocked | undefined, { clock, metrics }: LinkWorld): void {
    const isStalled = blocked === "credit";
    if (isStalled === (this.#stalledSinceMs !== undefined)) return;
    const now = clock.now();
    if (isStalled) {
      this.#stalls += 1;
      this.#stalledSinceMs = now;
      metrics.creditStalls.add();
      return;
    }
    const stalledMs = now - (this.#stalledSinceMs ?? now);
    this.#stalledMs += stalledMs;
    this.#stalledSinceMs = undefined;
    metrics.creditStalledMs.add(stalledMs);
  }

  stats(link: Link, send: SendFlow, receive: ReceiveFlow, now: number): LinkStats {
    const { peer, channel, lane, isUp, queuedBytes, roundTripMs } = link;
    const { creditBytes, retainedBytes } = send;
    const sinceMs = this.#stalledSinceMs === undefined ? 0 : now - this.#stalledSinceMs;
    return {
      peer: peer.id,
      boot: peer.boot,
      channel,
      lane,
      up: isUp,
      queuedBytes: queuedBytes + (link.latest?.sizeBytes ?? 0),
      retainedBytes,
      creditBytes: creditBytes === Number.MAX_SAFE_INTEGER ? Infinity : creditBytes,
      windowBytes: receive.windowBytes,
      heldBytes: receive.heldBytes,
      stalls: this.#stalls,
      stalledMs: this.#stalledMs + sinceMs,
      messagesOut: this.messagesOut,
      messagesIn: this.messagesIn,
      bytesOut: this.bytesOut,
      bytesIn: this.bytesIn,
      reconnects: Math.max(0, this.connections - 1),
      resentFrames: this.resentFrames,
      lostFrames: this.lostFrames,
      roundTripMs,
    };
  }
}
