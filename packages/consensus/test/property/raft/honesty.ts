/**
 * Honesty: rules that a single member can be seen to break before any harm is done by it: what it
 * says is on its disk, what it commits is on a quorum of disks, and it goes by the configuration in
 * its log. A group breaks Figure 3 only after several of these in a row, in an unlucky order.
 */
import type { NodeId } from "@foundation/core";
import type { Configuration } from "../../../src/protocol/raft/configuration.js";
import type { Batch } from "../../../src/protocol/raft/inputs.js";
import type { RaftMessage } from "../../../src/protocol/raft/messages.js";
import { voteResult } from "../../../src/protocol/raft/quorum.js";
import type { Raft } from "../../../src/protocol/raft/raft.js";
import type { Disk } from "./disk.js";

export class Honesty {
  readonly #disk: Disk;
  readonly #disks: ReadonlyMap<NodeId, Disk>;
  #commit = 0;
  #wasLeader = false;
  #configuration: Configuration | undefined;

  constructor(disk: Disk, disks: ReadonlyMap<NodeId, Disk>) {
    this.#disk = disk;
    this.#disks = disks;
  }

  /** After each input of one life of a member. */
  check(raft: Raft, { messages, write }: Batch): void {
    for (const message of messages) this.#checkMessage(message);
    const { role, configuration } = raft.status;
    const isLeader = role === "leader";
    if (isLeader && !this.#wasLeader) this.#checkElection(raft);
    if (isLeader && this.#wasLeader && raft.commit > this.#commit) this.#checkCommit(raft);
    if (isLeader && write?.append) this.#checkChange(raft, write.append.entries);
    if (write?.append || write?.install) this.#checkConfiguration(configuration);
    this.#commit = raft.commit;
    this.#wasLeader = isLeader;
    this.#configuration = configuration;
  }

  /** "Updated on stable storage before responding to RPCs" (Figure 2). */
  #checkMessage(message: RaftMessage): void {
    const { hardState, lastIndex } = this.#disk;
    const { type, term, from, to } = message;
    if (type === "appended" && message.index > lastIndex) {
      fail(`${from} acknowledges ${message.index} and has ${lastIndex} on disk`);
    }
    const isVote = type === "vote-reply" && !message.isPre && message.isGranted;
    const isRequest = type === "vote" && !message.isPre;
    if (!isVote && !isRequest) return;
    const votedFor = isVote ? to : from;
    if (hardState.term > term) return;
    if (hardState.term < term || hardState.vote !== votedFor) {
      fail(`${from} votes for ${votedFor} in ${term}, which is not on its disk`);
    }
  }

  /** "Votes received from majority of servers" (Figure 2): on their disks, in both configurations. */
  #checkElection(raft: Raft): void {
    const { term, leader, configuration } = raft.status;
    const hasVoted = (id: NodeId): boolean => {
      const { hardState } = this.#disks.get(id) ?? this.#disk;
      return hardState.term > term || (hardState.term === term && hardState.vote === leader);
    };
    if (voteResult(configuration, hasVoted) !== "won") fail(`${leader} leads without a majority`);
  }

  /** Section 5.4.2: by counting, only entries of the own term; the disks counted have them. */
  #checkCommit(raft: Raft): void {
    const { commit } = raft;
    const { term, configuration } = raft.status;
    if (this.#disk.view().get(commit) !== term) fail(`${commit} is committed by counting`);
    const isOn = (id: NodeId): boolean => this.#disks.get(id)?.hasDurably(commit, term) === true;
    // The commit may have made the leader change the configuration in the same step.
    const counted = [configuration, this.#configuration ?? configuration];
    if (counted.some((each) => voteResult(each, isOn) === "won")) return;
    fail(`${commit} is committed and not on a quorum's disks`);
  }

  /** A change of members needs a committed entry of the leader's term before it. */
  #checkChange(raft: Raft, entries: readonly { readonly type: string }[]): void {
    if (!entries.some(({ type }) => type === "configuration")) return;
    if (this.#disk.view().get(raft.commit) === raft.status.term) return;
    fail("a change of members begins before the term has a committed entry");
  }

  /** "A server always uses the latest configuration in its log" (section 6). */
  #checkConfiguration(configuration: Configuration): void {
    const latest = this.#disk.configuration();
    if (JSON.stringify(latest?.voters ?? []) !== JSON.stringify(configuration.voters)) {
      fail("a member goes by a configuration that is not the latest in its log");
    }
  }
}

function fail(what: string): never {
  throw new Error(`violation: ${what}`);
}
