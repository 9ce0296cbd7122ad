/**
 * World: many HyParView cores on a virtual network, from one seed.
 *
 * Links behave like those of the link layer: one for a pair of nodes, in order and lossless while
 * it stands; both ends hear of its beginning and end, each at its own time. A release closes the
 * link at once, whatever the other end thinks: the harshest owner there can be. A killed node's
 * links break and dials to it fail; a silent one is only found out by the directory, which also
 * says who is gone and who is back.
 *
 * Invariants checked after each input, for that node: its neighbour events alternate and folding
 * them gives its active view; it sends only over links that are up, dials nobody twice at once and
 * nobody that is gone; its views are within their sizes, have nobody in common and not itself.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type {
  HyParViewCounter,
  HyParViewEffect,
  HyParViewInput,
} from "../../../../src/protocol/hyparview/effects.js";
import { HyParView } from "../../../../src/protocol/hyparview/hyparview.js";
import {
  hyparviewLimits,
  type HyParViewLimits,
} from "../../../../src/protocol/hyparview/limits.js";
import { decode, encode, sizeOf } from "../../../../src/protocol/hyparview/wire.js";
import { EventHeap } from "../../../support/event-heap.js";
import { idOf } from "../../../support/membership-entries.js";

export interface WorldOptions {
  readonly seed: number;
  readonly limits?: Partial<HyParViewLimits>;
  /** The cores may ask a directory for random members. @default false */
  readonly directory?: boolean;
  readonly xbot?: boolean;
}

export interface WorldNode {
  readonly number: number;
  readonly id: NodeId;
  core: HyParView;
  running: boolean;
  /** Its place on a line, for round trips. */
  readonly place: number;
}

interface Node extends WorldNode {
  timers: Map<string, object>;
  links: Map<number, Link>;
  dials: Map<number, { isOpen: boolean }>;
  neighbors: Set<NodeId>;
  gone: Set<NodeId>;
}

/** `up`: each end has heard of it. `arrival`: of the last thing under way to each end. */
interface Link {
  readonly ends: readonly [Node, Node];
  readonly up: [boolean, boolean];
  readonly arrival: [number, number];
  closed: boolean;
}

const LATENCY_MS = [5, 40] as const;
const DIAL_FAILS_MS = 1_000;
const GONE_MS = 5_000;
/** What a frame adds to a message. */
const FRAME_BYTES = 12;

