/**
 * Proposals: tells for each request what became of its entry, and never more than is known.
 *
 * An index is decided once, by State Machine Safety (Raft paper, Figure 3). So when the commit index
 * passes a proposal's index, its entry is committed if the entry there is of its term, and will
 * never be if it is of another. Until then nothing is certain: an entry that was cut off here may
 * stand on another member and be committed by it. Hence a leader that steps down goes on watching,
 * for a while; what a snapshot skipped, or what takes too long, is unknown.
 */
import type { Outcome, Refusal, RequestId } from "./inputs.js";
import type { RaftState } from "./state.js";

interface Pending {
  readonly id: RequestId;
  readonly index: number;
  readonly term: number;
}

export class Proposals {
  readonly #state: RaftState;
  /** Of this leadership, by rising index. */
  #current: Pending[] = [];
  /** Of leaderships that ended. */
  #former: Pending[] = [];

  constructor(state: RaftState) {
    this.#state = state;
  }

  get size(): number {
    return this.#current.length + this.#former.length;
  }

  /** Appends a command to the leader's log, or says why not. */
  propose(id: RequestId, data: Uint8Array, isTransferring: boolean): void {
    const state = this.#state;
    const { limits, log, term } = state;
    if (state.role !== "leader") return this.refuse(id, "not-leader");
    if (isTransferring) return this.refuse(id, "transferring");
    if (data.byteLength > limits.commandBytesMax) return this.refuse(id, "too-large");
    // One command always passes, so that a limit below its size does not stop the group.
    const isFull = state.uncommittedBytes >= limits.uncommittedBytesMax;
    if (isFull || this.size >= limits.proposalsMax) return this.refuse(id, "busy");
    const index = log.lastIndex + 1;
    state.append([{ type: "command", index, term, data }]);
    this.watch(id, index);
  }

  /** The request's entry was appended at the end of this leader's log. */
  watch(id: RequestId, index: number): void {
    this.#current.push({ id, index, term: this.#state.term });
  }

  refuse(id: RequestId, reason: Refusal, detail?: string): void {
    const { outbox, leader, id: self } = this.#state;
    outbox.outcome({
      type: "not-applied",
      id,
      reason,
      ...(detail !== undefined && { detail }),
      ...(leader !== undefined && leader !== self && { leader }),
    });
  }

  /** The commit index may have moved. */
  settle(): void {
    const { commit } = this.#state;
    let settled = 0;
    while ((this.#current[settled]?.index ?? Infinity) <= commit) {
      this.#tell(this.#current[settled] as Pending);
      settled += 1;
    }
    if (settled > 0) this.#current.splice(0, settled);
    if (this.#former.some(({ index }) => index <= commit)) {
      const open: Pending[] = [];
      for (const pending of this.#former) {
        if (pending.index <= commit) this.#tell(pending);
        else open.push(pending);
      }
      this.#former = open;
    }
    if (this.#former.length === 0) this.#state.timers.clear("outcomes");
  }

  /** The leadership ended. */
  leadershipLost(): void {
    const { timers, now, times } = this.#state;
    if (this.#current.length === 0) return;
    this.#former.push(...this.#current);
    this.#current = [];
    timers.set("outcomes", now + times.outcomeMs);
  }

  /** Waited long enough. */
  giveUp(): void {
    for (const { id } of this.#former) this.#state.outbox.outcome({ type: "unknown", id });
    this.#former = [];
  }

  #tell({ id, index, term }: Pending): void {
    const { log, outbox } = this.#state;
    const found = log.termAt(index);
    let outcome: Outcome = { type: "unknown", id };
    if (found === term) outcome = { type: "committed", id, index, term };
    else if (found !== undefined) outcome = { type: "not-applied", id, reason: "superseded" };
    outbox.outcome(outcome);
  }
}
