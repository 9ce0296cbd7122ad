/**
 * PartialView: HyParView as a topology: a node has links to about six others and knows all.
 *
 * hyparview/ decides by ids alone; here its wishes become dials of the addresses in the directory,
 * and what it hears of links comes from membership. Whoever is in the directory may take the place of
 * a neighbour that is gone, so a view never runs dry while anybody lives.
 *
 * Invariant: while a node has too few neighbours it wants to keep every link it has.
 */
import type { NodeId } from "@foundation/core";
import type { HyParViewEffect, HyParViewInput } from "../hyparview/effects.js";
import { HyParView } from "../hyparview/hyparview.js";
import { decode, encode } from "../hyparview/wire.js";
import { CoreTopology } from "./core-topology.js";
import { membershipLimits as limits } from "./limits.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";
import type { Topology } from "./topology.js";

export class PartialView extends CoreTopology<HyParViewInput, HyParViewEffect> implements Topology {
  readonly name = "hyparview";
  readonly #view: HyParView;

  constructor(state: MembershipState) {
    super(state);
    this.#view = new HyParView({
      self: state.self.id,
      random: state.random,
      candidates: (count) => this.#candidates(count),
      roundTripMs: (id) => state.peers.get(id)?.srttMs,
    });
  }

  start(now: number): void {
    this.feed({ type: "start" }, now);
    const { linked } = this.state.lists;
    for (const { id } of linked) this.feed({ type: "link-up", id }, now);
    for (const peer of linked) this.state.setNeighbour(peer, this.#view.isNeighbor(peer.id));
    this.#join(now);
  }

  linkUp(peer: Peer, now: number): void {
    this.dials.answered(peer.id);
    this.feed({ type: "link-up", id: peer.id }, now);
    if (this.#view.active.length === 0) this.#join(now);
  }

  livenessChanged({ id }: Peer, isLive: boolean, now: number): void {
    this.feed({ type: isLive ? "back" : "gone", id }, now);
  }

  onMessage({ id }: Peer, value: unknown, now: number): void {
    const message = value instanceof Uint8Array ? decode(value) : undefined;
    if (message === undefined) return this.state.out.count("message-malformed");
    this.feed({ type: "message", from: id, message }, now);
  }

  /** Who is a neighbour is agreed on by messages of its own. */
  otherSideWants(): void {}

  wants({ id }: Peer): boolean {
    const enough = Math.min(limits.neighboursMin, this.state.lists.live.length);
    return this.#view.active.length < enough || this.#view.isNeighbor(id);
  }

  /** Enters the overlay by whom there is a link to. */
  #join(now: number): void {
    const { linked } = this.state.lists;
    if (linked.length === 0) return;
    const contacts = this.state.drawLinked(1).map(({ id }) => id);
    this.feed({ type: "join", contacts }, now);
  }

  #candidates(count: number): readonly NodeId[] {
    return this.state.sampleIds(this.state.lists.live, count);
  }

  protected handle(input: HyParViewInput, now: number): readonly HyParViewEffect[] {
    return this.#view.handle(input, now);
  }

  protected run(effect: HyParViewEffect, now: number): void {
    const { out } = this.state;
    switch (effect.type) {
      case "send":
        return out.send(effect.to, { type: "view", view: encode(effect.message) });
      case "connect":
        return this.#connect(effect.to, now);
      case "release":
        return this.#release(effect.to);
      case "neighbor-up":
      case "neighbor-down":
        return this.#neighbour(effect.id, effect.type === "neighbor-up");
      case "set-timer":
        return out.setTimer(`view:${effect.timer}`, effect.delayMs, now);
      case "cancel-timer":
        return out.cancelTimer(`view:${effect.timer}`);
      case "count":
        return out.count(`view-${effect.counter}`);
      default:
        effect satisfies never;
    }
  }

  #connect(id: NodeId, now: number): void {
    const peer = this.state.peers.get(id);
    if (peer?.link) return this.feed({ type: "link-up", id }, now);
    if (!this.dials.ask(id)) this.feed({ type: "dial-failed", id }, now);
  }

  #release(id: NodeId): void {
    const peer = this.state.peers.get(id);
    if (peer === undefined) return;
    this.dials.giveUp(id);
    this.state.want(peer, this.wants(peer));
  }

  #neighbour(id: NodeId, isUp: boolean): void {
    const peer = this.state.peers.get(id);
    if (peer === undefined) return;
    this.state.setNeighbour(peer, isUp);
    if (!isUp) return this.state.want(peer, this.wants(peer));
    // With this one there may be enough: then nobody else is wanted.
    for (const other of this.state.lists.linked) this.state.want(other, this.wants(other));
  }
}
