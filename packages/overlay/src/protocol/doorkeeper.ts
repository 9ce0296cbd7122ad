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
  | "strangersPerAddressMax"
  | "strangersPerSecondMax";

/** How many may still come at once, and when that was reckoned. */
interface Allowance {
  left: number;
  reckonedMs: number;
}

/** What is known of an address. */
interface Place {
  readonly address: string;
  strangers: number;
  members: number;
  readonly arrivals: Allowance;
  /** When each failure counts from, in order; those of keys do later. */
  failuresMs: number[];
  keyFailures: number;
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
  readonly #arrivals: Allowance = { left: DOOR.strangersPerSecondMax, reckonedMs: 0 };
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
    forgive(place);
    place.refusedUntilMs = 0;
  }

  /**
   * It has broken a rule or could not prove itself; told before or after it has left.
   * @param what `key`: it is not known, which counts later and only if no better one follows
   */
  fail({ place, isProved }: Guest<Handle>, nowMs: number, what: "key" | "rule" = "rule"): void {
    if (place === undefined || isProved) return;
    judgeFailures(place, nowMs);
    place.failuresMs.push(what === "key" ? nowMs + DOOR.keyGraceMs : nowMs);
    place.failuresMs.sort((a, b) => a - b);
    if (what === "key") place.keyFailures += 1;
    if (place.keyFailures >= DOOR.keyFailuresMax) refuse(place, nowMs);
    else judgeFailures(place, nowMs);
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
    if (isYoung) return "strangersMax";
    return allows(this.#arrivals, DOOR.strangersPerSecondMax, nowMs)
      ? undefined
      : "strangersPerSecondMax";
  }

  #placeOf(address: string, nowMs: number): Place {
    return (
      this.#places.get(address) ??
      this.#empty.get(address) ?? {
        address,
        strangers: 0,
        members: 0,
        arrivals: { left: DOOR.arrivalsPerSecondMax, reckonedMs: nowMs },
        failuresMs: [],
        keyFailures: 0,
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
  judgeFailures(place, nowMs);
  if (nowMs < place.refusedUntilMs) return "failuresMax";
  if (!allows(place.arrivals, DOOR.arrivalsPerSecondMax, nowMs)) return "arrivalsPerSecondMax";
  return place.strangers >= DOOR.strangersPerAddressMax ? "strangersPerAddressMax" : undefined;
}

/** Takes one, if there is one: `rate` of them come in a second, and as many are kept. */
function allows(allowance: Allowance, rate: number, nowMs: number): boolean {
  const earned = (Math.max(0, nowMs - allowance.reckonedMs) * rate) / 1_000;
  allowance.left = Math.min(rate, allowance.left + earned);
  allowance.reckonedMs = nowMs;
  if (allowance.left < 1) return false;
  allowance.left -= 1;
  return true;
}

/** Refuses a place from its `failuresMax`th failure on; forgets failures that are long ago. */
function judgeFailures(place: Place, nowMs: number): void {
  if (place.failuresMs.length === 0) return;
  const sinceMs = nowMs - DOOR.failureWindowMs;
  place.failuresMs = place.failuresMs.filter((atMs) => atMs > sinceMs);
  if (place.failuresMs.length === 0) place.keyFailures = 0;
  const lastMs = place.failuresMs[DOOR.failuresMax - 1];
  if (lastMs !== undefined && lastMs <= nowMs) refuse(place, lastMs);
}

function refuse(place: Place, fromMs: number): void {
  forgive(place);
  place.refusedUntilMs = fromMs + DOOR.refusalMs;
}

function forgive(place: Place): void {
  place.failuresMs = [];
  place.keyFailures = 0;
}
