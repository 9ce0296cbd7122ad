/**
 * Doorkeeper: which connections of strangers are taken, pure: who holds it tells it the time.
 *
 * Whoever has proved nothing can be anybody, so strangers share a small room (`DOOR`): a flood fills it and nothing else.
 * Members do not count against it, and a stranger cannot keep them out for long: when the room is full, the oldest
 * stranger goes, unless it is too young to be called slow.
 *
 * Invariants: at most `strangersMax` strangers, and `addressesMax` places without a guest; a guest counts once, as a
 * stranger, as a member or not at all; a place with a guest is never forgotten; no arrival costs more for their number.
 */
import { DOOR } from "../limits.js";
import { assert } from "./assert.js";

/** The name of the limit that ended a connection. */
export type DoorLimit =
  | "arrivalsPerSecondMax"
  | "failuresMax"
  | "membersMax"
  | "strangersMax"
  | "strangersPerAddressMax";

/** What is known of an address. */
interface Place {
  readonly address: string;
  strangers: number;
  members: number;
  /** Connections it may still open at once, and when that was reckoned. */
  arrivals: number;
  reckonedMs: number;
  failuresMs: number[];
  refusedUntilMs: number;
}

/** One connection, for whoever holds it to give back. */
export interface Guest<Handle> {
  readonly handle: Handle;
  readonly sinceMs: number;
  readonly place: Place | undefined;
  state: "stranger" | "member" | "gone";
  /** It was a member's, also when it is gone. */
  isProved: boolean;
}

export type Entrance<Handle> =
  | { readonly type: "taken"; readonly guest: Guest<Handle>; readonly evicted?: Guest<Handle> }
  | { readonly type: "refused"; readonly limit: DoorLimit };

export class Doorkeeper<Handle> {
  /** With a guest. */
  readonly #places = new Map<string, Place>();
  /** Without one; the one that was left longest ago first: a Map keeps the order of insertion. */
  readonly #empty = new Map<string, Place>();
  /** A Set keeps the order of insertion: the oldest first. */
  readonly #strangers = new Set<Guest<Handle>>();
  #members = 0;

  get strangers(): number {
    return this.#strangers.size;
  }

  get members(): number {
    return this.#members;
  }

  get places(): number {
    return this.#places.size + this.#empty.size;
  }

  /** A connection has come. @param address undefined: the rules for one address do not hold */
  enter(handle: Handle, address: string | undefined, nowMs: number): Entrance<Handle> {
    const place = address === undefined ? undefined : this.#placeOf(address, nowMs);
    const oldest = this.#isFull() ? this.#oldest() : undefined;
    const limit = this.#limitOf(place, oldest, nowMs);
    if (limit !== undefined) {
      if (place !== undefined) this.#settle(place);
      return { type: "refused", limit };
    }
    if (oldest !== undefined) this.leave(oldest);
    const guest: Guest<Handle> = {
      handle,
      sinceMs: nowMs,
      place,
      state: "stranger",
      isProved: false,
    };
    this.#strangers.add(guest);
    if (place !== undefined) {
      place.strangers += 1;
      this.#settle(place);
    }
    assert(this.#strangers.size <= DOOR.strangersMax, "the room of strangers is bounded");
    return oldest === undefined
      ? { type: "taken", guest }
      : { type: "taken", guest, evicted: oldest };
  }

  /** It has proved itself: it is a member's, and speaks well for its address. */
  prove(guest: Guest<Handle>): void {
    if (guest.state !== "stranger") return;
    this.#strangers.delete(guest);
    guest.state = "member";
    guest.isProved = true;
    this.#members += 1;
    const { place } = guest;
    if (place === undefined) return;
    place.strangers -= 1;
    place.members += 1;
    place.failuresMs = [];
    place.refusedUntilMs = 0;
  }

  /** It has broken a rule or could not prove itself; told before or after it has left. */
  fail({ place, isProved }: Guest<Handle>, nowMs: number): void {
    if (place === undefined || isProved) return;
    const sinceMs = nowMs - DOOR.failureWindowMs;
    place.failuresMs = place.failuresMs.filter((atMs) => atMs > sinceMs);
    place.failuresMs.push(nowMs);
    if (place.failuresMs.length < DOOR.failuresMax) return;
    place.failuresMs = [];
    place.refusedUntilMs = nowMs + DOOR.refusalMs;
  }

  /** The connection has ended. Idempotent. */
  leave(guest: Guest<Handle>): void {
    const { place, state } = guest;
    if (state === "gone") return;
    guest.state = "gone";
    if (state === "member") this.#members -= 1;
    else this.#strangers.delete(guest);
    if (place === undefined) return;
    if (state === "member") place.members -= 1;
    else place.strangers -= 1;
    this.#settle(place);
    assert(place.members >= 0 && place.strangers >= 0, "who leaves an address has come from it");
  }

  #isFull(): boolean {
    return this.#strangers.size >= DOOR.strangersMax;
  }

  #oldest(): Guest<Handle> | undefined {
    return this.#strangers.values().next().value;
  }

  #limitOf(
    place: Place | undefined,
    oldest: Guest<Handle> | undefined,
    nowMs: number,
  ): DoorLimit | undefined {
    if (this.#members >= DOOR.membersMax) return "membersMax";
    const limit = place === undefined ? undefined : limitOf(place, nowMs);
    if (limit !== undefined) return limit;
    const isYoung = oldest !== undefined && nowMs - oldest.sinceMs < DOOR.strangerGraceMs;
    return isYoung ? "strangersMax" : undefined;
  }

  #placeOf(address: string, nowMs: number): Place {
    return (
      this.#places.get(address) ??
      this.#empty.get(address) ?? {
        address,
        strangers: 0,
        members: 0,
        arrivals: DOOR.arrivalsPerSecondMax,
        reckonedMs: nowMs,
        failuresMs: [],
        refusedUntilMs: 0,
      }
    );
  }

  /** Puts a place where it belongs now, and forgets the one that is empty longest when there are too many. */
  #settle(place: Place): void {
    const { address, strangers, members } = place;
    this.#empty.delete(address);
    if (strangers + members > 0) {
      this.#places.set(address, place);
      return;
    }
    this.#places.delete(address);
    this.#empty.set(address, place);
    if (this.#empty.size <= DOOR.addressesMax) return;
    for (const oldest of this.#empty.keys()) {
      this.#empty.delete(oldest);
      return;
    }
  }
}

/** The limit that a new connection of an address would break; takes one of its arrivals if none. */
function limitOf(place: Place, nowMs: number): DoorLimit | undefined {
  if (place.members > 0) return undefined;
  if (nowMs < place.refusedUntilMs) return "failuresMax";
  const rate = DOOR.arrivalsPerSecondMax;
  const earned = ((nowMs - place.reckonedMs) * rate) / 1_000;
  place.arrivals = Math.min(rate, place.arrivals + earned);
  place.reckonedMs = nowMs;
  if (place.arrivals < 1) return "arrivalsPerSecondMax";
  place.arrivals -= 1;
  return place.strangers >= DOOR.strangersPerAddressMax ? "strangersPerAddressMax" : undefined;
}
