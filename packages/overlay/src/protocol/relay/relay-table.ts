/**
 * RelayTable: every relayed connection that begins, ends or passes here, by its number, and who may
 * add another one.
 *
 * A number is drawn by the origin from 48 bits; that two connections which meet at one node have the
 * same is as good as impossible, and refused. One number is used once: a repeated open changes
 * nothing while the connection lives, and is refused afterwards.
 *
 * Loops cannot be: a route with an id twice is malformed, this node has one place in it, and an open
 * is taken only from the node in the place before.
 */
import type { NodeId } from "@foundation/core";
import type { RelayOpen, RelayRefusal } from "./frames.js";
import { Hop } from "./hop.js";
import { fitsWindow, type RelayLimits } from "./limits.js";

/** A connection that begins or ends at this node. */
export interface RelayEnd<Handle> {
  readonly kind: "end";
  readonly connection: number;
  readonly origin: NodeId;
  /** Over whom it leads. */
  readonly neighbor: NodeId;
  /** This node's place in the route. */
  readonly index: number;
  readonly route: readonly NodeId[];
  readonly handle: Handle;
}

export type RelayEntry<Handle> = Hop | RelayEnd<Handle>;

export type OpenVerdict =
  /** It leads on to the next node; `hop` was added. */
  | { readonly type: "pass"; readonly hop: Hop }
  /** It ends here, and may be added. */
  | { readonly type: "end"; readonly index: number }
  /** The same open came before: nothing is to be done. */
  | { readonly type: "repeated" }
  | { readonly type: "refuse"; readonly refusal: RelayRefusal; readonly index: number }
  /** It leads not over its sender and this node, in this order. */
  | { readonly type: "malformed" };

export class RelayTable<Handle> {
  /** Every open is refused with "not-accepting" from now on. */
  isClosed = false;

  readonly #self: NodeId;
  readonly #limits: RelayLimits;
  readonly #passesOn: boolean;
  readonly #entries = new Map<number, RelayEntry<Handle>>();
  /** The order of insertion is that of the ends: the oldest is forgotten first. */
  readonly #ended = new Set<string>();
  readonly #opens: Rates;
  readonly #strays: Rates;
  /** Connections of others, over each neighbour. */
  readonly #hopsVia = new Map<NodeId, number>();
  #hops = 0;
  #ends = 0;

  /** @param passesOn false: connections of others are refused with "not-accepting" */
  constructor(self: NodeId, limits: RelayLimits, passesOn = true) {
    this.#self = self;
    this.#limits = limits;
    this.#passesOn = passesOn;
    this.#opens = new Rates(limits.opensPerSecondMax);
    this.#strays = new Rates(limits.strayAnswersPerSecondMax);
  }

  /** Connections of others that pass here. */
  get hops(): number {
    return this.#hops;
  }

  /** Connections that begin or end here. */
  get ends(): number {
    return this.#ends;
  }

  get hasRoomForEnd(): boolean {
    return this.#ends < this.#limits.connectionsMax;
  }

  get(connection: number): RelayEntry<Handle> | undefined {
    return this.#entries.get(connection);
  }

