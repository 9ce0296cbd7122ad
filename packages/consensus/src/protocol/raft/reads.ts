/**
 * Reads: an index such that a state machine that has applied it answers linearizably.
 *
 * Thesis, section 6.4 (ReadIndex): the leader notes its commit index, once an entry of its term is
 * committed; a round of heartbeats that began afterwards and that a quorum answered proves that
 * nobody else led when the read was asked for; then the state machine must reach the index. Followers
 * ask the leader for an index. Section 6.4.1 (leases): a quorum's answer to a round also proves that
 * nobody else will lead within electionMs from when the round began, by the voters' clocks; only if
 * the group was told how much clocks drift, and never after this leader asked another one to
 * campaign, which voters obey in spite of the lease.
 *
 * Nothing is looked up by what a caller chose: a round is a number of one leadership; a follower's
 * question is (member, boot, sequence), the boot drawn at random each start. So two reads never pass
 * for one another (etcd issue 20418).
 */
import type { NodeId } from "@foundation/core";
import type { RequestId } from "./inputs.js";
import type { RaftMessage } from "./messages.js";
import { quorumReached } from "./quorum.js";
import type { RaftState } from "./state.js";

interface OwnRead {
  readonly id: RequestId;
  readonly since: number;
}

interface Question {
  readonly from: NodeId;
  readonly boot: string;
  readonly sequence: number;
}

/** Reads that share a round, and the index noted when it began. */
interface Round {
  readonly round: number;
  readonly index: number;
  readonly own: readonly OwnRead[];
  readonly questions: readonly Question[];
}

export class Reads {
  readonly #state: RaftState;
  readonly #boot: string;
  /** Of this node, not asked yet. */
  #own: OwnRead[] = [];
  /** Of followers, not in a round yet. */
  #questions: Question[] = [];
  #rounds: Round[] = [];
  /** Sent to the leader: sequence → reads. */
  readonly #asked = new Map<number, readonly OwnRead[]>();
  /** Wait for the state machine, by rising index but for stragglers. */
  #confirmed: { readonly index: number; readonly read: OwnRead }[] = [];
  #sequence = 0;
  /** The last round of this leadership, and when each unanswered one began. */
  #round = 0;
  #began: { readonly round: number; readonly at: number }[] = [];
  /** A quorum answered a round that began then; nobody else leads until electionMs later. */
  #quorumAt = Number.NEGATIVE_INFINITY;
  #isLeaseBroken = false;
  #count = 0;

  constructor(state: RaftState) {
    this.#state = state;
    const { random } = state;
    const part = (): string => random.uint32().toString(16).padStart(8, "0");
    this.#boot = part() + part() + part() + part();
  }

  /** A read of this node. */
  read(id: RequestId): void {
    const { limits, outbox, now, timers, times } = this.#state;
    if (this.#count >= limits.readsMax) {
      outbox.read({ type: "refused", id, reason: "busy" });
      return;
    }
    this.#count += 1;
    this.#own.push({ id, since: now });
    timers.ensure("reads", now + times.retryMs);
  }

