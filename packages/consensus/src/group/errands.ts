/**
 * Errands: changes of members and handovers of the leadership, asked at any member, done by the leader.
 *
 * Like proposals, with one difference: nothing in the log says whose they are. So an answer that is
 * lost leaves an errand unknown, and only what a leader refused for certain is asked again.
 */
import type { Clock, Deadlines, NodeId, Timer } from "@foundation/core";
import type { GroupLimits, GroupTimes } from "../limits.js";
import type { Outcome, Refusal } from "../protocol/raft/inputs.js";
import type { Driver } from "./driver.js";
import { aborted, noQuorum, outcomeUnknown, refused, tooManyRequests } from "./group-errors.js";
import type { GroupRequestOptions } from "./group.js";
import { timeoutMsOf, Waiter, type WaiterOwner } from "./waiter.js";
import type { Answer, Ask, Errand, ErrandResult } from "./wire/peer-message.js";

export interface ErrandsParts {
  readonly group: string;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly driver: Driver;
  readonly limits: GroupLimits;
  readonly times: GroupTimes;
  /** False: it was certainly not sent. */
  send(to: NodeId, message: Ask | Answer): boolean;
}

type Done = Extract<ErrandResult, { type: "changed" | "transferred" }>;
type Rejected = Extract<ErrandResult, { type: "refused" }>;

class Trip extends Waiter<Done> {
  errand: Errand = { type: "transfer" };
  /** The number of the present attempt; 0 while it has not left. */
  sequence = 0;
  to: NodeId | undefined;
  /** Why the last attempt was refused. */
  refusal: Rejected | undefined;
}

/** Whom an outcome of the core is for. */
interface Customer {
  readonly from: NodeId;
  readonly sequence: number;
}

/** Refusals that may pass by themselves. */
const PASSING: readonly Refusal[] = ["transferring", "busy", "change-pending"];

export class Errands implements WaiterOwner<Trip> {
  readonly #parts: ErrandsParts;
  readonly #waiting = new Set<Trip>();
  readonly #sent = new Map<number, Trip>();
  /** Of other members, at this leader. */
  readonly #customers = new Map<number, Customer>();
  #retry: Timer | undefined;

  constructor(parts: ErrandsParts) {
    this.#parts = parts;
  }

  run(errand: Errand, { timeout, signal }: GroupRequestOptions): Promise<Done> {
    const { group, deadlines, limits, times } = this.#parts;
    const timeoutMs = timeoutMsOf(timeout, times.requestMs);
    if (signal?.aborted === true) return Promise.reject(aborted(group, signal.reason));
    if (this.#waiting.size + this.#sent.size >= limits.requestsMax) {
      return Promise.reject(tooManyRequests(group, limits.requestsMax, "messages"));
    }
    const owner = this as WaiterOwner<Trip>;
    const trip = new Trip(deadlines, timeoutMs, signal, owner as WaiterOwner<Waiter<Done>>);
    trip.errand = errand;
    this.#attempt(trip);
    return trip.promise;
  }

  /** The core tells what became of one; false: it is none of them. */
  outcome(outcome: Outcome): boolean {
    const { id } = outcome;
    const trip = this.#sent.get(id);
    if (trip) {
      this.#settle(trip, resultOf(outcome));
      return true;
    }
    const customer = this.#customers.get(id);
    if (!customer) return false;
    this.#customers.delete(id);
    this.#answer(customer, resultOf(outcome));
    return true;
  }

  asked(from: NodeId, { sequence, errand }: Ask): void {
    const { driver, limits } = this.#parts;
    const customer = { from, sequence };
    const isLeader = driver.raft?.status.role === "leader";
    if (!isLeader || this.#customers.size >= limits.requestsMax) {
      return this.#answer(customer, { type: "not-leader" });
    }
    const id = driver.nextRequest();
    this.#customers.set(id, customer);
    driver.feed({ ...errand, id });
  }

  answered(from: NodeId, { sequence, result }: Answer): void {
    const trip = this.#sent.get(sequence);
    if (trip?.to === from) this.#settle(trip, result);
  }

  /** There may be a leader. */
  flush(): void {
    if (this.#waiting.size === 0 || this.#parts.driver.status.leader === undefined) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const trip of waiting) this.#attempt(trip);
  }

  end(error: Error): void {
    this.#retry?.cancel();
    for (const trip of [...this.#waiting]) {
      this.#forget(trip);
      trip.reject(error);
    }
    for (const trip of [...this.#sent.values()]) {
      this.#forget(trip);
      trip.reject(outcomeUnknown(this.#parts.group, "process-ended", error));
    }
  }

  expired(trip: Trip): void {
    const { group } = this.#parts;
    const isSent = trip.sequence !== 0;
    this.#forget(trip);
    const { refusal } = trip;
    if (isSent) trip.reject(outcomeUnknown(group, "deadline-exceeded"));
    else if (refusal) trip.reject(refused(group, refusal.reason, refusal.detail));
    else trip.reject(noQuorum(group, trip.waitedMs));
  }

  aborted(trip: Trip): void {
    const { group } = this.#parts;
    const isSent = trip.sequence !== 0;
    this.#forget(trip);
    const reason: unknown = trip.signal?.reason;
    trip.reject(isSent ? outcomeUnknown(group, "aborted", reason) : aborted(group, reason));
  }

  #attempt(trip: Trip): void {
    const { driver } = this.#parts;
    const { role, leader } = driver.raft?.status ?? driver.status;
    if (leader === undefined) {
      trip.sequence = 0;
      this.#waiting.add(trip);
      return;
    }
    const sequence = driver.nextRequest();
    trip.sequence = sequence;
    this.#sent.set(sequence, trip);
    const { errand } = trip;
    if (role === "leader") {
      trip.to = undefined;
      driver.feed({ ...errand, id: sequence });
      return;
    }
    trip.to = leader;
    if (!this.#parts.send(leader, { type: "ask", sequence, errand })) this.#again(trip);
  }

  #settle(trip: Trip, result: ErrandResult): void {
    const { group } = this.#parts;
    switch (result.type) {
      case "not-leader":
        return this.#again(trip);
      case "refused":
        trip.refusal = result;
        if ((PASSING as readonly string[]).includes(result.reason)) return this.#again(trip);
        this.#forget(trip);
        return trip.reject(refused(group, result.reason, result.detail));
      case "unknown":
        this.#forget(trip);
        return trip.reject(outcomeUnknown(group, "deadline-exceeded"));
      default:
        this.#forget(trip);
        trip.resolve(result);
    }
  }

  #again(trip: Trip): void {
    this.#sent.delete(trip.sequence);
    trip.sequence = 0;
    this.#waiting.add(trip);
    this.#retry ??= this.#parts.clock.setTimer(this.#parts.times.retryMs, () => {
      this.#retry = undefined;
      this.flush();
    });
  }

  #answer({ from, sequence }: Customer, result: ErrandResult): void {
    this.#parts.send(from, { type: "answer", sequence, result });
  }

  #forget(trip: Trip): void {
    this.#sent.delete(trip.sequence);
    this.#waiting.delete(trip);
  }
}

function resultOf(outcome: Outcome): ErrandResult {
  switch (outcome.type) {
    case "committed":
      return { type: "changed", index: outcome.index };
    case "transferred":
      return { type: "transferred", to: outcome.to };
    case "unknown":
      return { type: "unknown" };
    case "not-applied": {
      const { reason, detail = "the leader could not do it" } = outcome;
      return reason === "not-leader" ? { type: reason } : { type: "refused", reason, detail };
    }
    default:
      return outcome satisfies never;
  }
}
