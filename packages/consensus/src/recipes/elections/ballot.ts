/**
 * Ballot: what one candidate knows of an election, and what it should do about it. Pure: the time is an argument.
 *
 * The candidates and the leader stand in the store, so every candidate counts the same ballot. A vacant leadership is
 * claimed by the best candidate (greatest score, then longest there); the others follow one by one, each after another
 * `claimStepMs`, in case those before them hang while their leases last. The claim itself is a compare-and-set: that there
 * is one leader does not depend on any of this.
 *
 * A leader gives way to a candidate that is better by more than `margin` and has been so for `settleMs`: no flapping when
 * candidates come and go.
 */
import type { KeyValue, LeaseId, Revision } from "../../engine/engine.js";

/** What a candidate's entry and the leader's say. */
export interface CandidateNote {
  /** The candidate's key. */
  readonly id: string;
  readonly client: string;
  readonly score: number;
  readonly lease: LeaseId;
}

/** A candidate. */
export interface Candidate extends CandidateNote {
  readonly createRevision: Revision;
}

/** A leader. */
export interface Leader extends CandidateNote {
  /** The revision that gave it the leadership. */
  readonly token: Revision;
}

export interface BallotTimes {
  readonly claimStepMs: number;
  readonly settleMs: number;
  /** A candidate must be better by more than this. */
  readonly margin: number;
}

/** What to do now; `wakeAtMs` says when to ask again though nothing has changed. */
export type Decision =
  | { readonly type: "follow" }
  | { readonly type: "wait"; readonly wakeAtMs: number }
  | { readonly type: "claim" }
  | { readonly type: "lead"; readonly token: Revision; readonly wakeAtMs: number | undefined }
  | { readonly type: "hand-over"; readonly token: Revision; readonly to: Candidate }
  /** The own entry is gone. */
  | { readonly type: "out" };

export class Ballot {
  readonly #ownId: string;
  readonly #leaderKey: string;
  readonly #times: BallotTimes;
  readonly #decode: (value: Uint8Array) => CandidateNote;
  #candidates = new Map<string, Candidate>();
  #leader: Leader | undefined;
  #vacantSinceMs: number | undefined;
  #better: { readonly id: string; readonly sinceMs: number } | undefined;

  constructor(
    ownId: string,
    leaderKey: string,
    times: BallotTimes,
    decode: (value: Uint8Array) => CandidateNote,
  ) {
    this.#ownId = ownId;
    this.#leaderKey = leaderKey;
    this.#times = times;
    this.#decode = decode;
  }

  get leader(): Leader | undefined {
    return this.#leader;
  }

  /** All there is. */
  reset(pairs: readonly KeyValue[]): void {
    this.#candidates = new Map();
    this.#leader = undefined;
    for (const pair of pairs) this.put(pair);
  }

  admit(candidate: Candidate): void {
    this.#candidates.set(candidate.id, candidate);
  }

  put(pair: KeyValue): void {
    const note = this.#decode(pair.value);
    if (pair.key === this.#leaderKey) this.#leader = { ...note, token: pair.modRevision };
    else this.#candidates.set(pair.key, { ...note, createRevision: pair.createRevision });
  }

  remove(key: string): void {
    if (key === this.#leaderKey) this.#leader = undefined;
    else this.#candidates.delete(key);
  }

  decide(nowMs: number): Decision {
    const own = this.#candidates.get(this.#ownId);
    if (!own) return { type: "out" };
    const leader = this.#leader;
    if (!leader) return this.#decideVacancy(own, nowMs);
    this.#vacantSinceMs = undefined;
    if (leader.id === this.#ownId) return this.#decideAsLeader(leader, nowMs);
    this.#better = undefined;
    return { type: "follow" };
  }

  #decideVacancy(own: Candidate, nowMs: number): Decision {
    this.#better = undefined;
    this.#vacantSinceMs ??= nowMs;
    let rank = 0;
    for (const other of this.#candidates.values()) if (isBefore(other, own)) rank += 1;
    const wakeAtMs = this.#vacantSinceMs + rank * this.#times.claimStepMs;
    return nowMs >= wakeAtMs ? { type: "claim" } : { type: "wait", wakeAtMs };
  }

  #decideAsLeader({ token, score }: Leader, nowMs: number): Decision {
    const better = this.#bestAbove(score + this.#times.margin);
    if (!better) {
      this.#better = undefined;
      return { type: "lead", token, wakeAtMs: undefined };
    }
    if (this.#better?.id !== better.id) this.#better = { id: better.id, sinceMs: nowMs };
    const wakeAtMs = this.#better.sinceMs + this.#times.settleMs;
    if (nowMs < wakeAtMs) return { type: "lead", token, wakeAtMs };
    return { type: "hand-over", token, to: better };
  }

  #bestAbove(score: number): Candidate | undefined {
    let best: Candidate | undefined;
    for (const each of this.#candidates.values()) {
      if (each.id === this.#ownId || each.score <= score) continue;
      if (!best || isBefore(each, best)) best = each;
    }
    return best;
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  return a.score > b.score || (a.score === b.score && a.createRevision < b.createRevision);
}
