/**
 * TopologyChoice: the topology that the cluster has agreed on, as ../switching/ decides it, with this
 * node's links to tell it on and the directory to count.
 */
import type { NodeId } from "@foundation/core";
import type { TopologyMode, TopologyName } from "../switching/topologies.js";
import type { SwitchEffect, SwitchInput } from "../switching/effects.js";
import { parseSwitchRecord } from "../switching/record.js";
import { TopologySwitch } from "../switching/topology-switch.js";
import type { Peer } from "./peer.js";
import type { MembershipState } from "./state.js";

/** Told when the cluster's topology is another one. */
export type OnTopology = (name: TopologyName, now: number) => void;

export class TopologyChoice {
  readonly #state: MembershipState;
  readonly #onTopology: OnTopology;
  readonly #core: TopologySwitch;
  #members = 0;
  #lowest: NodeId | undefined;

  constructor(state: MembershipState, mode: TopologyMode, onTopology: OnTopology) {
    this.#state = state;
    this.#onTopology = onTopology;
    this.#core = new TopologySwitch({ self: state.self.id, mode, random: state.random });
  }

  get topology(): TopologyName {
    return this.#core.topology;
  }

  /** It stays as it is until somebody switches by hand. */
  get isPinned(): boolean {
    return this.#core.record.pinned;
  }

  start(now: number): void {
    this.#feed({ type: "start" }, now);
  }

  linkUp({ id }: Peer, now: number): void {
    this.#feed({ type: "link-up", id }, now);
  }

  linkDown({ id }: Peer, now: number): void {
    this.#feed({ type: "link-down", id }, now);
  }

  /** By hand: a topology to stay with, or "auto". */
  switchTo(to: TopologyMode, now: number): void {
    this.#feed({ type: "switch", to }, now);
  }

  onRecord({ id: from }: Peer, value: unknown, now: number): void {
    const record = parseSwitchRecord(value);
    if (record === undefined) return this.#state.out.count("message-malformed");
    this.#feed({ type: "message", from, message: { type: "topology", record } }, now);
  }

  onTimer(timer: string, now: number): void {
    this.#feed({ type: "timer", timer }, now);
  }

  /** Counts the members, when that may be another number. */
  recount(now: number): void {
    const { lists, self } = this.#state;
    const count = lists.live.length + 1;
    const first = lists.live[0]?.id;
    const lowest = first !== undefined && first < self.id ? first : self.id;
    if (count === this.#members && lowest === this.#lowest) return;
    this.#members = count;
    this.#lowest = lowest;
    this.#feed({ type: "members", count, lowest }, now);
  }

  #feed(input: SwitchInput, now: number): void {
    for (const effect of this.#core.handle(input, now)) this.#run(effect, now);
  }

  #run(effect: SwitchEffect, now: number): void {
    const { out } = this.#state;
    switch (effect.type) {
      case "tell":
        for (const id of effect.to) out.send(id, effect.message);
        return;
      case "change":
        return this.#onTopology(effect.to, now);
      case "set-timer":
        return out.setTimer(`choice:${effect.timer}`, effect.delayMs, now);
      case "cancel-timer":
        return out.cancelTimer(`choice:${effect.timer}`);
      case "count":
        return out.count(`switch-${effect.counter}`);
      default:
        effect satisfies never;
    }
  }
}
