/**
 * Changes: how a leader changes the members of its group.
 *
 * Raft paper, section 6; thesis, chapter 4. A configuration counts on each member from when it is in
 * its log. A joint configuration is left when it is committed; a learner that is to become a voter
 * does so when a round of replication to it took less than an election timeout (section 4.2.1); a
 * leader that is no member any more steps down when the configuration without it is committed
 * (section 4.2.2).
 *
 * Invariants: at most one configuration is not committed; none begins before an entry of the
 * leader's term is committed (the flaw of single-server changes that was found in 2015).
 */
import type { NodeId } from "@foundation/core";
import { invariant } from "../invariant.js";
import {
  changed,
  isJoint,
  isVoter,
  left,
  membersOf,
  parseConfiguration,
  type Configuration,
} from "./configuration.js";
import type { RaftInput, RequestId } from "./inputs.js";
import { Progress } from "./progress.js";
import type { Proposals } from "./proposals.js";
import type { RaftState } from "./state.js";

type ChangeInput = Extract<RaftInput, { type: "change" }>;

export class Changes {
  readonly #state: RaftState;
  readonly #proposals: Proposals;

  constructor(state: RaftState, proposals: Proposals) {
    this.#state = state;
    this.#proposals = proposals;
  }

  change({ id, changes, mode = "when-needed" }: ChangeInput, isTransferring: boolean): void {
    if (!this.#mayChange(id, isTransferring)) return;
    const { configuration, limits } = this.#state;
    if (isJoint(configuration)) return this.#proposals.refuse(id, "change-pending");
    const next = changed(configuration, changes, mode, limits.membersMax);
    if (typeof next === "string") return this.#proposals.refuse(id, "invalid", next);
    this.#append(next, id);
  }

  leaveJoint(id: RequestId, isTransferring: boolean): void {
    if (!this.#mayChange(id, isTransferring)) return;
    const { configuration } = this.#state;
    if (isJoint(configuration)) return this.#append(left(configuration), id);
    this.#proposals.refuse(id, "invalid", "the group is not in a joint configuration");
  }

  /** The commit index may have moved: leaves what leaves itself. True: this member leads no more. */
  settle(): boolean {
    const state = this.#state;
    if (state.role !== "leader" || !this.#isSettled) return false;
    const { configuration } = state;
    if (configuration.leavesItself) this.#append(left(configuration));
    else if (!isVoter(configuration, state.id)) return true;
    else if (!isJoint(configuration) && state.isTermCommitted) this.#promoteWhoCaughtUp();
    return false;
  }

  /** A follower acknowledged more: one that is to become a voter may have ended a round. */
  matched(progress: Progress): void {
    const { configuration, log, now, times, limits, outbox } = this.#state;
    if (!configuration.promotable.includes(progress.id)) return;
    progress.catchUp ??= { target: log.lastIndex, since: now, rounds: 1, hasCaughtUp: false };
    const round = progress.catchUp;
    if (progress.match < round.target) return;
    const isFast = now - round.since < times.electionMs;
    round.hasCaughtUp = isFast;
    round.target = log.lastIndex;
    round.since = now;
    round.rounds += isFast ? 0 : 1;
    if (round.rounds !== limits.catchUpRoundsMax) return;
    outbox.notice({ type: "learner-slow", id: progress.id, rounds: round.rounds });
  }

  /** Who receives the log follows the configuration. */
  syncProgress(): void {
    const { id, progress, configuration, log, now } = this.#state;
    const members = new Set(membersOf(configuration));
    for (const known of [...progress.keys()]) if (!members.has(known)) progress.delete(known);
    for (const member of members) {
      if (member === id || progress.has(member)) continue;
      progress.set(member, new Progress(member, log.lastIndex + 1, now));
    }
  }

  /** The latest configuration is committed. */
  get #isSettled(): boolean {
    return this.#state.configurations.index <= this.#state.commit;
  }

  #mayChange(id: RequestId, isTransferring: boolean): boolean {
    const { role, isTermCommitted } = this.#state;
    if (role !== "leader") this.#proposals.refuse(id, "not-leader");
    else if (isTransferring) this.#proposals.refuse(id, "transferring");
    else if (!this.#isSettled || !isTermCommitted) this.#proposals.refuse(id, "change-pending");
    else return true;
    return false;
  }

  #promoteWhoCaughtUp(): void {
    const { configuration, progress } = this.#state;
    const ready = configuration.promotable.find((id) => progress.get(id)?.catchUp?.hasCaughtUp);
    if (ready !== undefined) this.#promote(ready);
  }

  #promote(id: NodeId): void {
    const { configuration, limits, outbox } = this.#state;
    const change = { type: "add-voter", id } as const;
    const next = changed(configuration, [change], "when-needed", limits.membersMax);
    if (typeof next === "string") return invariant(false, `a learner cannot be promoted: ${next}`);
    outbox.notice({ type: "promoting", id });
    this.#append(next);
  }

  #append(configuration: Configuration, id?: RequestId): void {
    const state = this.#state;
    invariant(this.#isSettled, "two configurations would be uncommitted");
    const isSound = parseConfiguration(configuration) !== undefined;
    invariant(isSound, "the others would call the configuration malformed");
    const index = state.log.lastIndex + 1;
    state.append([{ type: "configuration", index, term: state.term, configuration }]);
    if (id !== undefined) this.#proposals.watch(id, index);
    this.syncProgress();
  }
}
