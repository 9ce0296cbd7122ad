/**
 * WholeWorld: many whole overlays in one process and virtual time: each node is `createOverlay` with its directory, its
 * failure detector, HyParView, Plumtree, links and handshakes, over the simulated network.
 *
 * A seed decides everything. What a node tells that it must not is kept as a finding.
 */
import { createBoot, createNodeId, silentLogger, type Boot, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { createOverlay, type Overlay } from "@foundation/overlay";
import { createSimulator, type SimulatedHost, type Simulator } from "@foundation/testkit";
import { readU32 } from "../../../../packages/overlay/src/protocol/frame.js";
import { Broadcast } from "../broadcast.js";
import { Graph } from "../graph.js";
import { NUMBER_BYTES, WireTap } from "./wire-tap.js";

/** A frame takes from 10 to 50 ms, mostly little: as far apart as the nodes of the core worlds. */
const conditions = {
  latencyMs: 10,
  jitterMs: 40,
  spikeChance: 0,
  spikeMs: 0,
  bytesPerMs: 100_000,
};
const CLUSTER = { cluster: "whole", secret: "a secret for simulations only" } as const;
const PORT = 7_000;
const SUBJECT = "news";
/** Every neighbour has a link of this channel, once something was broadcast on it. */
const CHANNEL = "events";
/** Findings that are kept in words; all are counted. */
const FINDINGS_MAX = 20;

/** One start of a node. */
export interface WholeNode {
  readonly index: number;
  /** Of its host. */
  readonly name: string;
  readonly id: NodeId;
  readonly startedAtMs: number;
  isUp: boolean;
  /** When it crashed, if it has. */
  crashedAtMs?: number;
}

interface Start {
  readonly node: WholeNode;
  readonly boots: number;
  readonly boot: Boot;
  readonly peers: readonly string[];
}

/** A broadcast, and over how many links its first copy came to each node, plus one; 0: none came. */
class Carried extends Broadcast {
  readonly hops: Uint8Array;

  constructor(origin: number, sentAtMs: number, nodes: number) {
    super(origin, sentAtMs, nodes);
    this.hops = new Uint8Array(nodes);
  }
}

export class WholeWorld implements Disposable {
  readonly tap: WireTap;
  /** For the experiment itself. */
  readonly random: Random;
  /** What nodes did that they must not, in words. */
  readonly findings: string[] = [];
  findingCount = 0;
  readonly #sim: Simulator<Overlay>;
  readonly #root: Random;
  readonly #nodes: WholeNode[] = [];
  /** The last one of each name. */
  readonly #starts = new Map<string, Start>();
  readonly #broadcasts: Carried[] = [];
  readonly #lastOf = new Map<number, Broadcast>();

  constructor(readonly seed: string) {
    // An event of a thousand nodes that form takes its time on a busy machine.
    this.#sim = createSimulator<Overlay>({ seed: `whole ${seed}`, conditions, watchdogMs: 60_000 });
    this.#root = seededRandom(`whole world ${seed}`);
    this.random = this.#root.fork("experiment");
    this.tap = new WireTap((node, number, hop) => this.#copied(node, number, hop));
  }

  /** Virtual milliseconds. */
  get now(): number {
    return this.#sim.clock.now();
  }

  get events(): number {
    return this.#sim.trace.events;
  }

  /** By index, the dead among them. */
  get nodes(): readonly WholeNode[] {
    return this.#nodes;
  }

  up(): readonly WholeNode[] {
    return this.#nodes.filter(({ isUp }) => isUp);
  }

  /** Starts a node of that name, again if it was there before: with the same id, and a newer boot. */
  start(name: string, contacts: readonly WholeNode[]): WholeNode {
    const boots = (this.#starts.get(name)?.boots ?? 0) + 1;
    const index = this.#nodes.length;
    const own = this.#root.fork(`node ${name}`);
    const id = createNodeId(own);
    const boot = createBoot(boots, own.fork(`boot ${boots}`));
    const node: WholeNode = { index, name, id, startedAtMs: this.now, isUp: true };
    const peers = contacts.map((each) => `sim://${each.name}:${PORT}`);
    this.#nodes.push(node);
    this.#starts.set(name, { node, boots, boot, peers });
    if (boots === 1) this.#sim.addNode(name, (host) => this.#overlay(host));
    else this.#sim.restart(name);
    return node;
  }

  crash(node: WholeNode): void {
    if (!node.isUp) return;
    node.isUp = false;
    node.crashedAtMs = this.now;
    this.#sim.crash(node.name);
  }

  overlayOf(node: WholeNode): Overlay | undefined {
    return node.isUp ? this.#sim.node(node.name).app : undefined;
  }

  broadcast(origin: WholeNode): Broadcast {
    const broadcast = new Carried(origin.index, this.now, this.#nodes.length);
    const last = this.#lastOf.get(origin.index);
    if (last !== undefined) last.next = broadcast;
    this.#lastOf.set(origin.index, broadcast);
    const { bytes } = broadcast;
    const number = this.#broadcasts.push(broadcast) - 1;
    new DataView(bytes.buffer).setUint32(bytes.length - NUMBER_BYTES, number, true);
    this.#sim.node(origin.name).within((overlay) => {
      overlay.broadcast.publish(SUBJECT, bytes, { channel: CHANNEL });
    });
    return broadcast;
  }

  at(delayMs: number, fn: () => void): void {
    this.#sim.at(delayMs, fn);
  }

  async run(forMs: number): Promise<void> {
    if (forMs > 0) await this.#sim.run(forMs);
  }

  /** How long it took until the condition held, looking so often; undefined: it did not within that time. */
  async until(
    condition: () => boolean,
    everyMs: number,
    withinMs: number,
  ): Promise<number | undefined> {
    const began = this.now;
    while (!condition()) {
      if (this.now - began >= withinMs) return undefined;
      await this.run(everyMs);
    }
    return this.now - began;
  }

  /** Whom broadcasts pass to, as each node that is up sees it. */
  graph(): Graph {
    const up = this.up();
    const places = new Map<NodeId, number>();
    for (const { id } of up) places.set(id, places.size);
    const views = up.map((node) => {
      const known: number[] = [];
      for (const id of this.overlayOf(node)?.neighbours() ?? []) {
        const place = places.get(id);
        if (place !== undefined) known.push(place);
      }
      return known;
    });
    return new Graph(views);
  }

  isOne(): boolean {
    return this.graph().components().length === 1;
  }

  /** Every node lists every node, and nobody else. */
  isListed(): boolean {
    const up = this.up();
    return up.every((node) => this.overlayOf(node)?.observe().members === up.length);
  }

  /** Everybody's links; those to others than neighbours stay a while after they were used. */
  links(): readonly number[] {
    return this.up().map((node) => this.overlayOf(node)?.observe().links ?? 0);
  }

  [Symbol.dispose](): void {
    this.#sim.close();
  }

  async #overlay({ runtime, name }: SimulatedHost): Promise<Overlay> {
    const { node, boot, peers } = this.#starts.get(name) as Start;
    const overlay = await createOverlay({
      ...CLUSTER,
      identity: { id: node.id, boot, name },
      host: name,
      port: PORT,
      preset: "lan",
      topology: "hyparview",
      peers,
      runtime: {
        ...runtime,
        logger: silentLogger(),
        transport: this.tap.on(runtime.transport, node.index),
      },
    });
    overlay.broadcast.handle(SUBJECT, ({ payload }) => this.#delivered(node, payload));
    return overlay;
  }

  /** A copy came; a node that has none yet delivers it, or will. */
  #copied(node: number, number: number, hop: number): void {
    const broadcast = this.#broadcasts[number];
    if (broadcast === undefined) return;
    broadcast.payloadMessages += 1;
    if (broadcast.hops[node] === 0) broadcast.hops[node] = hop + 1;
  }

  #delivered(node: WholeNode, payload: unknown): void {
    const bytes = payload as Uint8Array;
    const broadcast = this.#broadcasts[readU32(bytes, bytes.length - NUMBER_BYTES)];
    if (broadcast === undefined) return this.#finds(node, "delivered what nobody broadcast");
    const hop = (broadcast.hops[node.index] ?? 1) - 1;
    const wrong = broadcast.deliveredAt(node.index, hop, this.now);
    if (wrong !== undefined) this.#finds(node, `a broadcast of ${broadcast.origin}: ${wrong}`);
  }

  #finds(node: WholeNode, what: string): void {
    this.findingCount += 1;
    if (this.findings.length === FINDINGS_MAX) return;
    this.findings.push(`${this.seed} at ${this.now} ms: node ${node.index} (${node.name}) ${what}`);
  }
}
