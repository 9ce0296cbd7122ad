/**
 * SwitchWorld: the topology switches of a whole cluster in virtual time, from one seed.
 *
 * Messages take a random time and overtake each other; a broken link loses what is under way. Every
 * node is told how many members there are and which has the lowest id, as the world says.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { SwitchEffect, SwitchInput } from "../../src/protocol/switching/effects.js";
import type { SwitchRecord } from "../../src/protocol/switching/record.js";
import type { TopologyMode } from "../../src/protocol/switching/topologies.js";
import { TopologySwitch } from "../../src/protocol/switching/topology-switch.js";
import { EventHeap } from "./event-heap.js";
import { idOf } from "./membership-entries.js";

export interface SwitchNode {
  readonly id: NodeId;
  readonly core: TopologySwitch;
  readonly links: Map<SwitchNode, object>;
  readonly timers: Map<string, object>;
}

const latencyMsMax = 2_000;

export class SwitchWorld {
  readonly nodes: SwitchNode[] = [];
  /** Every record that any node decided by hand. */
  readonly byHand: SwitchRecord[] = [];
  /** When each automatic decision was made. */
  readonly decidedAt: number[] = [];
  readonly #random: Random;
  readonly #heap = new EventHeap();
  messages = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  get now(): number {
    return this.#heap.now;
  }

  /** A new node; it is linked to nobody yet. */
  start(mode: TopologyMode): SwitchNode {
    const number = this.nodes.length + 1;
    const id = idOf(number);
    const random = this.#random.fork(`node-${number}`);
    const core = new TopologySwitch({ self: id, mode, random });
    const node: SwitchNode = { id, core, links: new Map(), timers: new Map() };
    this.nodes.push(node);
    this.#give(node, { type: "start" });
    return node;
  }

  /** The nodes have so many members, and the first of them has the lowest id. */
  tellSize(nodes: readonly SwitchNode[], count: number): void {
    const lowest = nodes.map(({ id }) => id).sort()[0];
    if (lowest === undefined) return;
    for (const node of nodes) this.#give(node, { type: "members", count, lowest });
  }

  switch(node: SwitchNode, to: TopologyMode): void {
    const before = node.core.record;
    this.#give(node, { type: "switch", to });
    if (node.core.record !== before) this.byHand.push(node.core.record);
  }

  link(one: SwitchNode, other: SwitchNode): void {
    if (one === other || one.links.has(other)) return;
    const link = {};
    one.links.set(other, link);
    other.links.set(one, link);
    this.#give(one, { type: "link-up", id: other.id });
    this.#give(other, { type: "link-up", id: one.id });
  }

  cut(one: SwitchNode, other: SwitchNode): void {
    if (!one.links.delete(other)) return;
    other.links.delete(one);
    this.#give(one, { type: "link-down", id: other.id });
    this.#give(other, { type: "link-down", id: one.id });
  }

  run(ms: number): void {
    this.#heap.run(ms);
  }

  #give(node: SwitchNode, input: SwitchInput): void {
    for (const effect of node.core.handle(input, this.#heap.now)) this.#carryOut(node, effect);
  }

  #carryOut(node: SwitchNode, effect: SwitchEffect): void {
    switch (effect.type) {
      case "tell":
        for (const id of effect.to) this.#send(node, id, effect);
        return;
      case "set-timer": {
        const token = {};
        const { timer } = effect;
        node.timers.set(timer, token);
        this.#heap.add(this.#heap.now + effect.delayMs, () => {
          if (node.timers.get(timer) === token) this.#give(node, { type: "timer", timer });
        });
        return;
      }
      case "cancel-timer":
        node.timers.delete(effect.timer);
        return;
      case "count":
        if (effect.counter === "decided") this.decidedAt.push(this.#heap.now);
        return;
      case "change":
        return;
      default:
        effect satisfies never;
    }
  }

  #send(from: SwitchNode, to: NodeId, { message }: SwitchEffect & { type: "tell" }): void {
    this.messages += 1;
    for (const [node, link] of from.links) {
      if (node.id !== to) continue;
      this.#heap.add(this.#heap.now + this.#random.next() * latencyMsMax, () => {
        if (node.links.get(from) !== link) return;
        this.#give(node, { type: "message", from: from.id, message });
      });
    }
  }
}
