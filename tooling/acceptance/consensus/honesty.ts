/**
 * Honesty: rules that a single member can be seen to break before any harm is done by it: what it says is on its disk,
 * what it commits is on a quorum of disks, and it goes by the configuration in its log. A group breaks Figure 3 only
 * after several of these in a row, in an unlucky order.
 */
import type { NodeId } from "@foundation/core";
import {
  isJoint,
  type Batch,
  type Configuration,
  type Raft,
  type RaftMessage,
  type Role,
} from "@foundation/consensus";
import { nodeName } from "./checks.js";
import type { ModelDisk } from "./model-disk.js";
import { isQuorum } from "./quorum.js";
import { fail } from "./violation.js";

/** What a message found. */
export interface Before {
  readonly term: number;
  readonly role: Role;
}

export class Honesty {
  readonly #disk: ModelDisk;
  readonly #disks: ReadonlyMap<NodeId, ModelDisk>;
  #commit = 0;
  #role: Role = "follower";
  #configuration: Configuration | undefined;
  #matching: Configuration | undefined;

  constructor(disk: ModelDisk, disks: ReadonlyMap<NodeId, ModelDisk>) {
    this.#disk = disk;
    this.#disks = disks;
  }

  /** After each input of one life of a member, when its write has begun. */
  check(raft: Raft, { messages, write }: Batch): void {
    const { role, configuration } = raft.status;
    const isLeader = role === "leader";
    const wasLeader = this.#role === "leader";
    for (const message of messages) this.#checkMessage(message, isLeader);
    if (isLeader && !wasLeader) this.#checkElection(raft);
    if (isLeader && wasLeader && raft.commit > this.#commit) this.#checkCommit(raft);
    if (isLeader && write?.append) this.#checkChange(raft, write.append.entries);
    if (configuration !== this.#matching) this.#checkConfiguration(configuration);
    this.#commit = raft.commit;
    this.#role = role;
    this.#configuration = configuration;
  }

  /** After a message: a pre-vote "changes nothing but the asker's courage" (thesis, section 9.6). */
  heard(message: RaftMessage, before: Before, raft: Raft): void {
    if (message.type !== "vote" || !message.isPre) return;
    const { term, role } = raft.status;
    if (term === before.term && role === before.role) return;
    const change = `${before.role} of ${before.term} became ${role} of ${term}`;
    fail("pre-vote", `the pre-vote of ${nodeName(message.from)} was heard, and a ${change}`);
  }

  /** "Updated on stable storage before responding to RPCs" (Figure 2). */
  #checkMessage(message: RaftMessage, isLeader: boolean): void {
    const { hardState, lastIndex } = this.#disk;
    const { type, term, from, to } = message;
    if (type === "appended") {
      // One that was held until now may speak of a term that is over, and of a log that was replaced since.
      const isOwn = hardState.term <= term;
      if (isOwn && (hardState.term < term || message.index > lastIndex)) {
        const what = `acknowledges entry ${message.index} and has ${lastIndex} on disk`;
        fail("durability", `${nodeName(from)} ${what}`);
      }
    }
    if (type === "timeout-now" && isLeader) this.#checkHandover(from, to);
    if (type !== "vote-reply" && type !== "vote") return;
    if (message.isPre || (type === "vote-reply" && !message.isGranted)) return;
    const votedFor = type === "vote-reply" ? to : from;
    if (hardState.term > term) return;
    if (hardState.term < term || hardState.vote !== votedFor) {
      const vote = `votes for ${nodeName(votedFor)} in ${term}`;
      fail("durability", `${nodeName(from)} ${vote}, which is not on its disk`);
    }
  }

  /** Thesis, section 3.10: the target's log is brought up to the leader's before it is told to campaign. */
  #checkHandover(from: NodeId, to: NodeId): void {
    const { lastIndex, terms } = this.#disk.view;
    const target = this.#disks.get(to);
    if (target?.hasDurably(lastIndex, terms.get(lastIndex) ?? 0) === true) return;
    fail("handover", `${nodeName(from)} asks ${nodeName(to)} to campaign, whose log is shorter`);
  }

  /** "Votes received from majority of servers" (Figure 2): on their disks, in both configurations. */
  #checkElection(raft: Raft): void {
    const { term, leader } = raft.status;
    const { configuration } = this.#disk.view;
    const hasVoted = (id: NodeId): boolean => {
      const { hardState } = this.#disks.get(id) ?? this.#disk;
      return hardState.term > term || (hardState.term === term && hardState.vote === leader);
    };
    if (configuration && isQuorum(configuration, hasVoted)) return;
    fail("quorum of votes", `${nodeName(leader)} leads in term ${term} without a majority`);
  }

  /** Section 5.4.2: by counting, only entries of the own term; the disks counted have them. */
  #checkCommit(raft: Raft): void {
    const { commit } = raft;
    const { term, leader } = raft.status;
    const who = `${nodeName(leader)}, the leader of term ${term},`;
    const found = this.#disk.view.termAt(commit);
    if (found !== term) fail("commit rule", `${who} counts for entry ${commit} of term ${found}`);
    const isOn = (id: NodeId): boolean => this.#disks.get(id)?.hasDurably(commit, term) === true;
    // The commit may have made the leader change the configuration in the same step.
    const counted = [this.#disk.view.configuration, this.#configuration];
    if (counted.some((each) => each !== undefined && isQuorum(each, isOn))) return;
    fail("quorum of disks", `${who} commits ${commit}, which is not on a quorum's disks`);
  }

  /**
   * A change of members needs a committed entry of the leader's term before it (Ongaro, 2015). To leave a committed joint
   * configuration is no change of this kind: there is only one way out of it.
   */
  #checkChange(raft: Raft, entries: readonly { readonly type: string }[]): void {
    if (!entries.some(({ type }) => type === "configuration")) return;
    if (this.#configuration && isJoint(this.#configuration)) return;
    const { term, leader } = raft.status;
    if (this.#disk.view.termAt(raft.commit) === term) return;
    const what = `changes members before an entry of term ${term} is committed`;
    fail("change of members", `${nodeName(leader)} ${what}`);
  }

  /** "A server always uses the latest configuration in its log" (section 6). */
  #checkConfiguration(configuration: Configuration): void {
    const latest = this.#disk.view.configuration;
    this.#matching = configuration;
    if ((latest?.voters.length ?? 0) + configuration.voters.length === 0) return;
    if (JSON.stringify(latest) === JSON.stringify(configuration)) return;
    fail("configuration", "a member goes by another configuration than the latest in its log");
  }
}
