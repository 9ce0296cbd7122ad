/**
 * PlumtreeWorld: many broadcast cores on a graph of links, in virtual time, from one seed.
 *
 * A link keeps order and loses nothing while it lasts. When it breaks, the last frames that were on
 * their way may be lost, each direction on its own, and when it comes back the last ones that had
 * arrived may come once more, as after a resumed connection. The two ends hear of a new link at
 * different times, so frames may come from who is no neighbour yet.
 *
 * Invariant checked while it runs: of one start of a node every other node delivers each message at
 * most once, in order.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { PlumtreeEffect, PlumtreeInput } from "../../../../src/protocol/plumtree/effects.js";
import type { PlumtreeMessage } from "../../../../src/protocol/plumtree/messages.js";
import { Plumtree, type PlumtreeOptions } from "../../../../src/protocol/plumtree/plumtree.js";
import { EventHeap } from "../../../support/event-heap.js";
import { bootOf, idOf } from "../../../support/membership-entries.js";

export interface TreeNode {
  readonly index: number;
  readonly id: NodeId;
  readonly boot: Boot;
  readonly core: Plumtree<string>;
  running: boolean;
  readonly links: Map<TreeNode, Link>;
  readonly timers: Map<string, object>;
  /** What was delivered, by origin: the last sequence number and how many. */
  readonly heard: Map<string, { last: number; count: number }>;
  readonly payloads: Set<string>;
  broadcasts: number;
}

interface Link {
  readonly ends: readonly [TreeNode, TreeNode];
  readonly latencyMs: number;
  open: boolean;
  /** When the last frame of each direction arrives. */
  readonly arrival: [number, number];
  /** Frames on their way, oldest first. */
  readonly flying: [Frame[], Frame[]];
  /** The last ones that arrived. */
  readonly landed: [PlumtreeMessage<string>[], PlumtreeMessage<string>[]];
}

interface Frame {
  readonly message: PlumtreeMessage<string>;
  lost: boolean;
}

export interface WorldOptions {
  readonly seed: number;
  /** One-way latency of a link, drawn once for each. @default [1, 30] */
  readonly latencyMs?: readonly [number, number];
  readonly core?: Pick<PlumtreeOptions<string>, "floodPublish" | "limits" | "times">;
}

const LANDED_MAX = 5;

