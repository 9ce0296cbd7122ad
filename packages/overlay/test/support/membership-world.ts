/**
 * MembershipWorld: many pure membership cores on a virtual network, from one seed.
 *
 * Links behave like TCP: in order, lossless while both ends live; a cut holds what was sent (also
 * the news that the other side closed) and delivers it when it heals. A killed process closes its
 * sockets and refuses dials; a silent death does neither. A paused process runs nothing, then its
 * timers, then what waited in its sockets, as Node does.
 *
 * Invariants checked while it runs, for each node: its events alternate as the Membership port
 * promises, and folding them gives its list of members.
 */
import {
  createBoot,
  createNodeId,
  type Boot,
  type MembershipEvent,
  type NodeId,
} from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { LinkEvent, LinkTarget } from "../../src/membership/link-layer.js";
import type { MembershipEffect, MembershipInput } from "../../src/protocol/membership/effects.js";
import { MembershipCore } from "../../src/protocol/membership/membership.js";
import type { TopologyMode } from "../../src/protocol/switching/topologies.js";
import { EventHeap } from "./event-heap.js";

export interface WorldNode {
  readonly index: number;
  readonly id: NodeId;
  readonly boot: Boot;
  readonly address: string;
  readonly core: MembershipCore;
  running: boolean;
  /** Died without closing anything: its host answers nothing. */
  silent: boolean;
  paused: boolean;
  readonly events: { readonly at: number; readonly event: MembershipEvent }[];
}

interface Node extends WorldNode {
  readonly timers: Map<string, { readonly due: number; readonly token: object }>;
  readonly overdue: string[];
  readonly waiting: LinkEvent[];
  readonly links: Map<NodeId, Link>;
  readonly dials: Map<string, Dial>;
  readonly shown: Map<NodeId, { boot: Boot; status: string }>;
  readonly leftBoots: Set<string>;
}

/** One connection. Each end is closed on its own; what is between them is delivered in order. */
interface Link {
  readonly ends: readonly [Node, Node];
  readonly open: [boolean, boolean];
  readonly arrival: [number, number];
  readonly held: [(() => void)[], (() => void)[]];
}

interface Dial {
  readonly target: LinkTarget;
  failures: number;
}

export interface WorldOptions {
  readonly seed: number;
  /** One-way latency, drawn for each message. @default [0.1, 3] */
  readonly latencyMs?: readonly [number, number];
  /** @default "auto" */
  readonly topology?: TopologyMode;
}

export class MembershipWorld {
  readonly nodes: Node[] = [];
  readonly #random: Random;
  readonly #heap = new EventHeap();
  readonly #cuts = new Set<string>();
  readonly #latencyMs: readonly [number, number];
  readonly #topology: TopologyMode;
  #links: Link[] = [];
  #boots = 1;
  messages = 0;

  constructor(options: WorldOptions) {
    this.#random = seededRandom(options.seed).fork("world");
    this.#latencyMs = options.latencyMs ?? [0.1, 3];
    this.#topology = options.topology ?? "auto";
  }

  get now(): number {
    return this.#heap.now;
  }

