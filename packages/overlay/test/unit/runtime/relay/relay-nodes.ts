/**
 * Nodes that relay for each other, wired in memory: links with a delay that can be stopped and cut,
 * on a virtual clock. What a link carries is copied when it is sent, as a real one does.
 */
import { createBoot, createNodeId, type Connection, type NodeId } from "@foundation/core";
import {
  memoryMeter,
  seededRandom,
  virtualClock,
  type MemoryMeter,
  type VirtualClock,
} from "@foundation/core/testing";
import type { RelayLimits } from "../../../../src/protocol/relay/limits.js";
import { NeighborMap } from "../../../../src/protocol/routing/neighbor-map.js";
import { Relay, type RelayOptions } from "../../../../src/runtime/relay/relay.js";
import type { RouteOutcome } from "../../../../src/runtime/relay/route-outcome.js";

/** The same name gives the same id. */
export function idOf(name: string): NodeId {
  return createNodeId(seededRandom(name));
}

interface Parcel {
  readonly frame: Uint8Array;
  readonly arrivesMs: number;
}

/** One direction of a link. */
class Way {
  queuedBytes = 0;
  /** The most that ever waited. */
  queuedBytesPeak = 0;
  sentFrames = 0;
  isStopped = false;
  isCut = false;
  readonly #parcels: Parcel[] = [];
  #isArmed = false;

  constructor(
    readonly clock: VirtualClock,
    readonly delayMs: number,
    readonly arrive: (frame: Uint8Array) => void,
  ) {}

  send(frame: Uint8Array): number {
    if (this.isCut) return -1;
    this.#parcels.push({ frame: frame.slice(), arrivesMs: this.clock.now() + this.delayMs });
    this.queuedBytes += frame.length;
    this.queuedBytesPeak = Math.max(this.queuedBytesPeak, this.queuedBytes);
    this.sentFrames += 1;
    this.arm();
    return this.queuedBytes;
  }

  arm(): void {
    const first = this.#parcels[0];
    if (first === undefined || this.#isArmed || this.isStopped || this.isCut) return;
    this.#isArmed = true;
    this.clock.setTimer(first.arrivesMs - this.clock.now(), () => this.#run());
  }

  #run(): void {
    this.#isArmed = false;
    for (let first = this.#parcels[0]; first !== undefined; first = this.#parcels[0]) {
      if (this.isStopped || this.isCut || first.arrivesMs > this.clock.now()) break;
      this.#parcels.shift();
      this.queuedBytes -= first.frame.length;
      this.arrive(first.frame);
    }
    this.arm();
  }
}

export interface RelayNode {
  readonly name: string;
  readonly id: NodeId;
  readonly relay: Relay;
  readonly map: NeighborMap;
  readonly meter: MemoryMeter;
  readonly accepted: Connection[];
  /** Called for each accepted connection, in the call that accepts it. */
  onAccepted: (connection: Connection) => void;
}

export type NodeChoice = Pick<RelayOptions, "passesOn" | "findRoute"> & {
  readonly limits?: Partial<RelayLimits>;
};

export class RelayNodes {
  readonly clock = virtualClock();
  readonly #nodes = new Map<string, RelayNode>();
  readonly #byId = new Map<NodeId, RelayNode>();
  readonly #ways = new Map<string, Way>();