export class World {
  readonly nodes: Node[] = [];
  readonly counts = new Map<HyParViewCounter, number>();
  messages = 0;
  bytes = 0;
  dials = 0;
  /** A hash of everything that happened. */
  trace = 0x811c9dc5;
  #now = 0;
  #inFlight = 0;
  #side: (node: WorldNode) => number = () => 0;
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #heap = new EventHeap();
  readonly #limits: HyParViewLimits;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed).fork("world");
    this.#limits = { ...hyparviewLimits, ...options.limits };
  }

  get now(): number {
    return this.#now;
  }

  running(): Node[] {
    return this.nodes.filter(({ running }) => running);
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random.next() * items.length)] as T;
  }

  chance(): number {
    return this.#random.next();
  }

  /** Starts a node that joins through the contacts. */
  start(...contacts: WorldNode[]): Node {
    const number = this.nodes.length + 1;
    const node: Node = {
      number,
      id: idOf(number),
      place: this.#random.next(),
      core: undefined as unknown as HyParView,
      running: true,
      timers: new Map(),
      links: new Map(),
      dials: new Map(),
      neighbors: new Set(),
      gone: new Set(),
    };
    this.nodes.push(node);
    this.#boot(node, contacts);
    return node;
  }

  /** Starts `count` nodes, `everyMs` apart; each joins through the first one. */
  startAll(count: number, everyMs = 20): Node[] {
    const first = this.start();
    const all = [first];
    for (let more = 1; more < count; more += 1) {
      this.run(everyMs);
      all.push(this.start(first));
    }
    return all;
  }

  /** The same id, a new process. */
  restart(node: WorldNode, ...contacts: WorldNode[]): void {
    const own = this.#own(node);
    for (const link of own.links.values()) this.#close(link, own);
    own.links.clear();
    own.running = true;
    own.gone.clear();
    own.neighbors.clear();
    this.#boot(own, contacts);
    this.#announce(own, "back", 500);
  }

  /** The process ends. `silent`: its host too, so that no link breaks by itself. */
  kill(node: WorldNode, { silent = false } = {}): void {
    const dead = this.#own(node);
    dead.running = false;
    dead.timers.clear();
    dead.dials.clear();
    for (const link of dead.links.values()) {
      if (silent) this.#after(GONE_MS * 2, () => this.#close(link, dead));
      else this.#close(link, dead);
    }
    this.#announce(dead, "gone", GONE_MS);
  }

  leave(node: WorldNode): void {
    const leaver = this.#own(node);
    this.#feed(leaver, { type: "leave" });
    this.#after(200, () => {
      if (leaver.running) this.kill(leaver);
    });
  }

  breakLink(a: WorldNode, b: WorldNode): void {
    const link = this.#own(a).links.get(b.number);
    if (link) this.#close(link, this.#own(a));
  }

  /** Nodes of different sides lose their links and cannot dial; the directory calls them gone. */
  partition(side: (node: WorldNode) => number): void {
    this.#side = side;
    for (const node of this.nodes) {
      for (const link of node.links.values()) {
        if (side(link.ends[0]) !== side(link.ends[1])) this.#close(link, node);
      }
    }
    this.#after(GONE_MS, () => this.#tellSides("gone", side));
  }

  heal(): void {
    const side = this.#side;
    this.#side = () => 0;
    this.#after(GONE_MS, () => this.#tellSides("back", side));
  }

  run(ms: number): void {
    const end = this.#now + ms;
    while (this.#heap.nextAt <= end) this.#step();
    this.#now = end;
  }

  /** Runs until the condition holds; how long that took, or undefined when it never did. */
  runUntil(condition: () => boolean, withinMs: number): number | undefined {
    const begin = this.#now;
    const end = begin + withinMs;
    for (;;) {
      if (condition()) return this.#now - begin;
      if (this.#heap.nextAt > end) return undefined;
      this.#step();
    }
  }

  /** Nothing is under way, every view is symmetric, alive and known on both sides. */
  isSound(): boolean {
    return this.#inFlight === 0 && this.isConnected() && this.oneSided() === 0 && !this.hasDead();
  }

  isConnected(): boolean {
    return this.components() === 1;
  }

  /** How many parts the running nodes fall into, by edges that both sides hold. */
  components(): number {
    const running = this.running();
    const byId = new Map(running.map((node) => [node.id, node]));
    const reached = new Set<Node>();
    let parts = 0;
    for (const root of running) {
      if (reached.has(root)) continue;
      parts += 1;
      const queue = [root];
      for (let node = queue.pop(); node; node = queue.pop()) {
        if (reached.has(node)) continue;
        reached.add(node);
        for (const id of node.core.active) {
          const other = byId.get(id);
          if (other?.core.isNeighbor(node.id)) queue.push(other);
        }
      }
    }
    return parts;
  }

  oneSided(): number {
    const byId = new Map(this.nodes.map((node) => [node.id, node]));
    return this.running().reduce((sum, node) => {
      const alone = node.core.active.filter((id) => !byId.get(id)?.core.isNeighbor(node.id));
      return sum + alone.length;
    }, 0);
  }

  /** True while somebody has a node that does not run in one of its views. */
  hasDead(): boolean {
    const dead = new Set(this.nodes.filter(({ running }) => !running).map(({ id }) => id));
    if (dead.size === 0) return false;
    return this.running().some(({ core }) =>
      [...core.active, ...core.passive].some((id) => dead.has(id)),
    );
  }

  /** How many have so many neighbours, by number of neighbours. */
  degrees(): number[] {
    const degrees: number[] = [];
    for (const { core } of this.running()) {
      degrees[core.active.length] = (degrees[core.active.length] ?? 0) + 1;
    }
    return Array.from(degrees, (count) => count ?? 0);
  }

  #boot(node: Node, contacts: readonly WorldNode[]): void {
    const { limits, directory = false, xbot = false } = this.#options;
    const random = this.#random.fork(`node-${node.number}-${this.#now}`);
    node.core = new HyParView({
      self: node.id,
      random,
      xbot,
      roundTripMs: (id) => Math.abs(node.place - this.#byId(id).place) * 100,
      ...(limits ? { limits } : {}),
      ...(directory ? { candidates: (count) => this.#draw(random, count) } : {}),
    });
    this.#feed(node, { type: "start" });
    if (contacts.length > 0) {
      this.#feed(node, { type: "join", contacts: contacts.map(({ id }) => id) });
    }
    // The directory tells a newcomer who is gone, too.
    const { core } = node;
    this.#after(GONE_MS * (0.5 + this.#random.next()), () => {
      if (!node.running || node.core !== core) return;
      for (const other of this.nodes) if (!other.running) this.#tell(node, "gone", other);
    });
  }

  #draw(random: Random, count: number): NodeId[] {
    const running = this.running();
    return Array.from(
      { length: count },
      () => (running[Math.floor(random.next() * running.length)] as Node).id,
    );
  }

  #step(): void {
    const event = this.#heap.pop();
    if (!event) return;
    this.#now = Math.max(this.#now, event.at);
    event.run();
  }

  #after(ms: number, run: () => void): void {
    this.#heap.add(this.#now + ms, run);
  }

  #latency(): number {
    return LATENCY_MS[0] + this.#random.next() * (LATENCY_MS[1] - LATENCY_MS[0]);
  }

  #announce(subject: Node, type: "gone" | "back", ms: number): void {
    for (const node of this.nodes) {
      this.#after(ms * (0.5 + this.#random.next()), () => {
        if (node.running && subject.running === (type === "back")) this.#tell(node, type, subject);
      });
    }
  }

  #tellSides(type: "gone" | "back", side: (node: WorldNode) => number): void {
    for (const node of this.running()) {
      for (const other of this.running()) {
        if (side(node) !== side(other)) this.#tell(node, type, other);
      }
    }
  }

  #tell(node: Node, type: "gone" | "back", subject: Node): void {
    if (type === "gone") node.gone.add(subject.id);
    else node.gone.delete(subject.id);
    this.#feed(node, { type, id: subject.id });
  }

  #feed(node: Node, input: HyParViewInput): void {
    const subject = "id" in input ? input.id : "from" in input ? input.from : node.id;
    this.#note(this.#now, node.number, input.type.length, this.#byId(subject).number);
    const effects = node.core.handle(input, this.#now);
    for (const effect of effects) this.#perform(node, effect);
    this.#check(node);
  }

  #perform(node: Node, effect: HyParViewEffect): void {
    switch (effect.type) {
      case "send": {
        const link = node.links.get(this.#byId(effect.to).number);
        if (!link?.up[endOf(link, node)]) throw new Error(`${node.number} sends without a link`);
        this.messages += 1;
        this.bytes += sizeOf(effect.message) + FRAME_BYTES;
        const message = decode(encode(effect.message));
        if (message === undefined) throw new Error(`${node.number} sends what is no message`);
        this.#carry(link, node, (to) =>
          this.#feed(to, { type: "message", from: node.id, message }),
        );
        return;
      }
      case "connect":
        return this.#dial(node, this.#byId(effect.to));
      case "release": {
        const to = this.#byId(effect.to).number;
        node.dials.delete(to);
        const link = node.links.get(to);
        if (link) this.#close(link, node);
        return;
      }
      case "neighbor-up":
        if (node.neighbors.has(effect.id)) throw new Error("up twice");
        node.neighbors.add(effect.id);
        return;
      case "neighbor-down":
        if (!node.neighbors.delete(effect.id)) throw new Error("down twice");
        return;
      case "set-timer": {
        const token = {};
        const { timer } = effect;
        node.timers.set(timer, token);
        this.#after(effect.delayMs, () => {
          if (node.timers.get(timer) !== token) return;
          node.timers.delete(timer);
          this.#feed(node, { type: "timer", timer });
        });
        return;
      }
      case "cancel-timer":
        node.timers.delete(effect.timer);
        return;
      case "count":
        this.counts.set(effect.counter, (this.counts.get(effect.counter) ?? 0) + 1);
    }
  }

  #dial(from: Node, to: Node): void {
    if (from.dials.has(to.number)) throw new Error(`${from.number} dials ${to.number} twice`);
    if (from.links.get(to.number)?.up[endOf(from.links.get(to.number) as Link, from)]) {
      throw new Error("dials over a link that is up");
    }
    if (from.gone.has(to.id)) throw new Error("dials a node that is gone");
    this.dials += 1;
    const dial = { isOpen: true };
    from.dials.set(to.number, dial);
    const answers = to.running && this.#side(from) === this.#side(to);
    this.#inFlight += 1;
    this.#after(answers ? this.#latency() : this.#latency() + DIAL_FAILS_MS, () => {
      this.#inFlight -= 1;
      if (!from.running || from.dials.get(to.number) !== dial) return;
      if (from.links.has(to.number)) return;
      if (!answers || !to.running || to.links.has(from.number)) {
        from.dials.delete(to.number);
        this.#feed(from, { type: "dial-failed", id: to.id });
        return;
      }
      this.#open(from, to);
    });
  }

  #open(from: Node, to: Node): void {
    const link: Link = { ends: [to, from], up: [false, false], arrival: [0, 0], closed: false };
    to.links.set(from.number, link);
    from.links.set(to.number, link);
    for (const [own, other] of [[to, from] as const, [from, to] as const]) {
      this.#carry(link, other, () => {
        link.up[endOf(link, own)] = true;
        own.dials.delete(other.number);
        own.gone.delete(other.id);
        this.#feed(own, { type: "link-up", id: other.id });
      });
    }
  }

  /** Whatever happens at the other end of the link next, after all that is under way to it. */
  #carry(link: Link, from: Node, arrive: (to: Node) => void): void {
    const end = 1 - endOf(link, from);
    const to = link.ends[end] as Node;
    const at = Math.max(this.#now + this.#latency(), link.arrival[end] as number);
    link.arrival[end] = at;
    this.#inFlight += 1;
    this.#heap.add(at, () => {
      this.#inFlight -= 1;
      if (to.running && to.links.get(from.number) === link) arrive(to);
    });
  }

  #close(link: Link, by: Node): void {
    if (link.closed) return;
    link.closed = true;
    const other = link.ends[1 - endOf(link, by)] as Node;
    const end = (own: Node, peer: Node): void => {
      const wasUp = link.up[endOf(link, own)];
      own.links.delete(peer.number);
      if (wasUp) return this.#feed(own, { type: "link-down", id: peer.id });
      if (!own.dials.delete(peer.number)) return;
      this.#feed(own, { type: "dial-failed", id: peer.id });
    };
    this.#carry(link, by, (own) => end(own, by));
    this.#inFlight += 1;
    this.#after(0, () => {
      this.#inFlight -= 1;
      if (by.links.get(other.number) !== link) return;
      if (by.running) end(by, other);
      else by.links.delete(other.number);
    });
  }

  #check(node: Node): void {
    const { active, passive } = node.core;
    const where = `node ${node.number} at ${this.#now}`;
    if (active.length > this.#limits.activeMax) throw new Error(`too many neighbours, ${where}`);
    if (passive.length > this.#limits.passiveMax) throw new Error(`too many others, ${where}`);
    const all = new Set<NodeId>([...active, ...passive]);
    if (all.size !== active.length + passive.length) throw new Error(`somebody twice, ${where}`);
    if (all.has(node.id)) throw new Error(`itself in a view, ${where}`);
    const agree = active.every((id) => node.neighbors.has(id));
    if (!agree || node.neighbors.size !== active.length) throw new Error(`events lie, ${where}`);
    for (const id of active) {
      const link = node.links.get(this.#byId(id).number);
      if (!link?.up[endOf(link, node)]) throw new Error(`a neighbour without a link, ${where}`);
    }
    for (const id of all) if (node.gone.has(id)) throw new Error(`knows a gone node, ${where}`);
  }

  #note(...values: readonly number[]): void {
    for (const value of values) this.trace = Math.imul(this.trace ^ (value * 1_024), 0x01000193);
  }

  #byId(id: NodeId): Node {
    return this.nodes[Number.parseInt(id, 16) - 1] as Node;
  }

  #own(node: WorldNode): Node {
    return this.nodes[node.number - 1] as Node;
  }
}

function endOf(link: Link, node: Node): 0 | 1 {
  return link.ends[0] === node ? 0 : 1;
}
