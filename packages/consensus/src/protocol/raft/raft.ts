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
import { coreErrors, resolveLimits, type NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { RAFT_LIMITS, RAFT_TIMES, type RaftLimits, type RaftTimes } from "../../limits.js";
import { invariant } from "../invariant.js";
import { Changes } from "./changes.js";
import { ConfigurationHistory, NO_CONFIGURATION, type Configuration } from "./configuration.js";
import { Election } from "./election.js";
import { Handover } from "./handover.js";
import type { Batch, RaftInput, RaftStatus } from "./inputs.js";
import { Leadership } from "./leadership.js";
import type { RaftMessage } from "./messages.js";
import { Proposals } from "./proposals.js";
import { Reads } from "./reads.js";
import { Replication } from "./replication.js";
import { SnapshotReceiving } from "./snapshot-receiving.js";
import { SnapshotSending } from "./snapshot-sending.js";
import { RaftState, type Recovered } from "./state.js";
import type { TimerName } from "./timers.js";

export interface RaftOptions {
  readonly id: NodeId;
  /** The group's random id, the same on every member. */
  readonly group: string;
  readonly random: Random;
  /** What the disk holds: of a first voter `firstEntries`, of a later member nothing. */
  readonly recovered: Recovered;
  /** @default RAFT_TIMES, those of one data centre */
  readonly times?: Partial<RaftTimes>;
  /** @default RAFT_LIMITS */
  readonly limits?: Partial<RaftLimits>;
  /**
   * Answers reads by lease, without a round of heartbeats: linearizable only while no two members'
   * clocks differ in rate by more than `driftMax` (0.1: a tenth), and no member stands still between
   * deciding and answering. Equal on every member.
   *
   * @default none: every read costs a round
   */
  readonly lease?: { readonly driftMax: number };
}

/** A member of a group. */
export class Raft {
  readonly #state: RaftState;
  readonly #election: Election;
  readonly #leadership: Leadership;
  readonly #replication: Replication;
  readonly #sending: SnapshotSending;
  readonly #receiving: SnapshotReceiving;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  readonly #changes: Changes;
  readonly #handover: Handover;
  #told: RaftStatus | undefined;
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
    this.#receiving = new SnapshotReceiving(state, recovered.staged);
    this.#replication = new Replication(state, this.#sending, (progress) =>
      this.#changes.matched(progress),
    );
    this.#election = new Election(
      state,
      () => this.#leadership.begin(),
      () => this.#becomeFollower(state.term, undefined),
    );
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
    const { outbox, log, now, timers, times } = state;
    if (state.role === "leader") this.#replication.flush();
    this.#reads.flush();
    const { isHardStateNew, hardState } = state;
    state.isHardStateNew = false;
    const append = log.takeUnwritten();
    const write = outbox.takeWrite(hardState, isHardStateNew, append, log.lastIndex, now);
    const since = outbox.writingSince;
    if (state.role === "leader" && since !== undefined) {
      timers.ensure("disk", since + times.diskStallMs);
    }
    const committed = state.takeCommitted();
    const status = this.#takeStatus();
    const alarmAt = timers.takeAlarm();
    return {
      ...(write && { write }),
      committed,
      ...outbox.take(),
      ...(alarmAt !== undefined && { alarmAt }),
      ...(status && { status }),
    };
  }

  #dispatch(input: RaftInput): void {
    const state = this.#state;
    switch (input.type) {
      case "start":
        // What this member promised a leader before it was restarted is not on disk: keep it.
        state.leaderHeardAt = state.now;
        return state.resetElectionTimer();
      case "alarm":
        for (const timer of state.timers.fired(state.now)) this.#fired(timer);
        return;
      case "message":
        return this.#receive(input.message);
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
        if (state.role !== "leader") this.#election.timedOut();
        return;
      default:
        return input satisfies never;
    }
  }

  #fired(timer: TimerName): void {
    const isLeader = this.#state.role === "leader";
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

  #receive(message: RaftMessage): void {
    const state = this.#state;
    const { group, to, from, type, term } = message;
    if (group !== state.group) return state.outbox.count("message-foreign-group");
    if (to !== state.id) return state.outbox.count("message-misdirected");
    if (term < state.term) return this.#receiveStale(message);
    if (term > state.term) {
      if (type === "vote" && this.#election.isHeldByLease(message)) {
        return state.outbox.count("vote-ignored-lease");
      }
      // A pre-vote and its grant name a term that nobody has entered yet.
      const isPre = (type === "vote" && message.isPre) || isPreGrant(message);
      if (!isPre) this.#becomeFollower(term, undefined);
    }
    if (type === "append" || type === "heartbeat" || type === "snapshot") this.#follow(from);
    this.#handleMessage(message);
  }

  /** Figure 2: "reply false if term < currentTerm", so that the sender learns the term. */
  #receiveStale(message: RaftMessage): void {
    const state = this.#state;
    const { from, type } = message;
    state.outbox.count("message-stale");
    if (type === "vote") {
      const { isPre } = message;
      state.sendDurable(from, { type: "vote-reply", isPre, isGranted: false });
    } else if (type === "append" || type === "heartbeat" || type === "snapshot") {
      // Else a leader that this member cannot follow would keep it from ever being heard.
      const none = { index: 0, hintIndex: 0, hintTerm: 0 };
      state.sendDurable(from, { type: "append-refused", ...none });
    }
  }

  #handleMessage(message: RaftMessage): void {
    const isLeader = this.#state.role === "leader";
    switch (message.type) {
      case "vote":
        return this.#election.voteAsked(message);
      case "vote-reply":
        return this.#election.voteReplied(message);
      case "append":
        return this.#replication.appendReceived(message);
      case "appended":
        if (isLeader) this.#replication.appended(message.from, message.index);
        return;
      case "append-refused":
        if (isLeader) this.#replication.refused(message);
        return;
      case "heartbeat":
        return this.#replication.heartbeatReceived(message);
      case "heartbeat-reply":
        if (isLeader) this.#replication.heartbeatReplied(message.from, message.round);
        return this.#reads.roundsAnswered();
      case "snapshot":
        return this.#receiving.received(message);
      case "snapshot-reply":
        if (isLeader) this.#sending.replied(message.from, message.id, message.offset);
        return;
      case "timeout-now":
        if (!isLeader) this.#election.campaignForTransfer();
        return;
      case "read":
        return this.#reads.questioned(message);
      case "read-reply":
        return this.#reads.answered(message);
      default:
        return message satisfies never;
    }
  }

  /** The leader of this term was heard. */
  #follow(leader: NodeId): void {
    const state = this.#state;
    invariant(state.role !== "leader", "two members lead in one term");
    state.leaderHeardAt = state.now;
    if (state.role !== "follower" || state.leader !== leader) {
      this.#becomeFollower(state.term, leader);
    } else state.resetElectionTimer();
  }

  /** Figure 2, all servers: a higher term, or a leader of this one, makes a follower. */
  #becomeFollower(term: number, leader: NodeId | undefined): void {
    const state = this.#state;
    if (state.role === "leader") this.#leadership.stepDown("higher-term");
    if (term > state.term) state.enterTerm(term);
    state.role = "follower";
    const isOther = state.leader !== leader;
    state.leader = leader;
    state.resetElectionTimer();
    if (!isOther) return;
    this.#reads.leaderChanged();
    if (leader !== undefined) this.#handover.leaderKnown(leader);
  }

  #persisted(number: number): void {
    const { outbox, id } = this.#state;
    for (const message of outbox.persisted(number)) {
      if (message.to === id) this.#receive(message);
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

function isPreGrant(message: RaftMessage): boolean {
  return message.type === "vote-reply" && message.isPre && message.isGranted;
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

function checkedTimes(given: Partial<RaftTimes> | undefined): RaftTimes {
  const times = resolveLimits(RAFT_TIMES, given);
  if (times.electionMs >= 3 * times.heartbeatMs) return times;
  throw invalid("times.electionMs", "at least three heartbeats", String(times.electionMs));
}

/** What other members would call malformed must not be sent. */
function checkedLimits(given: Partial<RaftLimits> | undefined): RaftLimits {
  const limits = resolveLimits(RAFT_LIMITS, given);
  const names = ["commandBytesMax", "membersMax", "appendEntriesMax", "chunkBytesMax"] as const;
  for (const name of names) {
    if (limits[name] <= RAFT_LIMITS[name]) continue;
    throw invalid(`limits.${name}`, `at most ${RAFT_LIMITS[name]}`, String(limits[name]));
  }
  return limits;
}

function checkedDrift(driftMax: number | undefined): number | undefined {
  if (driftMax === undefined || (driftMax > 0 && driftMax < 1)) return driftMax;
  throw invalid("lease.driftMax", "a number above 0 and below 1", String(driftMax));
}

function invalid(argument: string, expected: string, found: string): Error {
  const message = `${argument} must be ${expected}, found ${found}`;
  return coreErrors.ERR_INVALID_ARGUMENT(message, { argument, expected, found });
}
