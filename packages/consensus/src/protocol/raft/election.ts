/**
 * Election: how a member becomes leader, and whom it votes for.
 *
 * Raft paper, sections 5.2 and 5.4.1; thesis, section 9.6 (pre-vote) and sections 4.2.3 and 6.2 (a
 * leader keeps others from campaigning while it has a quorum, and ceases when it has none).
 *
 * Invariants: one vote a term, on disk before it leaves; a vote only for a log at least as up to
 * date; a pre-vote changes nothing but the asker's courage; a learner never campaigns.
 */
import type { NodeId } from "@foundation/core";
import type { RaftMessage } from "./messages.js";
import { voteResult } from "./quorum.js";
import type { RaftState } from "./state.js";

type VoteRequest = Extract<RaftMessage, { type: "vote" }>;
type VoteReply = Extract<RaftMessage, { type: "vote-reply" }>;

export class Election {
  readonly #state: RaftState;
  readonly #onWon: () => void;
  readonly #onLost: () => void;
  readonly #votes = new Map<NodeId, boolean>();
  /** When this member began to ask for pre-votes last. */
  #preCampaignAt = Number.NEGATIVE_INFINITY;

  constructor(state: RaftState, onWon: () => void, onLost: () => void) {
    this.#state = state;
    this.#onWon = onWon;
    this.#onLost = onLost;
  }

  /** The election timeout: Figure 2, followers and candidates. */
  timedOut(): void {
    const state = this.#state;
    state.resetElectionTimer();
    // A member that cannot write would win pre-votes and then never count its own vote.
    if (!state.mayCampaign || state.isDiskStalled) return;
    this.#preCampaign();
  }

  /** The leader asked for it. */
  campaignForTransfer(): void {
    if (this.#state.mayCampaign) this.#campaign(true);
  }

  /** True when the lease of a leader forbids to hear of this request. */
  isHeldByLease(request: VoteRequest): boolean {
    const { role, leaderHeardAt, now, times } = this.#state;
    if (request.isTransfer) return false;
    return role === "leader" || now - leaderHeardAt < times.electionMs;
  }

  /** Of this member's term, or a pre-vote for the next. */
  voteAsked(request: VoteRequest): void {
    const state = this.#state;
    const { from, isPre, term } = request;
    const isFree = state.vote === undefined && state.leader === undefined;
    const mayVote = state.vote === from || isFree || (isPre && term > state.term);
    const isGranted = mayVote && state.log.isUpToDate(request.lastIndex, request.lastTerm);
    if (isPre) {
      const mayTry = isGranted && !this.#isAhead(request);
      state.send(
        from,
        { type: "vote-reply", isPre, isGranted: mayTry },
        mayTry ? term : state.term,
      );
      return;
    }
    if (isGranted) {
      if (state.vote !== from) state.isHardStateNew = true;
      state.vote = from;
      state.role = "follower";
      state.resetElectionTimer();
    }
    state.sendDurable(from, { type: "vote-reply", isPre, isGranted });
  }

  /**
   * All lose their leader at once and may ask at once. Were each of them let try, each would vote for
   * itself, and nobody would win before the next timeout. So of two that ask within a moment, with
   * logs that are equal, one gives way; only for that moment, since the other may reach nobody else.
   */
  #isAhead({ from, lastIndex, lastTerm }: VoteRequest): boolean {
    const { role, id, now, times, log } = this.#state;
    const isAsking = role === "pre-candidate" && now - this.#preCampaignAt < times.heartbeatMs;
    const isEqual = lastIndex === log.lastIndex && lastTerm === log.lastTerm;
    return isAsking && isEqual && id < from;
  }

  voteReplied(reply: VoteReply): void {
    const state = this.#state;
    if (state.role !== (reply.isPre ? "pre-candidate" : "candidate")) return;
    if (reply.isPre && reply.isGranted && reply.term !== state.term + 1) return;
    // Only the first answer counts; a repeated message is no second vote.
    if (!this.#votes.has(reply.from)) this.#votes.set(reply.from, reply.isGranted);
    this.#tally();
  }

  #preCampaign(): void {
    const state = this.#state;
    state.role = "pre-candidate";
    this.#preCampaignAt = state.now;
    state.leader = undefined;
    state.outbox.count("pre-election");
    this.#votes.clear();
    this.#votes.set(state.id, true);
    this.#ask(true, false, state.term + 1);
    this.#tally();
  }

  /** Figure 2: "on conversion to candidate, start election". */
  #campaign(isTransfer: boolean): void {
    const state = this.#state;
    state.role = "candidate";
    state.leader = undefined;
    state.enterTerm(state.term + 1);
    state.vote = state.id;
    state.resetElectionTimer();
    state.outbox.count("election");
    this.#votes.clear();
    // The own vote counts when it is on disk, like everybody's.
    state.sendDurable(state.id, { type: "vote-reply", isPre: false, isGranted: true });
    this.#ask(false, isTransfer, state.term);
  }

  #ask(isPre: boolean, isTransfer: boolean, term: number): void {
    const { id, group, log, outbox, configuration } = this.#state;
    const { lastIndex, lastTerm } = log;
    for (const to of new Set([...configuration.voters, ...configuration.outgoing])) {
      if (to === id) continue;
      const body = { type: "vote", isPre, isTransfer, lastIndex, lastTerm } as const;
      const message = { group, from: id, to, term, ...body };
      if (isPre) outbox.send(message);
      else outbox.sendDurable(message);
    }
  }

  #tally(): void {
    const state = this.#state;
    const result = voteResult(state.configuration, (id) => this.#votes.get(id));
    if (result === "pending") return;
    if (result === "lost") this.#onLost();
    else if (state.role === "pre-candidate") this.#campaign(false);
    else this.#onWon();
  }
}
