/**
 * MemoryCluster: N nodes with Messenger, Membership and Broadcast over virtual time, and the faults between them.
 *
 * It is the twin for everything above the overlay: registry, pubsub, replicated state. Every pair of nodes has one
 * ordered way; a death travels on it behind the dead node's last message, so `node-down` keeps its promise. Payloads go
 * through the codec, so nothing is shared between nodes. A message sent over a cut way is lost; after `detectionMs` both
 * sides hold each other for down, and after `heal` both come up again with the same boot.
 */
import { createCodec } from "../codec/codec.js";
import { createBoot, createNodeId, type Boot, type NodeId } from "../ids/node-id.js";
import type { Broadcast } from "../ports/broadcast.js";
import type { Clock } from "../ports/clock.js";
import type { Codec } from "../ports/codec.js";
import type { Member, Membership } from "../ports/membership.js";
import type { Messenger } from "../ports/messenger.js";
import type { Random } from "../ports/random.js";
import { testingLimits } from "./limits.js";
import { MemoryNode } from "./memory-node.js";
import { MemoryWay } from "./memory-way.js";
import { seededRandom } from "./seeded-random.js";

export interface MemoryClusterOptions {
  readonly clock: Clock;
  /** How many nodes, or their names. @default 3 */
  readonly nodes?: number | readonly string[];
  /** @default a fixed seed */
  readonly random?: Random;
  /** One-way latency in milliseconds. @default 1 */
  readonly latencyMs?: number;
  /** How long a crash or a cut goes unnoticed. @default 0 */
  readonly detectionMs?: number;
  /** @default createCodec() */
  readonly codec?: Codec;
  /** @default 8_388_608 */
  readonly queueBytesMax?: number;
  /** @default 1_048_576 */
  readonly messageBytesMax?: number;
}

/** One node: what a package under test is given. */
export interface MemoryClusterNode {
  readonly id: NodeId;
  readonly boot: Boot;
  readonly name: string;
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly broadcast: Broadcast;
}

/** A node by its position, its name or itself. */
export type NodeChoice = number | string | MemoryClusterNode;

export interface MemoryCluster {
  /** The running nodes, in the order they were started. A restarted node takes its old place. */
  readonly nodes: readonly MemoryClusterNode[];
  node(choice: NodeChoice): MemoryClusterNode;
  /** Starts one more node; the others see `node-up` after the latency. */
  add(options?: { readonly name?: string; readonly roles?: readonly string[] }): MemoryClusterNode;
  /** Kills a node. Nothing of it runs any more and its promises never settle. */
  down(choice: NodeChoice, reason?: string): void;
  /** Starts a killed or running node again: same id, newer boot, new ports, no handlers. */
  restart(choice: NodeChoice): MemoryClusterNode;
  /** The node takes no new work: the others see `node-draining`. */
  drain(choice: NodeChoice): void;
  /** The node leaves: the others see `node-left` after its last message; its ports are closed. */
  leave(choice: NodeChoice): void;
  /** The others suspect the node; `well` ends it. */
  suspect(choice: NodeChoice): void;
  well(choice: NodeChoice): void;
  /** Cuts every way between the two groups. Without the second, between the first and all the others. */
  partition(group: readonly NodeChoice[], others?: readonly NodeChoice[]): void;
  /** Ends every cut; nodes that held each other for down come up again. */
  heal(): void;
  /** How many messages, requests, replies and cancellations went from node to node, by subject. */
  readonly sent: ReadonlyMap<string, number>;
}

/**
 * Nodes in memory that are members of one cluster from the start.
 *
 * @example
 * ```ts
 * import { memoryCluster, virtualClock } from "@foundation/core/testing"
 *
 * const clock = virtualClock()
 * const cluster = memoryCluster({ clock, nodes: ["a", "b"] })
 * cluster.node("b").messenger.handle("greet", ({ payload }) => `hello ${payload}`)
 * const route = { to: cluster.node("b").id, channel: "data", subject: "greet" }
 * console.log(await clock.run(cluster.node("a").messenger.request(route, "ann"))) // hello ann
 * ```
 */
