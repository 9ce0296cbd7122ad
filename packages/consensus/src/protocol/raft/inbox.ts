/**
 * Inbox: what a message does before it comes to the part it is for: whose it is, and of which term.
 *
 * Raft paper, Figure 2, rules for all servers; thesis, section 4.2.3: who hears a leader does not
 * even learn the term of one that would take its place.
 */
import type { NodeId } from "@foundation/core";
import { invariant } from "../invariant.js";
import type { Election } from "./election.js";
import type { Handover } from "./handover.js";
import type { Leadership } from "./leadership.js";
import type { RaftMessage } from "./messages.js";
import type { Reads } from "./reads.js";
import type { Replication } from "./replication.js";
import type { SnapshotReceiving } from "./snapshot-receiving.js";
import type { SnapshotSending } from "./snapshot-sending.js";
import type { RaftState } from "./state.js";

export interface InboxParts {
  readonly election: Election;
  readonly leadership: Leadership;
  readonly replication: Replication;
  readonly sending: SnapshotSending;
  readonly receiving: SnapshotReceiving;
  readonly reads: Reads;
  readonly handover: Handover;
}

export class Inbox {
  readonly #state: RaftState;
  readonly #parts: InboxParts;

  constructor(state: RaftState, parts: InboxParts) {
    this.#state = state;
    this.#parts = parts;
  }

  /** Takes a message of whatever group, receiver and term. */
  receive(message: RaftMessage): void {
    const state = this.#state;
    const { group, to, from, type, term } = message;
    if (group !== state.group) return state.outbox.count("message-foreign-group");
    if (to !== state.id) return state.outbox.count("message-misdirected");
    if (term < state.term) return this.#receiveStale(message);
    if (term > state.term) {
      if (type === "vote" && this.#parts.election.isHeldByLease(message)) {
        return state.outbox.count("vote-ignored-lease");
      }
      // A pre-vote and its grant name a term that nobody has entered yet.
      const isPre = (type === "vote" && message.isPre) || isPreGrant(message);
      if (!isPre) this.becomeFollower(term, undefined);
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
        return this.#parts.election.voteAsked(message);
      case "vote-reply":
        return this.#parts.election.voteReplied(message);
      case "append":
        return this.#parts.replication.appendReceived(message);
      case "appended":
        if (isLeader) this.#parts.replication.appended(message.from, message.index);
        return;
      case "append-refused":
        if (isLeader) this.#parts.replication.refused(message);
        return;
      case "heartbeat":
        return this.#parts.replication.heartbeatReceived(message);
      case "heartbeat-reply":
        if (isLeader) this.#parts.replication.heartbeatReplied(message.from, message.round);
        return this.#parts.reads.roundsAnswered();
      case "snapshot":
        return this.#parts.receiving.received(message);
      case "snapshot-reply":
        if (isLeader) this.#parts.sending.replied(message.from, message.id, message.offset);
        return;
      case "timeout-now":
        if (!isLeader) this.#parts.election.campaignForTransfer();
        return;
      case "read":
        return this.#parts.reads.questioned(message);
      case "read-reply":
        return this.#parts.reads.answered(message);
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
      this.becomeFollower(state.term, leader);
    } else state.resetElectionTimer();
  }

  /** Figure 2, all servers: a higher term, or a leader of this one, makes a follower. */
  becomeFollower(term: number, leader: NodeId | undefined): void {
    const state = this.#state;
    if (state.role === "leader") this.#parts.leadership.stepDown("higher-term");
    if (term > state.term) state.enterTerm(term);
    state.role = "follower";
    const isOther = state.leader !== leader;
    state.leader = leader;
    state.resetElectionTimer();
    if (!isOther) return;
    this.#parts.reads.leaderChanged();
    if (leader !== undefined) this.#parts.handover.leaderKnown(leader);
  }
}

function isPreGrant(message: RaftMessage): boolean {
  return message.type === "vote-reply" && message.isPre && message.isGranted;
}
