/**
 * Flights: who computes a key for the whole cluster, and who waits for it. Kept by the key's primary.
 *
 * A grant is a token. A write, a deletion or an invalidated tag makes the token worthless, so that what was computed from
 * older data cannot be kept: it is told to nobody but those who asked for it on the node that computed it.
 *
 * Invariants: a key has at most one valid token; a waiter is handed out once: with a grant, or when the flight ends.
 */
import { invariant } from "./invariant.js";

interface Flight<W> {
  readonly token: number;
  readonly node: string;
  readonly deadlineMs: number;
  readonly waiters: Set<W>;
}

export interface FlightsOptions {
  readonly flightsMax: number;
  readonly waitersMax: number;
  readonly tagFloorsMax: number;
}

export type Joined =
  | { readonly type: "granted"; readonly token: number }
  | { readonly type: "waiting" }
  | { readonly type: "full" };

/** A waiter whose turn it is to compute. */
export interface Granted<W> {
  readonly key: string;
  readonly waiter: W;
  readonly token: number;
}

export class Flights<W extends { readonly node: string }> {
  readonly #flights = new Map<string, Flight<W>>();
  /** Tags by the number of tokens given when they were invalidated, oldest first. */
  readonly #tagFloors = new Map<string, number>();
  readonly #options: FlightsOptions;
  #tokens = 0;
  /** Tokens up to this one are too old to fill anything with a tag. */
  #tagFloor = 0;

  constructor(options: FlightsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#flights.size;
  }

  /** True when somebody computes the key and is not overdue. */
  isUnderWay(key: string, nowMs: number): boolean {
    const flight = this.#flights.get(key);
    return flight !== undefined && flight.deadlineMs > nowMs;
  }

  /** Asks to compute a key; a grant that is overdue passes to who asks. */
  join(key: string, waiter: W, nowMs: number, computeMs: number): Joined {
    const flight = this.#flights.get(key);
    if (flight === undefined) {
      if (this.#flights.size >= this.#options.flightsMax) return { type: "full" };
      return { type: "granted", token: this.#begin(key, waiter.node, nowMs + computeMs, []) };
    }
    if (flight.deadlineMs <= nowMs) {
      const token = this.#begin(key, waiter.node, nowMs + computeMs, flight.waiters);
      return { type: "granted", token };
    }
    if (flight.waiters.size >= this.#options.waitersMax) return { type: "full" };
    flight.waiters.add(waiter);
    return { type: "waiting" };
  }

  /** True when the token is the valid one and none of the tags was invalidated since it was given. */
  mayFill(key: string, token: number, tags: readonly string[]): boolean {
    if (this.#flights.get(key)?.token !== token) return false;
    if (tags.length > 0 && token <= this.#tagFloor) return false;
    return tags.every((tag) => token > (this.#tagFloors.get(tag) ?? 0));
  }

  /** Ends the flight of a token; those who waited for it. */
  end(key: string, token: number): readonly W[] {
    const flight = this.#flights.get(key);
    if (flight?.token !== token) return [];
    return this.supersede(key);
  }

  /** Makes the token of a key worthless; those who waited. */
  supersede(key: string): readonly W[] {
    const flight = this.#flights.get(key);
    if (flight === undefined) return [];
    this.#flights.delete(key);
    return [...flight.waiters];
  }

  /** Ends everything; all who waited. */
  supersedeAll(): readonly W[] {
    const waiters = [...this.#flights.values()].flatMap((flight) => [...flight.waiters]);
    this.#flights.clear();
    return waiters;
  }

  /** From now on no token given before may fill an entry with the tag. */
  invalidate(tag: string): void {
    this.#tagFloors.delete(tag);
    this.#tagFloors.set(tag, this.#tokens);
    if (this.#tagFloors.size <= this.#options.tagFloorsMax) return;
    for (const [oldest, floor] of this.#tagFloors) {
      this.#tagFloor = Math.max(this.#tagFloor, floor);
      this.#tagFloors.delete(oldest);
      return;
    }
  }

  /** A waiter gave up. */
  leave(key: string, waiter: W): void {
    this.#flights.get(key)?.waiters.delete(waiter);
  }

  /** Who computes has given up: the next in line computes. */
  giveUp(key: string, token: number, nowMs: number, computeMs: number): Granted<W> | undefined {
    const flight = this.#flights.get(key);
    return flight?.token === token ? this.#passOn(key, flight, nowMs + computeMs) : undefined;
  }

  /** A node is gone, and with it what it computed: the next in line computes. */
  lost(node: string, nowMs: number, computeMs: number): readonly Granted<W>[] {
    const granted: Granted<W>[] = [];
    for (const [key, flight] of [...this.#flights]) {
      for (const waiter of flight.waiters) if (waiter.node === node) flight.waiters.delete(waiter);
      if (flight.node !== node) continue;
      const next = this.#passOn(key, flight, nowMs + computeMs);
      if (next !== undefined) granted.push(next);
    }
    return granted;
  }

  #passOn(key: string, flight: Flight<W>, deadlineMs: number): Granted<W> | undefined {
    const [waiter, ...others] = flight.waiters;
    if (waiter === undefined) {
      this.#flights.delete(key);
      return undefined;
    }
    return { key, waiter, token: this.#begin(key, waiter.node, deadlineMs, others) };
  }

  #begin(key: string, node: string, deadlineMs: number, waiters: Iterable<W>): number {
    const token = ++this.#tokens;
    invariant(token > 0, "tokens are counted from 1");
    this.#flights.set(key, { token, node, deadlineMs, waiters: new Set(waiters) });
    return token;
  }
}