export function memoryCluster(options: MemoryClusterOptions): MemoryCluster {
  return new ClusterWorld(options);
}

export class ClusterWorld implements MemoryCluster {
  readonly clock: Clock;
  readonly codec: Codec;
  readonly queueBytesMax: number;
  readonly messageBytesMax: number;
  readonly sent = new Map<string, number>();
  readonly #latencyMs: number;
  readonly #detectionMs: number;
  readonly #random: Random;
  readonly #nodes: MemoryNode[] = [];
  readonly #cuts = new Set<string>();
  /** By the two nodes, then by channel. */
  readonly #ways = new Map<string, Map<string, MemoryWay>>();
  #boots = 0;

  constructor(options: MemoryClusterOptions) {
    this.clock = options.clock;
    this.codec = options.codec ?? createCodec();
    this.queueBytesMax = options.queueBytesMax ?? testingLimits.queueBytesMax;
    this.messageBytesMax = options.messageBytesMax ?? testingLimits.messageBytesMax;
    this.#latencyMs = options.latencyMs ?? 1;
    this.#detectionMs = options.detectionMs ?? 0;
    this.#random = options.random ?? seededRandom("memory-cluster");
    const wanted = options.nodes ?? 3;
    const names = typeof wanted === "number" ? Array.from({ length: wanted }, nameOf) : wanted;
    for (const name of names) this.#nodes.push(this.#create(name, []));
    for (const node of this.#nodes) {
      for (const other of this.#nodes) if (other !== node) node.know(other.self);
    }
  }

  get nodes(): readonly MemoryNode[] {
    return this.#nodes.filter((node) => node.running);
  }

  node(choice: NodeChoice): MemoryNode {
    const found = this.#nodes.find(
      (node, i) => node === choice || node.name === choice || i === choice || node.id === choice,
    );
    if (!found)
      throw new Error(
        `The memory cluster has no node ${typeof choice === "object" ? choice.name : choice}`,
      );
    return found;
  }

