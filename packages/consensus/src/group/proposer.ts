/**
 * Proposer: the commands of this member, from the call until they are applied here.
 *
 * Each attempt has a number of its own and is of one term: a leader takes it in that term or never.
 * So it ends in one of two ways. Its command is applied here, and the machine's response is the
 * answer, whatever became of the leader. Or an entry of a later term is applied first: then it is in
 * no log that counts, for ever, and may be tried again (Raft paper, section 5.3: terms in a log never
 * fall). Only time that runs out between, or a snapshot that skips the place, leaves it unknown.
 *
 * Invariant: an attempt is repeated only after the one before was certainly not applied.
 */
import type { Clock, Deadlines, NodeId, Timer } from "@foundation/core";
import type { GroupLimits, GroupTimes, RaftLimits } from "../limits.js";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import type { Outcome } from "../protocol/raft/inputs.js";
import { COMMAND_OVERHEAD_BYTES, encodeCommand } from "./command.js";
import type { Disk } from "./disk.js";
import type { Driver } from "./driver.js";
import {
  aborted,
  badCommand,
  groupBusy,
  noQuorum,
  outcomeUnknown,
  tooManyRequests,
} from "./group-errors.js";
import type { GroupRequestOptions, Proposed } from "./group.js";
import type { LogTime } from "./log-time.js";
import { timeoutMsOf, Waiter, type WaiterOwner } from "./waiter.js";
import type { Forward, ForwardRefused } from "./wire/peer-message.js";

export interface ProposerParts {
  readonly group: string;
  readonly tag: Uint8Array;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly driver: Driver;
  readonly disk: Disk;
  readonly time: LogTime;
  readonly limits: GroupLimits;
  readonly raftLimits: RaftLimits;
  readonly times: GroupTimes;
  /** False: it was certainly not sent. */
  send(to: NodeId, message: Forward): boolean;
}

/** One call of `propose`. */
class Proposal<Response> extends Waiter<Proposed<Response>> {
  /** The number of the present attempt; 0 while it has not left. */
  sequence = 0;
  /** The term in which the present attempt counts. */
  term = 0;
  /** Who was sent it; undefined when this member leads. */
  to: NodeId | undefined;
  /** When it was sent to the leader last, and how often before. */
  sentAt = 0;
  repeats = 0;
  /** A snapshot may have skipped its place. */
  isSkipped = false;
  isBusy = false;

  constructor(
    readonly data: Uint8Array,
    deadlines: Deadlines,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    owner: WaiterOwner<Proposal<Response>>,
  ) {
    // The owner is asked with this object only.
    super(deadlines, timeoutMs, signal, owner as WaiterOwner<Waiter<Proposed<Response>>>);
  }
}

export class Proposer<Response> implements WaiterOwner<Proposal<Response>> {
  readonly #parts: ProposerParts;
  /** For a leader, or for it to have room. */
  readonly #waiting = new Set<Proposal<Response>>();
  readonly #sent = new Map<number, Proposal<Response>>();
  #bytes = 0;
  #retry: Timer | undefined;
  #repeat: Timer | undefined;

  constructor(parts: ProposerParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#waiting.size + this.#sent.size;
  }

  propose(data: Uint8Array, options: GroupRequestOptions): Promise<Proposed<Response>> {
    const { group, deadlines, limits, times } = this.#parts;
    const timeoutMs = timeoutMsOf(options.timeout, times.requestMs);
    const refusal = this.#refusal(data, options.signal);
    if (refusal) return Promise.reject(refusal);
    if (this.size >= limits.requestsMax) {
      return Promise.reject(tooManyRequests(group, limits.requestsMax, "messages"));
    }
    if (this.#bytes + data.length > limits.requestBytesMax) {
      return Promise.reject(tooManyRequests(group, limits.requestBytesMax, "bytes"));
    }
    this.#bytes += data.length;
    const { signal } = options;
    const proposal = new Proposal<Response>(data, deadlines, timeoutMs, signal, this);
    this.#attempt(proposal);
    return proposal.promise;
  }

  /** The core tells what became of one of this member's own; false: it is none of them. */
  outcome(outcome: Outcome): boolean {
    const proposal = this.#sent.get(outcome.id);
    if (!proposal) return false;
    // The others come to light by what is applied.
    if (outcome.type === "not-applied") this.#again(proposal, outcome.reason === "busy");
    return true;
  }

  /** The leader did not take it. */
  refused(from: NodeId, { sequence, repeats, isBusy }: ForwardRefused): void {
    const proposal = this.#sent.get(sequence);
    // What was sent since may have been taken.
    if (proposal?.to === from && proposal.repeats === repeats) this.#again(proposal, isBusy);
  }

  /** A command of this start of this member was applied. */
  applied(sequence: number, index: number, response: Response): void {
    const proposal = this.#sent.get(sequence);
    if (!proposal) return;
    this.#forget(proposal);
    proposal.resolve({ index, response });
  }