  /** A follower asks; it asks again if it gets no answer. */
  questioned({ from, boot, sequence }: Extract<RaftMessage, { type: "read" }>): void {
    const { role, limits } = this.#state;
    if (role !== "leader" || this.#questions.length >= limits.readsMax) return;
    this.#questions.push({ from, boot, sequence });
  }

  answered({ boot, sequence, index }: Extract<RaftMessage, { type: "read-reply" }>): void {
    const reads = boot === this.#boot ? this.#asked.get(sequence) : undefined;
    if (!reads) return;
    this.#asked.delete(sequence);
    this.#confirm(reads, index);
  }

  /** Another leader, or none: what was asked must be asked again. */
  leaderChanged(): void {
    for (const { own } of this.#rounds) this.#own.push(...own);
    for (const reads of this.#asked.values()) this.#own.push(...reads);
    this.#rounds = [];
    this.#questions = [];
    this.#asked.clear();
    this.#round = 0;
    this.#began = [];
    this.#quorumAt = Number.NEGATIVE_INFINITY;
    this.#isLeaseBroken = false;
  }

  /** Voters were asked to campaign in spite of the lease. */
  breakLease(): void {
    this.#isLeaseBroken = true;
  }

  /** Other voters: what the former ones promised does not count. */
  configurationChanged(): void {
    this.#began = [];
    this.#quorumAt = Number.NEGATIVE_INFINITY;
  }

  /** Begins a round of heartbeats, which also keeps the leadership. */
  beat(): number {
    const { now, progress, commit } = this.#state;
    this.#round += 1;
    this.#began.push({ round: this.#round, at: now });
    for (const { id, match } of progress.values()) {
      const told = Math.min(match, commit);
      this.#state.send(id, { type: "heartbeat", round: this.#round, commit: told });
    }
    return this.#round;
  }

  /** Answers to rounds may have arrived. */
  roundsAnswered(): void {
    const { role, configuration, id, progress } = this.#state;
    if (role !== "leader" || this.#began.length + this.#rounds.length === 0) return;
    const reached = quorumReached(configuration, (member) =>
      member === id ? this.#round : (progress.get(member)?.round ?? 0),
    );
    while (this.#began[0] !== undefined && this.#began[0].round <= reached) {
      this.#quorumAt = this.#began[0].at;
      this.#began.shift();
    }
    while (this.#rounds[0] !== undefined && this.#rounds[0].round <= reached) {
      this.#finish(this.#rounds.shift() as Round);
    }
  }

  /** Asks for what waits: once for everything that came since the last time. */
  flush(): void {
    const { role, leader } = this.#state;
    if (role === "leader") this.#begin();
    else if (leader !== undefined && this.#own.length > 0) this.#ask(leader);
    this.#release();
  }

  /** Asks again, and refuses what waited too long. */
  retry(): void {
    const { now, times, timers, role } = this.#state;
    if (role !== "leader") {
      for (const reads of this.#asked.values()) this.#own.push(...reads);
      this.#asked.clear();
    }
    const isOld = ({ since }: OwnRead): boolean => now - since >= times.readMs;
    this.#own = this.#own.filter((read) => !isOld(read) || this.#refuse(read));
    this.#confirmed = this.#confirmed.filter(({ read }) => !isOld(read) || this.#refuse(read));
    if (this.#count > 0) timers.set("reads", now + times.retryMs);
  }

  #begin(): void {
    const { isTermCommitted, commit, limits, outbox } = this.#state;
    if (this.#own.length + this.#questions.length === 0 || !isTermCommitted) return;
    const hasLease = this.#hasLease();
    if (!hasLease && this.#rounds.length >= limits.readRoundsMax) return;
    const own = this.#own;
    const questions = this.#questions;
    this.#own = [];
    this.#questions = [];
    if (hasLease) {
      outbox.count("read-lease");
      this.#finish({ round: this.#round, index: commit, own, questions });
      return;
    }
    outbox.count("read-round");
    this.#rounds.push({ round: this.beat(), index: commit, own, questions });
    // A group of one has its quorum at once.
    this.roundsAnswered();
  }

  #ask(leader: NodeId): void {
    this.#sequence += 1;
    this.#asked.set(this.#sequence, this.#own);
    this.#own = [];
    this.#state.send(leader, { type: "read", boot: this.#boot, sequence: this.#sequence });
  }

  #hasLease(): boolean {
    const { leaseDriftMax, now, times } = this.#state;
    if (leaseDriftMax === undefined || this.#isLeaseBroken) return false;
    return now < this.#quorumAt + times.electionMs * (1 - leaseDriftMax);
  }

  #finish({ index, own, questions }: Round): void {
    this.#confirm(own, index);
    for (const { from, boot, sequence } of questions) {
      this.#state.send(from, { type: "read-reply", boot, sequence, index });
    }
  }

  #confirm(reads: readonly OwnRead[], index: number): void {
    for (const read of reads) this.#confirmed.push({ index, read });
  }

  #release(): void {
    const { applied, outbox } = this.#state;
    if (!this.#confirmed.some(({ index }) => index <= applied)) return;
    this.#confirmed = this.#confirmed.filter(({ index, read }) => {
      if (index > applied) return true;
      outbox.read({ type: "ready", id: read.id, index });
      this.#count -= 1;
      return false;
    });
    if (this.#count === 0) this.#state.timers.clear("reads");
  }

  #refuse({ id }: OwnRead): false {
    this.#state.outbox.read({ type: "refused", id, reason: "timeout" });
    this.#count -= 1;
    return false;
  }
}