  /**
   * Starts a node that knows the addresses of `seeds`. `as`: a restart with that node's id and
   * address.
   */
  start(seeds: readonly WorldNode[] = [], as?: WorldNode): Node {
    const index = this.nodes.length;
    const random = this.#random.fork(`node-${index}`);
    const id = as?.id ?? createNodeId(random);
    const boot = createBoot(this.#boots++, random);
    const address = as?.address ?? `10.0.0.${index}:1`;
    const self = { id, boot, address, name: `n${index}`, roles: [], labels: {} };
    const node: Node = {
      index,
      id,
      boot,
      address,
      core: new MembershipCore({ self, random, topology: this.#topology }),
      running: true,
      silent: false,
      paused: false,
      events: [],
      timers: new Map(),
      overdue: [],
      waiting: [],
      links: new Map(),
      dials: new Map(),
      shown: new Map(),
      leftBoots: new Set(),
    };
    this.nodes.push(node);
    this.#feed(node, { type: "start" });
    if (seeds.length > 0) {
      this.#feed(node, { type: "discovered", addresses: seeds.map((seed) => seed.address) });
    }
    return node;
  }

  /** Starts `count` nodes; each knows the first one, as discovery would give it. */
  startAll(count: number): Node[] {
    const first = this.start();
    return [first, ...Array.from({ length: count - 1 }, () => this.start([first]))];
  }

  /** `kill -9`: sockets close, the port refuses. `silent`: the host is gone, nothing is told. */
  kill(node: WorldNode, options: { readonly silent?: boolean } = {}): void {
    const dead = this.#own(node);
    dead.running = false;
    dead.silent = options.silent ?? false;
    for (const link of dead.links.values()) {
      if (!dead.silent) this.#closeEnd(link, dead);
    }
    dead.links.clear();
    dead.dials.clear();
  }

  leave(node: WorldNode): void {
    this.#feed(this.#own(node), { type: "leave" });
    this.#at(100, () => this.kill(node));
  }

  drain(node: WorldNode): void {
    this.#feed(this.#own(node), { type: "drain" });
  }

  pause(node: WorldNode, forMs: number): void {
    const paused = this.#own(node);
    paused.paused = true;
    this.#at(forMs, () => this.#resume(paused));
  }

  /** Nothing gets from `a` to `b` any more, nor back unless `oneWay`. */
  cut(a: WorldNode, b: WorldNode, options: { readonly oneWay?: boolean } = {}): void {
    this.#cuts.add(`${a.index}>${b.index}`);
    if (!options.oneWay) this.#cuts.add(`${b.index}>${a.index}`);
  }

  partition(left: readonly WorldNode[], right: readonly WorldNode[]): void {
    for (const a of left) for (const b of right) this.cut(a, b);
  }

  /** Ends all cuts: what they held arrives. */
  heal(): void {
    this.#cuts.clear();
    for (const link of this.#links) {
      for (const held of link.held) for (const deliver of held.splice(0)) deliver();
    }
  }

  /** Lets virtual time pass. */
  run(ms: number): void {
    this.#heap.run(ms);
    this.#links = this.#links.filter((link) => link.open[0] || link.open[1]);
  }

  /** Runs until the condition holds; gives the virtual milliseconds that took, or undefined. */
  runUntil(condition: () => boolean, withinMs: number): number | undefined {
    const start = this.#heap.now;
    while (this.#heap.now - start < withinMs) {
      if (condition()) return this.#heap.now - start;
      this.run(10);
    }
    return condition() ? this.#heap.now - start : undefined;
  }

  running(): Node[] {
    return this.nodes.filter((node) => node.running);
  }

  /** True when each running node lists exactly the running ones, all well. */
  converged(): boolean {
    const running = this.running();
    const expected = running
      .map((node) => node.id + node.boot)
      .sort()
      .join();
    return running.every((node) => {
      const members = node.core.members();
      const counted = node.core.report(this.#heap.now).members;
      if (counted !== members.length) throw new Error(`${counted} of ${members.length} counted`);
      if (members.some((member) => member.status !== "alive")) return false;
      return members.map((member) => member.id + member.boot).join() === expected;
    });
  }

  /** The events a node told, of one type if given, since `sinceMs`. */
  events(node: WorldNode, type?: MembershipEvent["type"], sinceMs = 0): MembershipEvent[] {
    return this.#own(node)
      .events.filter(({ at, event }) => at >= sinceMs && (!type || event.type === type))
      .map(({ event }) => event);
  }

  #own(node: WorldNode): Node {
    const own = this.nodes[node.index];
    if (!own) throw new Error(`no node ${node.index}`);
    return own;
  }

  #at(delayMs: number, run: () => void): void {
    this.#heap.add(this.#heap.now + delayMs, run);
  }

  #latency(): number {
    const [least, most] = this.#latencyMs;
    return least + this.#random.next() * (most - least);
  }

  #feed(node: Node, input: MembershipInput): void {
    for (const effect of node.core.handle(input, this.#heap.now)) this.#run(node, effect);
    this.#check(node);
  }

  /** An event of the link layer: at once, or when the process wakes up. */
  #tell(node: Node, event: LinkEvent): void {
    if (!node.running) return;
    if (node.paused) node.waiting.push(event);
    else this.#feed(node, event);
  }

  #run(node: Node, effect: MembershipEffect): void {
    switch (effect.type) {
      case "send": {
        const link = node.links.get(effect.to);
        if (!link) return;
        this.messages += 1;
        const { message } = effect;
        const tell: LinkEvent = { type: "message", from: node.id, boot: node.boot, message };
        this.#travel(link, node, (peer) => this.#tell(peer, tell));
        return;
      }
      case "connect":
        return this.#connect(node, effect.target);
      case "disconnect": {
        for (const [address, dial] of node.dials) {
          if (dial.target.id === effect.id) node.dials.delete(address);
        }
        const link = node.links.get(effect.id);
        const peer = link?.ends.find((end) => end !== node);
        if (link && peer?.boot === effect.boot) this.#closeEnd(link, node);
        return;
      }
      case "forget":
        node.dials.delete(effect.address);
        return;
      case "set-timer":
        return this.#setTimer(node, effect.timer, effect.delayMs);
      case "cancel-timer":
        node.timers.delete(effect.timer);
        return;
      case "event":
        return this.#record(node, effect.event);
      case "log":
      case "count":
      case "keep":
      case "neighbour":
      case "topology":
        return;
      default:
        effect satisfies never;
    }
  }

