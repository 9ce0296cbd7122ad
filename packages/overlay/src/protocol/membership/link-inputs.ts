/**
 * LinkInputs: what the link layer tells, given to the parts of the protocol that it concerns.
 *
 * Invariant: a message counts only on the link it came over, so nothing of an earlier boot is heard.
 */
import type { LinkEvent } from "../../membership/link-layer.js";
import { isEnded } from "./entry.js";
import type { Comparison } from "./comparison.js";
import type { Gossip } from "./gossip.js";
import type { Healing } from "./healing.js";
import { parseMembershipMessage } from "./messages.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";
import type { Strays } from "./strays.js";
import type { Swim } from "./swim.js";
import type { TopologyInUse } from "./topology-in-use.js";
import type { Verdicts } from "./verdicts.js";

type EventOf<Type extends LinkEvent["type"]> = LinkEvent & { readonly type: Type };

/** Who is told of links. */
export interface LinkAudience {
  readonly gossip: Gossip;
  readonly comparison: Comparison;
  readonly verdicts: Verdicts;
  readonly swim: Swim;
  readonly healing: Healing;
  readonly strays: Strays;
  readonly topology: TopologyInUse;
}

export class LinkInputs {
  readonly #state: MembershipState;
  readonly #to: LinkAudience;

  constructor(state: MembershipState, to: LinkAudience) {
    this.#state = state;
    this.#to = to;
  }

  handle(event: LinkEvent, now: number): void {
    switch (event.type) {
      case "link-up":
        return this.#onLinkUp(event, now);
      case "link-down":
        return this.#onLinkDown(event, now);
      case "message":
        return this.#onMessage(event, now);
      case "dial-answered":
        return this.#to.healing.answered(event.address, event.id);
      case "dial-refused":
      case "dial-failed":
        return this.#onDialEnded(event, now);
      default:
        event satisfies never;
    }
  }

  #onLinkUp(event: EventOf<"link-up">, now: number): void {
    if (event.id === this.#state.self.id) return;
    const entry = this.#state.directory.get(event.id);
    const over = entry && entry.boot === event.boot && entry.status === "left";
    if (over || (entry && event.boot < entry.boot)) {
      this.#state.out.disconnect(event.id, event.boot, false);
      return;
    }
    const peer = this.#state.peer(event.id, now);
    // A link that this node did not ask for makes no room for another dial.
    if (peer.wanted) this.#state.meshChanged = true;
    this.#state.lists.link(peer, event.boot, now);
    const { comparison, healing, strays, topology, verdicts } = this.#to;
    this.#state.growth.linked(now);
    healing.answered(event.address, event.id);
    comparison.greet(peer, now);
    verdicts.linkUp(peer);
    topology.choice.linkUp(peer, now);
    topology.present.linkUp(peer, now);
    this.#state.want(peer, topology.present.wants(peer));
    strays.answered(peer);
  }

  #onLinkDown(event: EventOf<"link-down">, now: number): void {
    const peer = this.#state.peers.get(event.id);
    if (!peer || peer.link !== event.boot) return;
    // Nobody wanted it, and nothing used it: that is no sign of trouble. One that the other side wanted a moment ago
    // was closed by a process that ends: a server that would take that for idle left the death of a client unseen.
    const isIdle = event.reason === "closed" && !peer.wantedHere && !peer.wantedThere;
    this.#state.lists.unlink(peer, isIdle);
    this.#state.setNeighbour(peer, false);
    this.#state.meshChanged = true;
    const { gossip, verdicts, topology } = this.#to;
    topology.choice.linkDown(peer, now);
    topology.present.linkDown(peer, now);
    if (peer.doubted) gossip.believe(peer, now);
    gossip.reveal(peer, now);
    verdicts.judgeLost(now);
  }

  #onDialEnded(event: EventOf<"dial-refused" | "dial-failed">, now: number): void {
    const { healing, strays, topology, verdicts, swim } = this.#to;
    healing.dialEnded(event.address, "code" in event ? event.code : undefined);
    const peer = this.#dialled(event);
    if (!peer) return;
    this.#state.lists.dialling.delete(peer);
    this.#state.meshChanged = true;
    topology.present.dialFailed(peer, now);
    if (event.type === "dial-refused") verdicts.dialRefused(peer, now);
    // Any other code is an answer: somebody is there who does not want the link.
    else if (event.code === "ERR_DIAL_FAILED") swim.notReached(peer, now);
    else strays.answered(peer);
  }

  #onMessage(event: EventOf<"message">, now: number): void {
    const { from } = event;
    const peer = this.#state.peers.get(from);
    if (!peer || peer.link !== event.boot) return;
    peer.heardAt = now;
    const { gossip, comparison, verdicts, swim, topology } = this.#to;
    const message = parseMembershipMessage(event.message);
    switch (message?.type) {
      case "updates":
        return gossip.learnAll(message.entries, from, now);
      case "suspect":
        return verdicts.onSuspect(from, message, now);
      case "ping":
        return swim.onPing(from, message, now);
      case "ack":
        return swim.onAck(from, message.seq, now);
      case "ping-req":
        return swim.onPingRequest(from, message, now);
      case "ping-res":
        return swim.onPingResult(message, now);
      case "sum":
        return comparison.onSum(from, message.sum, now);
      case "digest":
        return comparison.onDigest(from, message.buckets, now);
      case "sync":
        comparison.onSync(from, message, now);
        return gossip.learnAll(message.entries, from, now);
      case "want":
        peer.wantedThere = message.wanted;
        topology.present.otherSideWants(peer);
        return this.#state.tellWanted(peer);
      case "topology":
        return topology.choice.onRecord(peer, message.record, now);
      case "view":
        topology.present.onMessage(peer, message.view, now);
        return this.#state.want(peer, topology.present.wants(peer));
      case undefined:
        return this.#state.out.count("message-malformed");
      default:
        message satisfies never;
    }
  }

  /** Whom a failed dial was meant for, among members without a link. */
  #dialled(event: EventOf<"dial-refused" | "dial-failed">): Peer | undefined {
    if (event.id) {
      const peer = this.#state.peers.get(event.id);
      return peer?.link ? undefined : peer;
    }
    for (const peer of this.#state.peers.values()) {
      const entry = this.#state.directory.get(peer.id);
      if (peer.link || !entry || isEnded(entry.status)) continue;
      if (entry.address === event.address) return peer;
    }
    return undefined;
  }
}