export class PlumtreeWorld {
  readonly nodes: TreeNode[] = [];
  readonly random: Random;
  readonly counted = new Map<string, number>();
  /** Messages sent since the world began, by type. */
  readonly sent = new Map<string, number>();
  /** The most links any delivered message travelled; a test may set it back. */
  hopsMax = 0;
  timersFired = 0;
  readonly #byId = new Map<NodeId, TreeNode>();
  readonly #heap = new EventHeap();
  readonly #options: WorldOptions;
  #now = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed).fork("plumtree-world");
  }

  get now(): number {
    return this.#now;
  }

  add(): TreeNode {
    const index = this.nodes.length;
    const self = { id: idOf(index + 1), boot: bootOf(1) };
    const random = this.random.fork(`node-${index}`);
    const core = new Plumtree<string>({
      self,
      random,
      sizeOf: (payload) => payload.length,
      ...this.#options.core,
    });
    const node: TreeNode = {
      index,
      ...self,
      core,
      running: true,
      links: new Map(),
      timers: new Map(),
      heard: new Map(),
      payloads: new Set(),
      broadcasts: 0,
    };
    this.nodes.push(node);
    this.#byId.set(node.id, node);
    this.#feed(node, { type: "start" });
    return node;
  }

  /** `count` nodes in one random connected graph: a random tree, and random links beside it. */
  addGraph(count: number, linksEach: number): TreeNode[] {
    const nodes = Array.from({ length: count }, () => this.add());
    for (let i = 1; i < count; i += 1) this.link(this.at(i), this.at(this.below(i)));
    const more = Math.floor((count * linksEach) / 2) - (count - 1);
    for (let i = 0; i < more; i += 1) this.link(this.pick(nodes), this.pick(nodes));
    return nodes;
  }

  at(index: number): TreeNode {
    const node = this.nodes[index];
    if (node === undefined) throw new Error(`no node ${index}`);
    return node;
  }

  below(bound: number): number {
    return this.random.uint32() % bound;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  running(): TreeNode[] {
    return this.nodes.filter((node) => node.running);
  }

  /** A new link, if there is none; `repeated`: frames of the one before come once more. */
  link(a: TreeNode, b: TreeNode, repeated: readonly PlumtreeMessage<string>[] = []): void {
    if (a === b || !a.running || !b.running || a.links.has(b)) return;
    const [least, most] = this.#options.latencyMs ?? [1, 30];
    const link: Link = {
      ends: [a, b],
      latencyMs: least + this.random.next() * (most - least),
      open: true,
      arrival: [0, 0],
      flying: [[], []],
      landed: [[], []],
    };
    a.links.set(b, link);
    b.links.set(a, link);
    for (const message of repeated) this.#fly(link, a, message);
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#at(this.random.next() * 2 * link.latencyMs, () => {
        if (link.open && one.running) this.#feed(one, { type: "neighbor-up", id: other.id });
      });
    }
  }

  /** Breaks a link; gives what would be repeated on the next one from `a` to `b`. */
  cut(a: TreeNode, b: TreeNode): readonly PlumtreeMessage<string>[] {
    const link = a.links.get(b);
    if (link === undefined) return [];
    link.open = false;
    a.links.delete(b);
    b.links.delete(a);
    for (const side of [0, 1] as const) {
      const { flying } = link;
      const kept = this.below(flying[side].length + 1);
      for (const frame of flying[side].slice(kept)) frame.lost = true;
      const end = link.ends[1 - side] as TreeNode;
      const gone = link.ends[side] as TreeNode;
      this.#heap.add(Math.max(this.#now, link.arrival[side]), () => {
        // A link that is back already was reported by its own end.
        if (end.running) this.#feed(end, { type: "neighbor-down", id: gone.id });
        if (end.running && end.links.has(gone)) {
          this.#feed(end, { type: "neighbor-up", id: gone.id });
        }
      });
    }
    const side = link.ends[0] === a ? 0 : 1;
    return link.landed[side];
  }

  crash(node: TreeNode): void {
    node.running = false;
    for (const peer of [...node.links.keys()]) this.cut(node, peer);
  }

  broadcast(node: TreeNode, payload = ""): void {
    node.broadcasts += 1;
    const text = `${node.index}:${node.broadcasts}${payload}`;
    node.payloads.add(text);
    this.#feed(node, { type: "broadcast", payload: text });
  }

  feed(node: TreeNode, input: PlumtreeInput<string>): void {
    this.#feed(node, input);
  }

  /** Lets virtual time pass. */
  run(ms: number): void {
    const end = this.#now + ms;
    while (this.#heap.nextAt <= end) {
      const next = this.#heap.pop();
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }

  /** Lets time pass until nothing is left to happen; gives the milliseconds. */
  runOut(): number {
    const start = this.#now;
    while (this.#heap.nextAt < Number.POSITIVE_INFINITY) this.run(this.#heap.nextAt - this.#now);
    return this.#now - start;
  }

  /** Running nodes that a node reaches over links. */
  componentOf(node: TreeNode): Set<TreeNode> {
    const found = new Set([node]);
    for (const each of found) for (const peer of each.links.keys()) found.add(peer);
    return found;
  }

  /** Links, each once, of which the two ends disagree whether it is eager. */
  asymmetric(): string[] {
    const found: string[] = [];
    for (const node of this.running()) {
      for (const peer of node.links.keys()) {
        const here = node.core.eager.includes(peer.id);
        const there = peer.core.eager.includes(node.id);
        if (node.index < peer.index && here !== there) found.push(`${node.index}-${peer.index}`);
      }
    }
    return found;
  }

  countOf(counter: string): number {
    return this.counted.get(counter) ?? 0;
  }

  sentOf(type: PlumtreeMessage<string>["type"]): number {
    return this.sent.get(type) ?? 0;
  }

  #at(delayMs: number, run: () => void): void {
    this.#heap.add(this.#now + delayMs, run);
  }

  #feed(node: TreeNode, input: PlumtreeInput<string>): void {
    for (const effect of node.core.handle(input, this.#now)) this.#run(node, effect);
  }

  #run(node: TreeNode, effect: PlumtreeEffect<string>): void {
    switch (effect.type) {
      case "send": {
        const peer = this.#byId.get(effect.to);
        const link = peer && node.links.get(peer);
        if (link?.open !== true) return;
        const { type } = effect.message;
        this.sent.set(type, this.sentOf(type) + 1);
        this.#fly(link, node, effect.message);
        return;
      }
      case "deliver":
        return this.#deliver(node, effect);
      case "set-timer": {
        const token = {};
        node.timers.set(effect.timer, token);
        this.#at(effect.delayMs, () => {
          if (!node.running || node.timers.get(effect.timer) !== token) return;
          node.timers.delete(effect.timer);
          this.timersFired += 1;
          this.#feed(node, { type: "timer", timer: effect.timer });
        });
        return;
      }
      case "cancel-timer":
        node.timers.delete(effect.timer);
        return;
      case "count":
        this.counted.set(effect.counter, this.countOf(effect.counter) + (effect.amount ?? 1));
        return;
      default:
        effect satisfies never;
    }
  }

  #fly(link: Link, from: TreeNode, message: PlumtreeMessage<string>): void {
    const side = link.ends[0] === from ? 0 : 1;
    const to = link.ends[1 - side] as TreeNode;
    const frame = { message, lost: false };
    const at = Math.max(link.arrival[side], this.#now + link.latencyMs);
    link.arrival[side] = at;
    link.flying[side].push(frame);
    this.#heap.add(at, () => {
      const flying = link.flying[side];
      flying.splice(flying.indexOf(frame), 1);
      if (frame.lost || !to.running) return;
      const landed = link.landed[side];
      landed.push(message);
      if (landed.length > LANDED_MAX) landed.shift();
      this.#feed(to, { type: "message", from: from.id, message });
    });
  }

  #deliver(node: TreeNode, effect: PlumtreeEffect<string> & { readonly type: "deliver" }): void {
    const { origin, boot, seq, hop, payload } = effect;
    const heard = node.heard.get(origin + boot) ?? { last: 0, count: 0 };
    if (origin === node.id) throw new Error(`node ${node.index} delivered its own ${payload}`);
    if (seq <= heard.last) {
      throw new Error(`node ${node.index} delivered ${payload} after ${heard.last}`);
    }
    if (node.payloads.has(payload)) throw new Error(`node ${node.index}: ${payload} twice`);
    node.heard.set(origin + boot, { last: seq, count: heard.count + 1 });
    node.payloads.add(payload);
    this.hopsMax = Math.max(this.hopsMax, hop);
  }
}
