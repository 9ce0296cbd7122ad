/**
 * Leadership: what a leader does besides replicating: it begins its term, beats, and ceases.
 *
 * Raft paper, Figure 2 (rules for leaders) and section 8 (the empty entry); thesis, section 6.2: "a
 * leader steps down if an election timeout elapses without a successful round of heartbeats to a
 * majority of its cluster", so that its clients can turn to another one. So does a leader whose own
 * disk stands still: it would keep everybody from electing one that can write.
 */
import { entryBytes, type Entry } from "./entry.js";
import type { RaftNotice } from "./inputs.js";
import { voteResult } from "./quorum.js";
import type { Changes } from "./changes.js";
import type { Handover } from "./handover.js";
import type { Proposals } from "./proposals.js";
import type { Reads } from "./reads.js";
import type { RaftState } from "./state.js";

export interface LeadershipParts {
  readonly proposals: Proposals;
  readonly reads: Reads;
  readonly changes: Changes;
  readonly handover: Handover;
}

type StepDownReason = Extract<RaftNotice, { type: "stepped-down" }>["reason"];

export class Leadership {
  readonly #state: RaftState;
  readonly #parts: LeadershipParts;

  constructor(state: RaftState, parts: LeadershipParts) {
    this.#state = state;
    this.#parts = parts;
  }

  /** A quorum elected this member. */
  begin(): void {
    const state = this.#state;
    const { log, term, timers, now, times, commit } = state;
    state.role = "leader";
    state.leader = state.id;
    state.progress.clear();
    this.#parts.reads.leaderChanged();
    this.#parts.changes.syncProgress();
    state.uncommittedBytes = 0;
    for (let at = commit + 1; at <= log.lastIndex; at += 1) {
      state.uncommittedBytes += entryBytes(log.entryAt(at) as Entry);
    }
    state.termStart = log.lastIndex + 1;
    state.append([{ type: "empty", index: state.termStart, term }]);
    timers.clear("election");
    timers.set("heartbeat", now + times.heartbeatMs);
    timers.set("quorum", now + times.electionMs);
  }

  /** Figure 2: "send heartbeat during idle periods to prevent election timeouts". */
  beat(): void {
    const { timers, now, times } = this.#state;
    timers.set("heartbeat", now + times.heartbeatMs);
    this.#parts.reads.beat();
  }

  /** Was a quorum heard within an election timeout? */
  checkQuorum(): void {
    const { id, progress, now, times, timers, configuration } = this.#state;
    const result = voteResult(configuration, (member) => {
      if (member === id) return true;
      const heardAt = progress.get(member)?.activeAt ?? Number.NEGATIVE_INFINITY;
      return now - heardAt <= times.electionMs;
    });
    if (result === "won") timers.set("quorum", now + times.electionMs / 2);
    else this.stepDown("no-quorum");
  }

  /** Is the own disk alive? */
  checkDisk(): void {
    if (!this.#state.isDiskStalled) return;
    this.#parts.handover.resign();
    this.stepDown("disk-stalled");
  }

  /** The configuration without this member is committed. */
  leave(): void {
    this.#parts.handover.resign();
    this.stepDown("removed");
  }

  /** Ceases to lead; the term is entered by the caller if it is a new one. */
  stepDown(reason: StepDownReason): void {
    const state = this.#state;
    const { timers, outbox } = state;
    outbox.notice({ type: "stepped-down", reason });
    state.role = "follower";
    state.leader = undefined;
    state.progress.clear();
    for (const timer of ["heartbeat", "quorum", "disk"] as const) timers.clear(timer);
    state.resetElectionTimer();
    this.#parts.proposals.leadershipLost();
    this.#parts.reads.leaderChanged();
  }
}