  #setTimer(node: Node, timer: string, delayMs: number): void {
    const token = {};
    node.timers.set(timer, { due: this.#heap.now + delayMs, token });
    this.#at(delayMs, () => {
      if (!node.running || node.timers.get(timer)?.token !== token) return;
      if (node.paused) {
        node.overdue.push(timer);
        return;
      }
      node.timers.delete(timer);
      this.#feed(node, { type: "timer", timer });
    });
  }

  #resume(node: Node): void {
    node.paused = false;
    for (const timer of node.overdue.splice(0)) {
      const pending = node.timers.get(timer);
      if (!node.running || !pending || pending.due > this.#heap.now) continue;
      node.timers.delete(timer);
      this.#feed(node, { type: "timer", timer });
    }
    for (const event of node.waiting.splice(0)) this.#tell(node, event);
  }

  #connect(node: Node, target: LinkTarget): void {
    if (node.dials.has(target.address)) return;
    const dial = { target, failures: 0 };
    node.dials.set(target.address, dial);
    this.#at(this.#latency(), () => this.#attempt(node, dial));
  }

  #attempt(node: Node, dial: Dial, waitedMs = 0): void {
    const { address } = dial.target;
    if (!node.running || node.dials.get(address) !== dial) return;
    if (node.paused) {
      this.#at(50, () => this.#attempt(node, dial, waitedMs));
      return;
    }
    const peer = this.nodes.findLast((other) => other.address === address);
    if (!peer) return this.#dialFails(node, dial, "ERR_DIAL_REFUSED");
    if (peer === node) return this.#dialFails(node, dial, "ERR_SELF_DIAL");
    if (this.#isCut(node, peer) || this.#isCut(peer, node) || peer.silent) {
      this.#at(1_000, () => this.#dialFails(node, dial, "ERR_DIAL_FAILED"));
      return;
    }
    if (!peer.running) return this.#dialFails(node, dial, "ERR_DIAL_REFUSED");
    if (peer.paused) {
      if (waitedMs >= 3_000) return this.#dialFails(node, dial, "ERR_HANDSHAKE_TIMEOUT");
      this.#at(50, () => this.#attempt(node, dial, waitedMs + 50));
      return;
    }
    node.dials.delete(address);
    const present = node.links.get(peer.id);
    if (present && present === peer.links.get(node.id)) return;
    this.#open(node, peer);
  }

  #open(dialler: Node, acceptor: Node): void {
    for (const [one, other] of [
      [dialler, acceptor],
      [acceptor, dialler],
    ] as const) {
      const old = one.links.get(other.id);
      if (old) this.#closeEnd(old, one, true);
    }
    const link: Link = {
      ends: [dialler, acceptor],
      open: [true, true],
      arrival: [0, 0],
      held: [[], []],
    };
    this.#links.push(link);
    for (const [one, other] of [
      [dialler, acceptor],
      [acceptor, dialler],
    ] as const) {
      one.links.set(other.id, link);
      one.dials.delete(other.address);
      const { id, boot, address } = other;
      this.#tell(one, { type: "link-up", id, boot, address, name: `n${other.index}` });
    }
  }

  #dialFails(node: Node, dial: Dial, code: string): void {
    const { address, id } = dial.target;
    if (!node.running || node.dials.get(address) !== dial) return;
    dial.failures += 1;
    this.#at(Math.min(5_000, 200 * 2 ** dial.failures), () => this.#attempt(node, dial));
    const known = id === undefined ? { address } : { id, address };
    if (code === "ERR_DIAL_REFUSED") this.#tell(node, { type: "dial-refused", ...known });
    else this.#tell(node, { type: "dial-failed", ...known, code });
  }

  /** Closes one end: it is told at once, the other one when that has travelled. */
  #closeEnd(link: Link, node: Node, now = false): void {
    const side = link.ends[0] === node ? 0 : 1;
    if (!link.open[side]) return;
    const peer = link.ends[1 - side] as Node;
    this.#travel(link, node, (other) => this.#ended(link, other));
    link.open[side] = false;
    if (now) this.#tellDown(link, node, peer);
    else this.#at(0, () => this.#tellDown(link, node, peer));
  }

  #ended(link: Link, node: Node): void {
    const side = link.ends[0] === node ? 0 : 1;
    if (!link.open[side]) return;
    link.open[side] = false;
    this.#tellDown(link, node, link.ends[1 - side] as Node);
  }

  #tellDown(link: Link, node: Node, peer: Node): void {
    if (node.links.get(peer.id) === link) node.links.delete(peer.id);
    this.#tell(node, { type: "link-down", id: peer.id, boot: peer.boot, reason: "lost" });
  }

  /** Brings something to the other end of a link: in order, later, and not through a cut. */
  #travel(link: Link, from: Node, arrive: (peer: Node) => void): void {
    const side = link.ends[0] === from ? 0 : 1;
    const peer = link.ends[1 - side] as Node;
    if (!link.open[side]) return;
    const deliver = (): void => {
      const at = Math.max(link.arrival[side], this.#heap.now + this.#latency());
      link.arrival[side] = at;
      this.#heap.add(at, () => {
        if (this.#isCut(from, peer)) link.held[side].push(() => this.#at(0, hand));
        else hand();
      });
    };
    const hand = (): void => {
      if (link.open[1 - side]) arrive(peer);
    };
    if (this.#isCut(from, peer)) link.held[side].push(deliver);
    else deliver();
  }

  #isCut(from: Node, to: Node): boolean {
    return this.#cuts.has(`${from.index}>${to.index}`);
  }

  /** Checks that the event may follow the ones before it. */
  #record(node: Node, event: MembershipEvent): void {
    node.events.push({ at: this.#heap.now, event });
    const { id, boot, status } = event.node;
    if (id === node.id) return;
    const before = node.shown.get(id);
    const where = `${event.type} of ${id}/${boot} at node ${node.index}, ${this.#heap.now} ms`;
    if (event.type === "node-down" || event.type === "node-left") {
      if (before?.boot !== boot) throw new Error(`ended without being up: ${where}`);
      if (node.links.get(id)?.ends.some((end) => end.id === id && end.boot === boot)) {
        if (event.type === "node-down") throw new Error(`down before its link ended: ${where}`);
      }
      if (event.type === "node-left") node.leftBoots.add(boot);
      node.shown.delete(id);
      return;
    }
    if (node.leftBoots.has(boot)) throw new Error(`up after it left: ${where}`);
    const first = event.type === "node-up" && event.previous !== "suspect";
    const returning = first && event.previous !== "draining";
    if (returning === (before !== undefined)) throw new Error(`up twice or never: ${where}`);
    if (before && before.boot !== boot) throw new Error(`two boots at once: ${where}`);
    node.shown.set(id, { boot, status });
  }

  /** Folding the events gives the list of members. */
  #check(node: Node): void {
    const listed = node.core.members().filter((member) => member.id !== node.id);
    const same = listed.every((member) => {
      const shown = node.shown.get(member.id);
      return shown?.boot === member.boot && shown.status === member.status;
    });
    if (!same || listed.length !== node.shown.size) {
      if (node.core.members().length === 0) return;
      throw new Error(`events and members() of node ${node.index} differ at ${this.#heap.now} ms`);
    }
  }
}