  entries(): readonly RelayEntry<Handle>[] {
    return [...this.#entries.values()];
  }

  /** An open came from a neighbour. @param isLinked whether there is a link to a node now */
  open(open: RelayOpen, from: NodeId, isLinked: (id: NodeId) => boolean, now: number): OpenVerdict {
    const { connection, route, windowBytes } = open;
    const index = route.indexOf(this.#self);
    if (index < 1 || route[index - 1] !== from) return { type: "malformed" };
    const origin = route[0] as NodeId;
    const refuse = (refusal: RelayRefusal) => ({ type: "refuse", refusal, index }) as const;
    if (this.isClosed) return refuse("not-accepting");
    if (!this.#opens.take(from, now)) return refuse("too-many-opens");
    const known = this.#entries.get(connection);
    if (known !== undefined) {
      return isSame(known, origin, from) ? { type: "repeated" } : refuse("taken");
    }
    if (this.#ended.has(keyOf(origin, connection))) return refuse("taken");
    if (windowBytes > this.#limits.windowBytes) return refuse("limits-differ");
    if (index === route.length - 1) {
      if (!fitsWindow(windowBytes, this.#limits)) return refuse("limits-differ");
      return this.hasRoomForEnd ? { type: "end", index } : refuse("too-many-connections");
    }
    if (!this.#passesOn) return refuse("not-accepting");
    const after = route[index + 1] as NodeId;
    if (!isLinked(after)) return refuse("no-link");
    if (this.#hops >= this.#limits.relayedMax || this.#isBusy(from) || this.#isBusy(after))
      return refuse("relay-full");
    const hop = new Hop(open, index, this.#limits);
    this.#entries.set(connection, hop);
    this.#hops += 1;
    this.#count(hop, 1);
    return { type: "pass", hop };
  }

  /** The caller has looked for room, and the number is free. */
  addEnd(end: RelayEnd<Handle>): void {
    this.#entries.set(end.connection, end);
    this.#ends += 1;
  }

  /** A connection is over, as far as this node knows. False: it was already. */
  remove(entry: RelayEntry<Handle>): boolean {
    if (this.#entries.get(entry.connection) !== entry) return false;
    this.#entries.delete(entry.connection);
    if (entry.kind === "hop") {
      this.#hops -= 1;
      this.#count(entry, -1);
    } else {
      this.#ends -= 1;
    }
    this.#ended.add(keyOf(entry.origin, entry.connection));
    if (this.#ended.size > this.#limits.endedMax) {
      for (const oldest of this.#ended) {
        this.#ended.delete(oldest);
        break;
      }
    }
    return true;
  }

  /** A link is down: what led over it. Each is still to be removed. */
  over(neighbor: NodeId): readonly RelayEntry<Handle>[] {
    return this.entries().filter((entry) =>
      entry.kind === "hop" ? entry.isVia(neighbor) : entry.neighbor === neighbor,
    );
  }

  /** A frame of a neighbour belongs to nothing; true: tell it so. */
  answersStray(from: NodeId, now: number): boolean {
    return this.#strays.take(from, now);
  }

  /** Nothing is kept about a neighbour without a link. */
  forget(neighbor: NodeId): void {
    this.#opens.forget(neighbor);
    this.#strays.forget(neighbor);
  }

  #isBusy(neighbor: NodeId): boolean {
    return (this.#hopsVia.get(neighbor) ?? 0) >= this.#limits.relayedPerNeighborMax;
  }

  #count(hop: Hop, by: number): void {
    for (const neighbor of [hop.before, hop.after]) {
      const count = (this.#hopsVia.get(neighbor) ?? 0) + by;
      if (count === 0) this.#hopsVia.delete(neighbor);
      else this.#hopsVia.set(neighbor, count);
    }
  }
}

function isSame(entry: RelayEntry<unknown>, origin: NodeId, from: NodeId): boolean {
  const before = entry.kind === "hop" ? entry.before : entry.neighbor;
  return entry.origin === origin && before === from;
}

function keyOf(origin: NodeId, connection: number): string {
  return `${origin}/${connection}`;
}

/** How often each neighbour does something in a second, which begins with the first time. */
class Rates {
  readonly #most: number;
  readonly #seconds = new Map<NodeId, { sinceMs: number; count: number }>();

  constructor(most: number) {
    this.#most = most;
  }

  /** It happens; false: too often. */
  take(id: NodeId, now: number): boolean {
    let second = this.#seconds.get(id);
    if (second === undefined || now - second.sinceMs >= 1_000) {
      second = { sinceMs: now, count: 0 };
      this.#seconds.set(id, second);
    }
    second.count += 1;
    return second.count <= this.#most;
  }

  forget(id: NodeId): void {
    this.#seconds.delete(id);
  }
}
