/**
 * Peer: one start (id, boot) of another node, with its coordination link and the links of its
 * channels.
 */
import { RenewedMap, type Boot, type NodeId } from "@foundation/core";
import { FLOW } from "../limits.js";
import type { InboundCall } from "./inbound-call.js";
import type { Link } from "./link.js";

export class Peer {
  readonly id: NodeId;
  readonly boot: Boot;
  name: string;
  address: string;
  /** Who dialled the coordination link: that side also opens the channels. */
  dialledBy: "us" | "peer" = "us";
  /** Its coordination link leads over other nodes. */
  isRelayed = false;
  coordination: Link | undefined;
  /** Clock.now of the last frame on any link. */
  lastHeardMs: number;
  /** Requests of this peer that are being handled here, by their id. */
  readonly calls = new RenewedMap<number, InboundCall>();
  /** channel → lanes */
  readonly channels = new Map<string, (Link | undefined)[]>();
  gone = false;
  #measuredMs = Number.NEGATIVE_INFINITY;
  /** Parts of large messages that are not whole yet. */
  assemblyBytes = 0;
  /** Lets the connections go on that wait until membership has told of this peer. */
  readonly held: (() => void)[] = [];

  constructor(id: NodeId, boot: Boot, name: string, address: string, now: number) {
    this.id = id;
    this.boot = boot;
    this.name = name;
    this.address = address;
    this.lastHeardMs = now;
  }

  /**
   * The shortest round trip seen on `coordination`, where nothing queues; asks for another one when
   * the last was a while ago.
   */
  roundTripMs(now: number): number | undefined {
    if (now - this.#measuredMs >= FLOW.measureMs) {
      this.#measuredMs = now;
      this.coordination?.measure();
    }
    return this.coordination?.roundTripMs;
  }

  /** Every channel link, the coordination link excluded. */
  *links(): Iterable<Link> {
    for (const lanes of this.channels.values()) {
      for (const link of lanes) if (link !== undefined) yield link;
    }
  }
}
