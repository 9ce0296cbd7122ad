/**
 * Replication: how the log of a leader becomes that of its followers, and what is committed by it.
 *
 * Raft paper, section 5.3 and Figure 2 (AppendEntries); section 5.4.2: only an entry of the leader's
 * own term is committed by counting. Pipelining and the leader's own disk in parallel: thesis,
 * section 10.2. A refusal names where the logs may agree, so that at most one message a term is
 * needed to find it (the paper's optimisation at the end of section 5.3, in etcd's form).
 */
import type { NodeId } from "@foundation/core";
import { invariant } from "../invariant.js";
import type { RaftMessage } from "./messages.js";
import type { Progress } from "./progress.js";
import { quorumReached } from "./quorum.js";
import type { SnapshotSending } from "./snapshot-sending.js";
import type { RaftState } from "./state.js";

type Append = Extract<RaftMessage, { type: "append" }>;
type Heartbeat = Extract<RaftMessage, { type: "heartbeat" }>;
type Refused = Extract<RaftMessage, { type: "append-refused" }>;

export class Replication {
  readonly #state: RaftState;
  readonly #snapshots: SnapshotSending;
  /** A follower's acknowledged index grew. */
  readonly #onMatch: (progress: Progress) => void;

  constructor(state: RaftState, snapshots: SnapshotSending, onMatch: (progress: Progress) => void) {
    this.#state = state;
    this.#snapshots = snapshots;
    this.#onMatch = onMatch;
  }

  // Follower.

  /** An append of the leader of this member's term. */
  appendReceived({ from, prevIndex, prevTerm, entries, commit }: Append): void {
    const state = this.#state;
    const { log } = state;
    if (prevIndex < state.commit) {
      // Everything up to commit is the leader's too; it is only behind with what it knows of us.
      state.sendDurable(from, { type: "appended", index: state.commit });
      return;
    }
    if (!log.matches(prevIndex, prevTerm)) {
      const hintIndex = log.lastNotAbove(Math.min(prevIndex, log.lastIndex), prevTerm);
      const hintTerm = log.termAt(hintIndex) ?? 0;
      state.outbox.count("append-refused");
      state.send(from, { type: "append-refused", index: prevIndex, hintIndex, hintTerm });
      return;
    }
    const fresh = log.firstNew(entries);
    if (fresh) {
      if (fresh.index <= log.lastIndex) state.truncate(fresh.index - 1);
      state.append(entries.slice(fresh.index - prevIndex - 1));
    }
    const index = prevIndex + entries.length;
    state.commitTo(Math.min(commit, index));
    state.sendDurable(from, { type: "appended", index });
  }

  heartbeatReceived({ from, round, commit }: Heartbeat): void {
    // The leader names no more than this member acknowledged.
    this.#state.commitTo(Math.min(commit, this.#state.log.lastIndex));
    this.#state.send(from, { type: "heartbeat-reply", round });
  }

  // Leader.

  appended(from: NodeId, index: number): void {
    const progress = this.#heard(from);
    if (!progress) return;
    invariant(index <= this.#state.log.lastIndex, "a follower has more than its leader sent");
    const isNews = progress.appended(index);
    if (isNews || index === progress.match) this.#pipeline(progress);
    if (isNews) this.#onMatch(progress);
  }

  refused({ from, index, hintIndex, hintTerm }: Refused): void {
    const progress = this.#heard(from);
    if (!progress) return;
    const { log } = this.#state;
    const hint = log.lastNotAbove(hintIndex, hintTerm);
    progress.refused(index, hint);
  }

  /** A follower answered a heartbeat; what was sent to it before may be lost. */
  heartbeatReplied(from: NodeId, round: number): void {
    const progress = this.#heard(from);
    if (!progress) return;
    progress.round = Math.max(progress.round, round);
    progress.resume(this.#state.limits);
    if (progress.state === "snapshot") this.#snapshots.resume(progress);
    else if (progress.match < this.#state.log.lastIndex) this.#send(progress, true);
  }

  /** The link to it broke. */
  unreachable(peer: NodeId): void {
    const progress = this.#state.progress.get(peer);
    if (progress?.state === "replicate") progress.probe();
  }

  /** Sends everybody what it lacks, as far as its window is open. */
  flush(): void {
    for (const progress of this.#state.progress.values()) this.#send(progress, false);
  }

  /** Figure 2, leaders: the greatest index a quorum has on disk, if its entry is of this term. */
  advanceCommit(): void {
    const state = this.#state;
    const { id, outbox, progress, log } = state;
    if (state.role !== "leader" || state.commit === log.lastIndex) return;
    const index = quorumReached(state.configuration, (member) =>
      member === id ? outbox.durableIndex : (progress.get(member)?.match ?? 0),
    );
    if (index > state.commit && log.termAt(index) === state.term) state.commitTo(index);
  }

  #heard(from: NodeId): Progress | undefined {
    const progress = this.#state.progress.get(from);
    if (progress) progress.activeAt = this.#state.now;
    return progress;
  }

  /** Where the logs agree is known, and what follows is here. */
  #pipeline(progress: Progress): void {
    const { firstIndex } = this.#state.log;
    if (progress.state !== "replicate" && progress.match + 1 >= firstIndex) progress.replicate();
  }

  #send(progress: Progress, isForced: boolean): void {
    const { log, limits, commit } = this.#state;
    let mustSend = isForced;
    while (!progress.isBlocked(limits)) {
      const isNew = progress.next <= log.lastIndex || progress.toldCommit < commit;
      if (!isNew && !mustSend) return;
      const prevIndex = progress.next - 1;
      const prevTerm = log.termAt(prevIndex);
      if (prevTerm === undefined) {
        this.#snapshots.begin(progress);
        return;
      }
      const { appendBytesAim, appendEntriesMax } = limits;
      const entries = log.slice(progress.next, log.lastIndex, appendBytesAim, appendEntriesMax);
      this.#state.send(progress.id, { type: "append", prevIndex, prevTerm, entries, commit });
      progress.sent(entries);
      const told = Math.min(commit, prevIndex + entries.length);
      progress.toldCommit = Math.max(progress.toldCommit, told);
      mustSend = false;
    }
  }
}