  add(options: { readonly name?: string; readonly roles?: readonly string[] } = {}): MemoryNode {
    const name = options.name ?? nameOf(undefined, this.#nodes.length);
    const node = this.#create(name, options.roles ?? []);
    this.#nodes.push(node);
    this.#introduce(node);
    return node;
  }

  down(choice: NodeChoice, reason = "the process ended"): void {
    const node = this.node(choice);
    if (!node.running) return;
    node.stop();
    for (const other of this.nodes) {
      this.#tell(node, other, () => other.lose(node.self, reason), this.#detectionMs);
    }
  }

  restart(choice: NodeChoice): MemoryNode {
    const old = this.node(choice);
    this.down(old, "the process restarted");
    const node = this.#create(old.name, old.self.roles, old.id);
    this.#nodes[this.#nodes.indexOf(old)] = node;
    this.#introduce(node);
    return node;
  }

  drain(choice: NodeChoice): void {
    const node = this.node(choice);
    node.drain();
    for (const other of this.nodes) {
      if (other !== node) this.#tell(node, other, () => other.learn(node.self));
    }
  }

  leave(choice: NodeChoice): void {
    const node = this.node(choice);
    if (!node.running) return;
    for (const other of this.nodes) {
      if (other !== node) this.#tell(node, other, () => other.seeOff(node.self));
    }
    node.leave();
  }

  suspect(choice: NodeChoice): void {
    const node = this.node(choice);
    for (const other of this.nodes)
      if (other !== node) other.learn({ ...node.self, status: "suspect" });
  }

  well(choice: NodeChoice): void {
    const node = this.node(choice);
    for (const other of this.nodes) if (other !== node) other.learn(node.self);
  }

  partition(group: readonly NodeChoice[], others?: readonly NodeChoice[]): void {
    const left = group.map((choice) => this.node(choice));
    const right =
      others?.map((choice) => this.node(choice)) ??
      this.nodes.filter((node) => !left.includes(node));
    for (const a of left) {
      for (const b of right) {
        this.#cuts.add(wayOf(a, b)).add(wayOf(b, a));
        this.clock.setTimer(this.#detectionMs, () => {
          if (!this.#cuts.has(wayOf(a, b))) return;
          if (a.running && b.running) a.lose(b.self, "unreachable");
          if (a.running && b.running) b.lose(a.self, "unreachable");
        });
      }
    }
  }

  heal(): void {
    this.#cuts.clear();
    for (const node of this.nodes) {
      for (const other of this.nodes) {
        if (other === node || node.membership.member(other.id)?.boot === other.boot) continue;
        this.#tell(other, node, () => node.learn(other.self));
      }
    }
  }

  /** True when bytes from one node reach the other at the moment. */
  connected(from: MemoryNode, to: MemoryNode): boolean {
    return from === to || !this.#cuts.has(wayOf(from, to));
  }

  /** The running node of that id, as `from` knows it. */
  find(id: NodeId): MemoryNode | undefined {
    return this.#nodes.find((node) => node.id === id && node.running);
  }

  /** The way of one channel from one node to another. */
  way(from: { readonly id: NodeId }, to: { readonly id: NodeId }, channel: string): MemoryWay {
    const ways = this.#waysOf(from, to);
    let way = ways.get(channel);
    if (!way) {
      way = new MemoryWay(this.clock, this.queueBytesMax);
      ways.set(channel, way);
    }
    return way;
  }

  /** Runs `arrive` at the other node when the bytes have travelled; what is on the way to a cut or a dead node is lost. */
  carry(
    from: MemoryNode,
    to: MemoryNode,
    channel: string,
    sizeBytes: number,
    arrive: () => void,
  ): void {
    const delayMs = from === to ? 0 : this.#latencyMs;
    this.way(from, to, channel).post(sizeBytes, delayMs, () => {
      if (to.running && this.connected(from, to)) arrive();
    });
  }

  /** Runs `arrive` after everything on any way to the other node: news of membership come last. */
  #tell(from: MemoryNode, to: MemoryNode, arrive: () => void, extraMs = 0): void {
    const news = this.way(from, to, NEWS);
    for (const way of this.#waysOf(from, to).values()) {
      news.lastArrivalMs = Math.max(news.lastArrivalMs, way.lastArrivalMs);
    }
    news.post(0, this.#latencyMs + extraMs, () => {
      if (to.running) arrive();
    });
  }

  count(subject: string): void {
    this.sent.set(subject, (this.sent.get(subject) ?? 0) + 1);
  }

  #waysOf(from: { readonly id: NodeId }, to: { readonly id: NodeId }): Map<string, MemoryWay> {
    const key = wayOf(from, to);
    let ways = this.#ways.get(key);
    if (!ways) {
      ways = new Map();
      this.#ways.set(key, ways);
    }
    return ways;
  }

  #create(name: string, roles: readonly string[], id?: NodeId): MemoryNode {
    const random = this.#random.fork(`${name}#${this.#boots}`);
    const self: Member = {
      id: id ?? createNodeId(random),
      boot: createBoot(++this.#boots, random),
      name,
      address: `memory://${name}`,
      roles,
      labels: {},
      status: "alive",
    };
    return new MemoryNode(this, self);
  }

  /** Tells a newcomer of the others and the others of it. */
  #introduce(node: MemoryNode): void {
    for (const other of this.nodes) {
      if (other === node) continue;
      this.#tell(other, node, () => node.learn(other.self));
      this.#tell(node, other, () => other.learn(node.self));
    }
  }
}

/** The channel of what nodes find out by themselves. */
const NEWS = "news of membership";

function nameOf(_: unknown, index: number): string {
  return `node-${index + 1}`;
}

function wayOf(from: { readonly id: NodeId }, to: { readonly id: NodeId }): string {
  return `${from.id}>${to.id}`;
}
