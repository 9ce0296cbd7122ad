/**
 * Doorkeeper: which connections of strangers are taken, pure: who holds it tells it the time.
 *
 * Whoever has proved nothing can be anybody, so strangers share a small room (`DOOR`): a flood fills it and nothing else.
 * Members do not count against it, and a stranger cannot keep them out for long: when the room is full, the oldest
 * stranger goes, unless it is too young to be called slow.
 *
 * Invariants: at most `strangersMax` strangers and `addressesMax` places; a guest counts once, as a stranger, as a member
 * or not at all; a place with a guest is never forgotten.
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
}

export type Entrance<Handle> =
  | { readonly type: "taken"; readonly guest: Guest<Handle>; readonly evicted?: Guest<Handle> }
  | { readonly type: "refused"; readonly limit: DoorLimit };

export class Doorkeeper<Handle> {
  readonly #places = new Map<string, Place>();
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
    return this.#places.size;
  }

  /** A connection has come. @param address undefined: the rules for one address do not hold */
  enter(handle: Handle, address: string | undefined, nowMs: number): Entrance<Handle> {
    if (this.#members >= DOOR.membersMax) return { type: "refused", limit: "membersMax" };
    const place = address === undefined ? undefined : this.#placeOf(address, nowMs);
    const limit = place === undefined ? undefined : limitOf(place, nowMs);
    if (limit !== undefined) return { type: "refused", limit };
    const oldest = this.#isFull() ? this.#oldest() : undefined;
    if (oldest !== undefined && nowMs - oldest.sinceMs < DOOR.strangerGraceMs) {
      return { type: "refused", limit: "strangersMax" };
    }
    if (oldest !== undefined) this.leave(oldest);
    const guest: Guest<Handle> = { handle, sinceMs: nowMs, place, state: "stranger" };
    this.#strangers.add(guest);
    if (place !== undefined) place.strangers += 1;
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
    this.#members += 1;
    const { place } = guest;
    if (place === undefined) return;
    place.strangers -= 1;
    place.members += 1;
    place.failuresMs = [];
    place.refusedUntilMs = 0;
  }

  /** It has broken a rule or could not prove itself; told before or after it has left. */
  fail({ place, state }: Guest<Handle>, nowMs: number): void {
    if (place === undefined || state === "member") return;
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
    assert(place.members >= 0 && place.strangers >= 0, "who leaves an address has come from it");
  }

  #isFull(): boolean {
    return this.#strangers.size >= DOOR.strangersMax;
  }

  #oldest(): Guest<Handle> | undefined {
    return this.#strangers.values().next().value;
  }

  #placeOf(address: string, nowMs: number): Place {
    const known = this.#places.get(address);
    if (known !== undefined) return known;
    if (this.#places.size >= DOOR.addressesMax) this.#forgetPlaces(nowMs);
    const place: Place = {
      strangers: 0,
      members: 0,
      arrivals: DOOR.arrivalsPerSecondMax,
      reckonedMs: nowMs,
      failuresMs: [],
      refusedUntilMs: 0,
    };
    this.#places.set(address, place);
    return place;
  }

  /** All that have nothing to remember; if there are none, the oldest one without a connection. */
  #forgetPlaces(nowMs: number): void {
    let oldest: string | undefined;
    for (const [address, place] of this.#places) {
      if (place.strangers + place.members > 0) continue;
      oldest ??= address;
      const lastMs = Math.max(place.reckonedMs + 1_000, place.refusedUntilMs, ...place.failuresMs);
      if (lastMs <= nowMs - DOOR.failureWindowMs) this.#places.delete(address);
    }
    if (this.#places.size >= DOOR.addressesMax && oldest !== undefined) this.#places.delete(oldest);
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
