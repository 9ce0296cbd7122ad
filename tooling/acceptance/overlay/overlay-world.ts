/**
 * OverlayWorld: thousands of nodes' HyParView and Plumtree cores in virtual time, and nothing else.
 *
 * One synchronous loop over events ordered by (time, sequence), in whole milliseconds. A seed decides everything:
 * identities, latencies of 10 to 50 ms between each two nodes, when a crash is noticed, and what the cores draw. What a
 * core does that it must not is kept as a finding.
 */
import { createBoot, createNodeId, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import type { HyParViewOptions } from "../../../packages/overlay/src/protocol/hyparview/hyparview.js";
import type { PlumtreeOptions } from "../../../packages/overlay/src/protocol/plumtree/plumtree.js";
import { Broadcast } from "./broadcast.js";
import { EventRing } from "./event-ring.js";
import { Graph } from "./graph.js";
import type { Due } from "./link.js";
import { Meter } from "./meter.js";
import { OverlayNode } from "./overlay-node.js";
import { SharedDirectory } from "./shared-directory.js";

/** What the cores are given beside their defaults. */
export interface CoreSettings {
  readonly view?: Pick<HyParViewOptions, "limits" | "times" | "chances" | "xbot">;
  readonly tree?: Pick<PlumtreeOptions<Broadcast>, "limits" | "times" | "floodPublish">;
}

/** Between each two nodes, in milliseconds; the same both ways. */
const LATENCY_MS_MIN = 10;
const LATENCY_MS_MAX = 50;
/** So long after its death a node is listed: as the detection of a killed process takes at most. */
const LISTED_AFTER_DEATH_MS = 3_000;
/** A few round trips: what two nodes agree on is known to both by then. */
const AGREES_WITHIN_MS = 1_000;
/** Findings that are kept in words; all are counted. */
const FINDINGS_MAX = 20;

export class OverlayWorld {
  readonly directory = new SharedDirectory();
  readonly meter = new Meter();
  /** For the experiment itself. */
  readonly random: Random;
  /** Events that happened. */
  events = 0;
  /** What cores did that they must not, in words. */
  readonly findings: string[] = [];
  findingCount = 0;
  readonly #ring = new EventRing<Due>();
  readonly #nodes: OverlayNode[] = [];
  readonly #byId = new Map<NodeId, OverlayNode>();
  readonly #lastOf = new Map<number, Broadcast>();
  readonly #root: Random;
  readonly #latencySalt: number;

  constructor(
    readonly seed: string,
    readonly settings: CoreSettings = {},
  ) {
    this.#root = seededRandom(`overlay world ${seed}`);
    this.random = this.#root.fork("experiment");
    this.#latencySalt = this.#root.fork("latencies").uint32();
  }

  /** Virtual milliseconds. */
  get now(): number {
    return this.#ring.now;
  }

  /** By number, the dead among them. */
  get nodes(): readonly OverlayNode[] {
    return this.#nodes;
  }

  up(): readonly OverlayNode[] {
    return this.#nodes.filter(({ isUp }) => isUp);
  }

  nodeOf(id: NodeId): OverlayNode | undefined {
    return this.#byId.get(id);
  }

  /** Starts a node, which joins through the contacts. */
  start(contacts: readonly NodeId[]): OverlayNode {
    const index = this.#nodes.length;
    const random = this.#root.fork(`node ${index}`);
    const named = { id: createNodeId(random), boot: createBoot(1, random) };
    const node = new OverlayNode(index, named, this, random);
    this.#nodes.push(node);
    this.#byId.set(node.id, node);
    this.directory.add(node.id);
    node.join(contacts);
    return node;
  }

  crash(node: OverlayNode): void {
    if (!node.isUp) return;
    node.crash();
    this.after(LISTED_AFTER_DEATH_MS, { happen: () => this.directory.remove(node.id) });
  }

  broadcast(origin: OverlayNode): Broadcast {
    const broadcast = new Broadcast(origin.index, this.now, this.#nodes.length);
    const last = this.#lastOf.get(origin.index);
    if (last !== undefined) last.next = broadcast;
    this.#lastOf.set(origin.index, broadcast);
    origin.broadcast(broadcast);
    return broadcast;
  }

  after(delayMs: number, due: Due): void {
    this.#ring.add(this.#ring.now + Math.max(0, Math.ceil(delayMs)), due);
  }

  run(forMs: number): void {
    const until = this.#ring.now + forMs;
    for (let due = this.#ring.take(until); due !== undefined; due = this.#ring.take(until)) {
      this.events += 1;
      due.happen();
    }
  }

  /** How long it took until the condition held, looking so often; undefined: it did not within that time. */
  until(condition: () => boolean, everyMs: number, withinMs: number): number | undefined {
    const began = this.now;
    while (!condition()) {
      if (this.now - began >= withinMs) return undefined;
      this.run(everyMs);
    }
    return this.now - began;
  }

  latencyMs(a: number, b: number): number {
    const low = Math.min(a, b);
    let hash = Math.imul(low ^ this.#latencySalt, 0x9e3779b1) ^ Math.imul(a + b - low, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
    hash = (hash ^ (hash >>> 15)) >>> 0;
    return LATENCY_MS_MIN + (hash % (LATENCY_MS_MAX - LATENCY_MS_MIN + 1));
  }

  /** The overlay as it is now: of the nodes that are up. */
  graph(): Graph {
    const up = this.up();
    const places = new Map<NodeId, number>();
    for (const { id } of up) places.set(id, places.size);
    const views = up.map(({ view }) => {
      const known: number[] = [];
      for (const id of view.active) {
        const place = places.get(id);
        if (place !== undefined) known.push(place);
      }
      return known;
    });
    return new Graph(views);
  }

  /**
   * How many views hold somebody for longer than an agreement takes that does not hold them. Lets that time pass:
   * while two agree, one of them always knows first.
   */
  lastingOneSided(): number {
    const up = this.up();
    const pairs = this.graph().oneSided.map(([node, peer]) => [up[node], up[peer]] as const);
    this.run(AGREES_WITHIN_MS);
    return pairs.filter(([node, peer]) => {
      if (!node?.isUp || !peer?.isUp) return false;
      return node.view.isNeighbor(peer.id) && !peer.view.isNeighbor(node.id);
    }).length;
  }

  finds(node: OverlayNode, what: string): void {
    this.findingCount += 1;
    if (this.findings.length === FINDINGS_MAX) return;
    this.findings.push(`${this.seed} at ${this.now} ms: node ${node.index} ${what}`);
  }
}
