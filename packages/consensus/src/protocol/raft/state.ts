/**
 * RaftState: what the parts of a member share: Figure 2's state, and the few steps that several
 * parts take.
 *
 * Invariants: the term never falls; one vote a term; commit and applied never fall; applied ≤
 * handed out ≤ commit ≤ last index.
 */
import type { NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { RaftLimits, RaftTimes } from "../../limits.js";
import { invariant } from "../invariant.js";
import { isVoter, type Configuration, type ConfigurationHistory } from "./configuration.js";
import { entryBytes, type Entry, type HardState, type SnapshotMeta } from "./entry.js";
import type { Role } from "./inputs.js";
import { RaftLog } from "./log.js";
import type { RaftBody } from "./messages.js";
import { Outbox } from "./outbox.js";
import type { Progress } from "./progress.js";
import { Timers } from "./timers.js";

/** What a member found on its disk. */
export interface Recovered {
  readonly hardState: HardState;
  /** The entries behind the snapshot, or from index 1 on. */
  readonly entries: readonly Entry[];
  readonly snapshot?: SnapshotMeta;
  /** A snapshot that was arriving: its staged bytes are durable up to `offset`. */
  readonly staged?: { readonly id: string; readonly offset: number };
}

export interface StateOptions {
  readonly id: NodeId;
  readonly group: string;
  readonly random: Random;
  readonly times: RaftTimes;
  readonly limits: RaftLimits;
  readonly leaseDriftMax: number | undefined;
  readonly recovered: Recovered;
  readonly configurations: ConfigurationHistory;
}

export class RaftState {
  readonly id: NodeId;
  readonly group: string;
  readonly random: Random;
  readonly times: RaftTimes;
  readonly limits: RaftLimits;
  /** How much two members' clocks may differ in rate; undefined: no reads by lease. */
  readonly leaseDriftMax: number | undefined;
  readonly log: RaftLog;
  readonly configurations: ConfigurationHistory;
  readonly outbox: Outbox;
  readonly timers = new Timers();
  /** Of a leader: every other member. */
  readonly progress = new Map<NodeId, Progress>();

  now = Number.NEGATIVE_INFINITY;
  term: number;
  vote: NodeId | undefined;
  role: Role = "follower";
  leader: NodeId | undefined;
  /** When a leader was heard last: until electionMs later no other one is voted for. */
  leaderHeardAt = Number.NEGATIVE_INFINITY;
  commit: number;
  /** Handed out for application. */
  handed: number;
  applied: number;
  snapshot: SnapshotMeta | undefined;
  /** Of a leader: the entry its term began with. */
  termStart = 0;
  /** Of a leader: size of what is not committed. */
  uncommittedBytes = 0;
  /** Term or vote changed since the last write. */
  isHardStateNew = false;

  constructor(options: StateOptions) {
    const { recovered } = options;
    const { snapshot, hardState, entries } = recovered;
    this.id = options.id;
    this.group = options.group;
    this.random = options.random;
    this.times = options.times;
    this.limits = options.limits;
    this.leaseDriftMax = options.leaseDriftMax;
    this.configurations = options.configurations;
    const base = snapshot?.index ?? 0;
    // The disk may keep entries that the snapshot has too.
    const first = entries[0]?.index ?? base + 1;
    invariant(first === 1 || first <= base + 1, "the log on disk begins behind the snapshot");
    const kept = entries.filter(({ index }) => index > base);
    this.log = new RaftLog(base, snapshot?.term ?? 0, kept);
    this.term = hardState.term;
    this.vote = hardState.vote;
    invariant(this.log.lastTerm <= this.term, "the log on disk is of a later term than the member");
    this.snapshot = snapshot;
    this.commit = Math.max(base, Math.min(hardState.commit, this.log.lastIndex));
    this.handed = base;
    this.applied = base;
    this.outbox = new Outbox(this.log.lastIndex);
  }

  get configuration(): Configuration {
    return this.configurations.current;
  }

  /** A leader may count on this voter's silence: its own candidacy would break the lease like its vote for another. */
  get isBoundByLease(): boolean {
    const { leaseDriftMax, leaderHeardAt, now, times } = this;
    return leaseDriftMax !== undefined && now - leaderHeardAt < times.electionMs;
  }

  /**
   * A voter, or one that was until a configuration that may yet be cut off: it "might still be
   * needed" (thesis, section 4.2.2), when its log is the only one others would vote for. Its own vote
   * counts only in a configuration it is part of.
   */
  get mayCampaign(): boolean {
    const { configurations, commit, id } = this;
    if (isVoter(configurations.current, id)) return true;
    return configurations.index > commit && isVoter(configurations.previous, id);
  }

  /** An entry of the leader's own term is committed, so it knows what else is. */
  get isTermCommitted(): boolean {
    return this.role === "leader" && this.commit >= this.termStart;
  }

  /**
   * When the disk counts as one that stands still, if its oldest open write is not durable before. A timer is set to this
   * very sum: a difference of fractions can fall just short of it, and would be looked at in the same instant for ever.
   */
  get diskStallsAt(): number | undefined {
    const { outbox, times } = this;
    return outbox.writingSince === undefined ? undefined : outbox.writingSince + times.diskStallMs;
  }

  get isDiskStalled(): boolean {
    return this.now >= (this.diskStallsAt ?? Number.POSITIVE_INFINITY);
  }

  get hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.commit };
  }

  /** Sends in this member's name and term. */
  send(to: NodeId, body: RaftBody, term = this.term): void {
    this.outbox.send({ group: this.group, from: this.id, to, term, ...body });
  }

  /** Sends when what was decided until now is on disk. */
  sendDurable(to: NodeId, body: RaftBody): void {
    this.outbox.sendDurable({ group: this.group, from: this.id, to, term: this.term, ...body });
  }

  /** Raft paper, Figure 2: "currentTerm: increases monotonically"; a new term has no vote yet. */
  enterTerm(term: number): void {
    invariant(term > this.term, "the term falls");
    this.term = term;
    this.vote = undefined;
    this.isHardStateNew = true;
  }

  /** Appends entries; a configuration counts from here on. */
  append(entries: readonly Entry[]): void {
    this.log.append(entries);
    for (const entry of entries) {
      if (entry.type === "configuration") {
        this.configurations.append(entry.index, entry.configuration);
      }
      if (this.role === "leader") this.uncommittedBytes += entryBytes(entry);
    }
  }

  /** Cuts what conflicts with a leader's log. */
  truncate(index: number): void {
    invariant(index >= this.commit, "a committed entry would be cut");
    invariant(this.role !== "leader", "a leader never overwrites or deletes its entries");
    this.log.truncate(index);
    this.configurations.truncate(index);
    this.outbox.cut(index);
  }

  commitTo(index: number): void {
    if (index <= this.commit) return;
    invariant(index <= this.log.lastIndex, "an entry is committed that is not in the log");
    if (this.role === "leader") {
      for (let at = this.commit + 1; at <= index; at += 1) {
        this.uncommittedBytes -= entryBytes(this.log.entryAt(at) as Entry);
      }
    }
    this.commit = index;
  }

  /** What may be applied now; it counts as handed out. */
  takeCommitted(): readonly Entry[] {
    const { applyBytesAim, applyEntriesMax } = this.limits;
    const room = applyEntriesMax - (this.handed - this.applied);
    if (this.handed >= this.commit || room <= 0) return [];
    const entries = this.log.slice(this.handed + 1, this.commit, applyBytesAim, room);
    this.handed = entries.at(-1)?.index ?? this.handed;
    return entries;
  }

  resetElectionTimer(): void {
    const { electionMs } = this.times;
    this.timers.set("election", this.now + electionMs * (1 + this.random.next()));
  }
}