  node(name: string): RelayNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`There is no node ${name}`);
    return node;
  }

  get all(): readonly RelayNode[] {
    return [...this.#nodes.values()];
  }

  add(name: string, choice: NodeChoice = {}): RelayNode {
    const id = idOf(name);
    const random = seededRandom(`random of ${name}`);
    const map = new NeighborMap({ self: id, boot: createBoot(1, random), random });
    const meter = memoryMeter();
    const accepted: Connection[] = [];
    const relay = new Relay({
      ...choice,
      self: id,
      clock: this.clock,
      random,
      meter,
      carrier: {
        isLinked: (neighbor) => map.isLinked(neighbor),
        send: (neighbor, frame) => this.#wayOfIds(id, neighbor)?.send(frame) ?? -1,
      },
      routeTo: (target, avoid) => map.routeTo(target, avoid),
      accept: (connection) => {
        accepted.push(connection);
        node.onAccepted(connection);
      },
    });
    const node: RelayNode = { name, id, relay, map, meter, accepted, onAccepted: () => {} };
    this.#nodes.set(name, node);
    this.#byId.set(id, node);
    return node;
  }

  /** Nodes of these names in a row, each linked to the next. */
  chain(names: readonly string[], choice: NodeChoice = {}): void {
    for (const name of names) this.add(name, choice);
    for (const [i, name] of names.entries()) {
      const next = names[i + 1];
      if (next !== undefined) this.link(name, next);
    }
    this.learnAll();
  }

  link(a: string, b: string, delayMs = 1): void {
    for (const [from, to] of [
      [this.node(a), this.node(b)],
      [this.node(b), this.node(a)],
    ] as const) {
      const way = new Way(this.clock, delayMs, (frame) => to.relay.receive(from.id, frame));
      this.#ways.set(`${from.name}>${to.name}`, way);
      from.map.linkUp(to.id);
    }
  }

  /** Every node hears every list. */
  learnAll(): void {
    for (const { map } of this.all)
      for (const other of this.all) map.learn(other.map.own, this.clock.now());
  }

  way(from: string, to: string): Way {
    const way = this.#ways.get(`${from}>${to}`);
    if (way === undefined) throw new Error(`There is no link from ${from} to ${to}`);
    return way;
  }

  /** A link breaks: what was under way is lost, and both sides are told. */
  cut(a: string, b: string): void {
    this.cutUntold(a, b);
    for (const [from, to] of [
      [this.node(a), this.node(b)],
      [this.node(b), this.node(a)],
    ] as const) {
      from.map.linkDown(to.id);
      from.relay.linkDown(to.id);
    }
  }

  /** The carrier knows that the link is gone; nobody was told yet. */
  cutUntold(a: string, b: string): void {
    for (const key of [`${a}>${b}`, `${b}>${a}`]) {
      const way = this.#ways.get(key);
      if (way !== undefined) way.isCut = true;
      this.#ways.delete(key);
    }
  }

  stop(from: string, to: string): void {
    this.way(from, to).isStopped = true;
  }

  goOn(from: string, to: string): void {
    const way = this.way(from, to);
    way.isStopped = false;
    way.arm();
  }

  route(...names: readonly string[]): readonly NodeId[] {
    return names.map((name) => this.node(name).id);
  }

  /** Opens on a route; answers the outcome once there is one. */
  async open(...names: readonly string[]): Promise<RouteOutcome> {
    const outcome = new Promise<RouteOutcome>((resolve) => {
      this.node(names[0] ?? "").relay.open(this.route(...names), resolve);
    });
    return this.clock.run(outcome);
  }

  /** Both ends of a new connection over these nodes. */
  async connect(...names: readonly string[]): Promise<readonly [Connection, Connection]> {
    const { accepted } = this.node(names[names.length - 1] ?? "");
    const before = accepted.length;
    const outcome = await this.open(...names);
    if (outcome.type !== "opened") throw new Error(`It failed: ${outcome.reason}`);
    return [outcome.connection, accepted[before] as Connection];
  }

  /** A neighbour sends bytes of its own making. */
  forge(from: string, to: string, frame: Uint8Array): void {
    this.node(to).relay.receive(this.node(from).id, frame);
  }

  #wayOfIds(from: NodeId, to: NodeId): Way | undefined {
    const a = this.#byId.get(from)?.name;
    const b = this.#byId.get(to)?.name;
    return this.#ways.get(`${a}>${b}`);
  }
}

/** Keeps what a connection receives. */
export function collect(connection: Connection): Uint8Array[] {
  const frames: Uint8Array[] = [];
  connection.onFrame((frame) => frames.push(frame));
  return frames;
}

/** A frame that can be told from others. */
export function frameOf(number: number, sizeBytes = 4): Uint8Array {
  const frame = new Uint8Array(sizeBytes);
  for (let i = 0; i < sizeBytes; i += 1) frame[i] = (number * 31 + i * 7) & 0xff;
  if (sizeBytes >= 4) new DataView(frame.buffer).setUint32(0, number);
  return frame;
}

/** The number of such a frame, if it is whole. */
export function numberIn(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset, frame.length).getUint32(0);
}