  /** An entry of this term is applied: no more of those before. */
  termApplied(term: number): void {
    for (const proposal of [...this.#sent.values()]) {
      if (proposal.term >= term) continue;
      if (proposal.isSkipped) this.#giveUp(proposal);
      else this.#again(proposal, false);
    }
  }

  /** The machine was put to this state: what was applied on the way was not seen. */
  restored({ term }: SnapshotMeta): void {
    for (const proposal of [...this.#sent.values()]) {
      if (proposal.term < term) this.#giveUp(proposal);
      else if (proposal.term === term) proposal.isSkipped = true;
    }
  }

  /** There may be a leader, or room. */
  flush(): void {
    if (this.#waiting.size === 0 || this.#parts.driver.status.leader === undefined) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const proposal of waiting) this.#attempt(proposal);
  }

  /** This member takes part no more. */
  end(error: Error): void {
    this.#retry?.cancel();
    this.#repeat?.cancel();
    for (const proposal of [...this.#waiting]) {
      this.#forget(proposal);
      proposal.reject(error);
    }
    for (const proposal of [...this.#sent.values()]) {
      this.#forget(proposal);
      proposal.reject(outcomeUnknown(this.#parts.group, "process-ended", error));
    }
  }

  expired(proposal: Proposal<Response>): void {
    const { group, raftLimits } = this.#parts;
    const isSent = proposal.sequence !== 0;
    this.#forget(proposal);
    if (isSent) proposal.reject(outcomeUnknown(group, "deadline-exceeded"));
    else if (proposal.isBusy) proposal.reject(groupBusy(group, raftLimits.uncommittedBytesMax));
    else proposal.reject(noQuorum(group, proposal.waitedMs));
  }

  aborted(proposal: Proposal<Response>): void {
    const { group } = this.#parts;
    const isSent = proposal.sequence !== 0;
    this.#forget(proposal);
    const reason: unknown = proposal.signal?.reason;
    proposal.reject(isSent ? outcomeUnknown(group, "aborted", reason) : aborted(group, reason));
  }

  #refusal(data: Uint8Array, signal: AbortSignal | undefined): Error | undefined {
    const { group, raftLimits } = this.#parts;
    if (signal?.aborted === true) return aborted(group, signal.reason);
    if (data.length === 0) return badCommand(0, "at least 1 byte");
    const bytesMax = raftLimits.commandBytesMax - COMMAND_OVERHEAD_BYTES;
    return data.length > bytesMax
      ? badCommand(data.length, `at most ${bytesMax} bytes`)
      : undefined;
  }

  #attempt(proposal: Proposal<Response>): void {
    const { driver, disk, limits } = this.#parts;
    const core = driver.raft?.status;
    if (core?.role === "leader") {
      if (disk.unpersistedBytes > limits.unpersistedBytesMax) return this.#wait(proposal, true);
      return this.#lead(proposal, core.term);
    }
    const { leader, term } = core ?? driver.status;
    if (leader === undefined) {
      proposal.sequence = 0;
      this.#waiting.add(proposal);
      return;
    }
    this.#forward(proposal, leader, term);
  }

  #lead(proposal: Proposal<Response>, term: number): void {
    const { driver, tag, time, clock } = this.#parts;
    const { data } = proposal;
    const sequence = this.#note(proposal, term, undefined);
    const timeMs = time.at(clock.now());
    driver.feed({
      type: "propose",
      id: sequence,
      data: encodeCommand({ timeMs, tag, sequence, data }),
    });
  }

  #forward(proposal: Proposal<Response>, to: NodeId, term: number): void {
    this.#note(proposal, term, to);
    proposal.repeats = 0;
    if (!this.#send(proposal, to)) return this.#again(proposal, false);
    const { clock, times } = this.#parts;
    this.#repeat ??= clock.setTimer(times.repeatMs, () => this.#repeatLost());
  }

  #send(proposal: Proposal<Response>, to: NodeId): boolean {
    const { clock, tag } = this.#parts;
    const { term, sequence, repeats, data } = proposal;
    const [floor = sequence] = this.#sent.keys();
    proposal.sentAt = clock.now();
    return this.#parts.send(to, { type: "forward", term, sequence, repeats, floor, tag, data });
  }

  /** What is open for long may have been lost: the leader of its term knows whether it has it. */
  #repeatLost(): void {
    const { clock, driver, times } = this.#parts;
    const { leader, term } = driver.status;
    let isOpen = false;
    for (const proposal of this.#sent.values()) {
      if (proposal.to === undefined) continue;
      isOpen = true;
      const isLong = clock.now() - proposal.sentAt >= times.repeatMs;
      if (!isLong || proposal.to !== leader || proposal.term !== term) continue;
      proposal.repeats += 1;
      if (!this.#send(proposal, leader)) break;
    }
    this.#repeat = isOpen ? clock.setTimer(times.repeatMs, () => this.#repeatLost()) : undefined;
  }

  #note(proposal: Proposal<Response>, term: number, to: NodeId | undefined): number {
    const sequence = this.#parts.driver.nextRequest();
    proposal.sequence = sequence;
    proposal.term = term;
    proposal.to = to;
    proposal.isSkipped = false;
    this.#sent.set(sequence, proposal);
    return sequence;
  }

  /** It was certainly not applied: once more, in a moment. */
  #again(proposal: Proposal<Response>, isBusy: boolean): void {
    this.#sent.delete(proposal.sequence);
    this.#wait(proposal, isBusy);
  }

  #wait(proposal: Proposal<Response>, isBusy: boolean): void {
    proposal.sequence = 0;
    proposal.isBusy = isBusy;
    this.#waiting.add(proposal);
    this.#retry ??= this.#parts.clock.setTimer(this.#parts.times.retryMs, () => {
      this.#retry = undefined;
      this.flush();
    });
  }

  #giveUp(proposal: Proposal<Response>): void {
    this.#forget(proposal);
    proposal.reject(outcomeUnknown(this.#parts.group, "connection-lost"));
  }

  #forget(proposal: Proposal<Response>): void {
    this.#sent.delete(proposal.sequence);
    this.#waiting.delete(proposal);
    this.#bytes -= proposal.data.length;
  }
}
