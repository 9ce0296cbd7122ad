/**
 * Handover: a leader gives its leadership to another member.
 *
 * Thesis, section 3.10: stop taking requests, bring the target's log up to one's own, tell it to
 * campaign at once; if it does not lead within an election timeout, go on. Also for a leader that
 * cannot stay: it tells the best voter to campaign as it steps down, so that nobody waits.
 */
import type { NodeId } from "@foundation/core";
import type { RequestId } from "./inputs.js";
import type { Progress } from "./progress.js";
import type { Proposals } from "./proposals.js";
import type { Reads } from "./reads.js";
import type { RaftState } from "./state.js";

interface Underway {
  readonly id: RequestId;
  readonly to: NodeId;
  isAsked: boolean;
}

export class Handover {
  readonly #state: RaftState;
  readonly #proposals: Proposals;
  readonly #reads: Reads;
  #underway: Underway | undefined;

  constructor(state: RaftState, proposals: Proposals, reads: Reads) {
    this.#state = state;
    this.#proposals = proposals;
    this.#reads = reads;
  }

  /** No requests are taken meanwhile. */
  get isUnderway(): boolean {
    return this.#underway !== undefined && this.#state.role === "leader";
  }

  begin(id: RequestId, to: NodeId | undefined): void {
    const { role, now, times, timers, outbox, id: self } = this.#state;
    if (role !== "leader") return this.#proposals.refuse(id, "not-leader");
    if (to === self) return outbox.outcome({ type: "transferred", id, to });
    if (this.#underway) return this.#proposals.refuse(id, "transferring");
    const target = to ?? this.#best();
    if (target === undefined || !this.#isCandidate(target)) {
      const detail = "the target is no other voter of the present configuration";
      return this.#proposals.refuse(id, "invalid", detail);
    }
    this.#underway = { id, to: target, isAsked: false };
    timers.set("transfer", now + times.electionMs);
    this.advance();
  }

  /** The target may have everything now, or may be no voter any more. */
  advance(): void {
    const { role, progress, log } = this.#state;
    const underway = this.#underway;
    if (!underway || role !== "leader") return;
    if (!this.#isCandidate(underway.to)) return this.timedOut();
    if (underway.isAsked || progress.get(underway.to)?.match !== log.lastIndex) return;
    underway.isAsked = true;
    this.#ask(underway.to);
  }

  /** The leader is another one, or is known again. */
  leaderKnown(leader: NodeId): void {
    const { outbox, timers } = this.#state;
    const underway = this.#underway;
    if (!underway) return;
    this.#underway = undefined;
    timers.clear("transfer");
    const { id, to } = underway;
    if (leader === to) outbox.outcome({ type: "transferred", id, to });
    else this.#proposals.refuse(id, "superseded");
  }

  timedOut(): void {
    const { outbox, timers, role } = this.#state;
    const underway = this.#underway;
    if (!underway) return;
    this.#underway = undefined;
    timers.clear("transfer");
    const { id, to } = underway;
    outbox.notice({ type: "transfer-abandoned", to });
    if (role === "leader") this.#proposals.refuse(id, "timeout");
    else outbox.outcome({ type: "unknown", id });
  }

  /** This leader is about to step down: another one may begin at once. */
  resign(): void {
    const best = this.#best();
    if (best !== undefined) this.#ask(best);
  }

  #ask(to: NodeId): void {
    this.#reads.breakLease();
    this.#state.send(to, { type: "timeout-now" });
  }

  #isCandidate(id: NodeId): boolean {
    return this.#state.configuration.voters.includes(id) && this.#state.progress.has(id);
  }

  /** The voter that has most and was heard last. */
  #best(): NodeId | undefined {
    let best: Progress | undefined;
    for (const each of this.#state.progress.values()) {
      if (!this.#isCandidate(each.id)) continue;
      const isBetter =
        !best ||
        each.match > best.match ||
        (each.match === best.match && each.activeAt > best.activeAt);
      if (isBetter) best = each;
    }
    return best?.id;
  }
}
