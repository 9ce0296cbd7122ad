/**
 * Raft: one member of a replicated group as a pure state machine, `handle(input, now)` → batch.
 *
 * Diego Ongaro and John Ousterhout, "In Search of an Understandable Consensus Algorithm" (2014), and
 * Ongaro's thesis (2014); in the manner of etcd's raft. It joins the parts: election, leadership,
 * replication, snapshots, reads, changes of members, handover, proposals. inputs.ts says what the
 * shell does with a batch.
 *
 * Invariants (Figure 3 of the paper): Election Safety: one leader a term. Leader Append-Only. Log
 * Matching: equal (index, term) means equal logs up to there. Leader Completeness: what is committed
 * is in the log of every later leader. State Machine Safety: no two members apply different entries
 * at one index. And here: `now` never goes back; nothing leaves that a crash could make untrue.
 */
import type { NodeId } from "@foundation/core";
import { invariant } from "../invariant.js";
import { Changes } from "./changes.js";
import { ConfigurationHistory, NO_CONFIGURATION, type Configuration } from "./configuration.js";
import { Election } from "./election.js";
import { Handover } from "./handover.js";
import { Inbox } from "./inbox.js";
import type { Batch, RaftInput, RaftStatus } from "./inputs.js";
import { Leadership } from "./leadership.js";
import { checkedDrift, checkedLimits, checkedTimes, type RaftOptions } from "./options.js";
import { Proposals } from "./proposals.js";
import { Reads } from "./reads.js";
import { Replication } from "./replication.js";
import { SnapshotReceiving } from "./snapshot-receiving.js";
import { SnapshotSending } from "./snapshot-sending.js";
import { RaftState, type Recovered } from "./state.js";
import type { TimerName } from "./timers.js";

/** A member of a group. */
export class Raft {
  readonly #state: RaftState;
  readonly #election: Election;
  readonly #leadership: Leadership;
  readonly #replication: Replication;
  readonly #sending: SnapshotSending;
  readonly #inbox: Inbox;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #changes: Changes;
  readonly #handover: Handover;
  #told: RaftStatus | undefined;
  /** The timer that came late last and was put off: once, for this member may always be slow. */
  #spared: TimerName | undefined;
  #knownConfiguration: Configuration;

  /** @throws {ERR_INVALID_ARGUMENT} for times or limits that cannot work */
  constructor(options: RaftOptions) {
    const { id, group, random, recovered, lease } = options;
    const times = checkedTimes(options.times);
    const limits = checkedLimits(options.limits);
    const configurations = configurationsOf(recovered);
    const leaseDriftMax = checkedDrift(lease?.driftMax);
    const given = { id, group, random, times, limits, recovered, configurations, leaseDriftMax };
    const state = new RaftState(given);
    this.#state = state;
    this.#proposals = new Proposals(state);
    this.#reads = new Reads(state);
    this.#changes = new Changes(state, this.#proposals);
    this.#handover = new Handover(state, this.#proposals, this.#reads);
    this.#leadership = new Leadership(state, {
      proposals: this.#proposals,
      reads: this.#reads,
      changes: this.#changes,
      handover: this.#handover,
    });
    this.#sending = new SnapshotSending(state);
    this.#replication = new Replication(state, this.#sending, (progress) =>
      this.#changes.matched(progress),
    );
    this.#election = new Election(
      state,
      () => this.#leadership.begin(),
      () => this.#inbox.becomeFollower(state.term, undefined),
    );
    this.#inbox = new Inbox(state, {
      election: this.#election,
      leadership: this.#leadership,
      replication: this.#replication,
      sending: this.#sending,
      receiving: new SnapshotReceiving(state, recovered.staged),
      reads: this.#reads,
      handover: this.#handover,
    });
    this.#knownConfiguration = state.configuration;
  }

  get status(): RaftStatus {
    const { role, term, leader, configuration } = this.#state;
    return { role, term, leader, configuration };
  }

  /** The entries up to here are committed, as far as this member knows. */
  get commit(): number {
    return this.#state.commit;
  }

  /** Size of the log since it was compacted: what a snapshot would spare. */
  get logBytes(): number {
    return this.#state.log.sizeBytes;
  }

  /**
   * The greatest index a snapshot may be of: applied, and on disk. One of more would lie over a log
   * whose end a crash may bring back.
   */
  get snapshotIndex(): number {
    return Math.min(this.#state.applied, this.#state.outbox.durableIndex);
  }

  /** What a snapshot of the state machine as of `index` says of itself. */
  positionAt(index: number): {
    readonly index: number;
    readonly term: number;
    readonly configuration: Configuration;
  } {
    const { log, configurations } = this.#state;
    const term = log.termAt(index);
    const isFit = index <= this.snapshotIndex && term !== undefined;
    invariant(isFit, "a snapshot needs an index that is applied and on disk");
    return { index, term: term as number, configuration: configurations.at(index) };
  }

  /** Takes one input and gives what is to be done. */
  handle(input: RaftInput, now: number): Batch {
    this.feed(input, now);
    return this.take();
  }

  /** Takes an input; several in a row share appends, rounds and the write of the next `take`. */
  feed(input: RaftInput, now: number): void {
    invariant(now >= this.#state.now, "time never goes back");
    this.#state.now = now;
    this.#dispatch(input);
    this.#settle();
  }

  /** What is to be done since the last time. */
  take(): Batch {
    const state = this.#state;
    const { outbox, log, now, timers } = state;
    if (state.role === "leader") this.#replication.flush();
    this.#reads.flush();
    const { isHardStateNew, hardState } = state;
    state.isHardStateNew = false;
    const append = log.takeUnwritten();
    const write = outbox.takeWrite(hardState, isHardStateNew, append, log.lastIndex, now);
    const { diskStallsAt } = state;
    if (state.role === "leader" && diskStallsAt !== undefined) timers.ensure("disk", diskStallsAt);
    const committed = state.takeCommitted();
    const status = this.#takeStatus();
    const alarmAt = timers.takeAlarm();
    const batch = outbox.take(committed);
    if (write) batch.write = write;
    if (alarmAt !== undefined) batch.alarmAt = alarmAt;
    if (status) batch.status = status;
    return batch;
  }

  #dispatch(input: RaftInput): void {
    const state = this.#state;
    switch (input.type) {
      case "start":
        // What this member promised a leader before it was restarted is not on disk: keep it.
        state.leaderHeardAt = state.now;
        return state.resetElectionTimer();
      case "alarm":
        for (const { name, lateMs } of state.timers.fired(state.now)) this.#fired(name, lateMs);
        return;
      case "message":
        return this.#inbox.receive(input.message);
      case "propose":
        return this.#proposals.propose(input.id, input.data, this.#handover.isUnderway);
      case "change":
        return this.#changes.change(input, this.#handover.isUnderway);
      case "leave-joint":
        return this.#changes.leaveJoint(input.id, this.#handover.isUnderway);
      case "transfer":
        return this.#handover.begin(input.id, input.to);
      case "read":
        return this.#reads.read(input.id);
      case "persisted":
        return this.#persisted(input.write);
      case "applied":
        return this.#applied(input.index);
      case "snapshot-taken":
        return this.#snapshotTaken(input);
      case "snapshot-chunk":
        return this.#sending.chunkRead(input);
      case "snapshot-unreadable":
        return this.#sending.unreadable(input.to, input.id);
      case "unreachable":
        return this.#unreachable(input.peer);
      case "campaign":
        if (state.role !== "leader" && !state.isBoundByLease) this.#election.timedOut();
        return;
      default:
        return input satisfies never;
    }
  }

  #fired(timer: TimerName, lateMs: number): void {
    const { role, timers, now, times } = this.#state;
    const isLeader = role === "leader";
    // This member stood still itself: what arrived meanwhile is heard before silence is judged.
    if (timer === "election" || timer === "quorum") {
      const isSpared = lateMs > times.heartbeatMs && this.#spared !== timer;
      this.#spared = isSpared ? timer : undefined;
      if (isSpared) return timers.set(timer, now + times.heartbeatMs);
    }
    switch (timer) {
      case "election":
        if (!isLeader) this.#election.timedOut();
        return;
      case "heartbeat":
        if (isLeader) this.#leadership.beat();
        return;
      case "quorum":
        if (isLeader) this.#leadership.checkQuorum();
        return;
      case "disk":
        if (isLeader) this.#leadership.checkDisk();
        return;
      case "transfer":
        return this.#handover.timedOut();
      case "outcomes":
        return this.#proposals.giveUp();
      case "reads":
        return this.#reads.retry();
      default:
        return timer satisfies never;
    }
  }

  #persisted(number: number): void {
    const { outbox, id } = this.#state;
    for (const message of outbox.persisted(number)) {
      if (message.to === id) this.#inbox.receive(message);
      else outbox.send(message);
    }
  }

  #applied(index: number): void {
    const state = this.#state;
    invariant(index <= state.handed, "an entry is reported as applied that was not handed out");
    // A snapshot may have gone past what was being applied.
    state.applied = Math.max(state.applied, index);
  }

  #snapshotTaken({ snapshot, keepAfter }: Extract<RaftInput, { type: "snapshot-taken" }>): void {
    const state = this.#state;
    const { log, configurations } = state;
    if (snapshot.index <= (state.snapshot?.index ?? 0)) return;
    const isFit = snapshot.index <= this.snapshotIndex;
    invariant(isFit, "a snapshot has more than what is applied and on disk");
    state.snapshot = snapshot;
    const to = Math.min(keepAfter, snapshot.index);
    if (to < log.firstIndex) return;
    configurations.compact(to);
    log.compact(to);
  }

  #unreachable(peer: NodeId): void {
    const state = this.#state;
    this.#replication.unreachable(peer);
    // A voter's silence is part of a lease; without leases a broken link is reason enough to ask.
    if (peer !== state.leader || state.leaseDriftMax !== undefined) return;
    state.leaderHeardAt = Number.NEGATIVE_INFINITY;
    const soon = state.now + state.random.next() * state.times.heartbeatMs;
    state.timers.set("election", Math.min(state.timers.at("election") ?? soon, soon));
  }

  /** What follows from whatever changed, until nothing does. */
  #settle(): void {
    const state = this.#state;
    for (;;) {
      const { commit, role } = state;
      this.#replication.advanceCommit();
      this.#proposals.settle();
      if (this.#changes.settle()) {
        // The last thing it does as a leader is to tell what is committed.
        this.#replication.flush();
        this.#leadership.leave();
      }
      if (state.commit === commit && state.role === role) break;
    }
    this.#handover.advance();
    if (state.configuration === this.#knownConfiguration) return;
    this.#knownConfiguration = state.configuration;
    this.#reads.configurationChanged();
  }

  #takeStatus(): RaftStatus | undefined {
    const { role, term, leader, configuration } = this.#state;
    const told = this.#told;
    if (
      told?.role === role &&
      told.term === term &&
      told.leader === leader &&
      told.configuration === configuration
    ) {
      return undefined;
    }
    this.#told = { role, term, leader, configuration };
    return this.#told;
  }
}

/** The configurations a member finds in its snapshot and its log. */
function configurationsOf({ snapshot, entries }: Recovered): ConfigurationHistory {
  const base = snapshot?.index ?? 0;
  const history = new ConfigurationHistory(base, snapshot?.configuration ?? NO_CONFIGURATION);
  for (const entry of entries) {
    if (entry.type === "configuration" && entry.index > base) {
      history.append(entry.index, entry.configuration);
    }
  }
  return history;
}
