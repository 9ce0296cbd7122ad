/**
 * Member: a node of a group in a world: its clocks, its disk, and, while it is up, its core and its state machine.
 *
 * The steady clock runs at a rate of its own and may leap ahead, as when a machine slept; the wall clock, which dates
 * commands of sessions, may be anywhere. A paused member does nothing until it goes on: what comes waits.
 */
import type { NodeId } from "@foundation/core";
import type { Raft, RequestId, SessionResult } from "@foundation/consensus";
import type { Answer } from "./command.js";
import type { Honesty } from "./honesty.js";
import { Machine } from "./machine.js";
import { ModelDisk } from "./model-disk.js";

export class Member {
  readonly id: NodeId;
  readonly index: number;
  readonly disk = new ModelDisk();
  readonly rate: number;
  raft: Raft | undefined;
  honesty: Honesty | undefined;
  machine = new Machine();
  /** How often it was started: what was under way in an earlier life means nothing to it. */
  life = 0;
  alarm = 0;
  snapshots = 0;
  /** A snapshot of its machine is on its way to the disk. */
  isKeeping = false;
  isDiskStalled = false;
  /** Each sync of its disk takes so much longer. */
  dragMs = 0;
  pausedUntil = 0;
  /** By sender: when its last answer arrived, for checks. */
  readonly heardAt = new Map<NodeId, number>();
  /** Requests of its life that have no outcome yet, and since when. */
  readonly asked = new Map<RequestId, number>();
  readonly reads = new Map<RequestId, number>();
  /** What the machine answered in this life, by index. */
  readonly results = new Map<number, SessionResult<Answer>>();
  /** Who waits for the machine's answer to the entry at an index. */
  readonly #awaited = new Map<number, (result: SessionResult<Answer> | undefined) => void>();
  /** Since when it leads, if it does. */
  leadsSince: number | undefined;
  #leapMs = 0;
  #wallMs = 0;

  constructor(id: NodeId, index: number, rate: number) {
    this.id = id;
    this.index = index;
    this.rate = rate;
  }

  get name(): string {
    return `n${this.index}`;
  }

  /** The steady clock, when the world's time is `now`. */
  steadyMs(now: number): number {
    return now * this.rate + this.#leapMs;
  }

  /** When its steady clock will show `at`, if it does not leap. */
  worldMs(at: number): number {
    return (at - this.#leapMs) / this.rate;
  }

  wallMs(now: number): number {
    return Math.max(0, Math.round(1_000_000 + this.steadyMs(now) + this.#wallMs));
  }

  /** The steady clock leaps ahead, the wall clock anywhere. */
  leap(aheadMs: number, wallMs: number): void {
    this.#leapMs += aheadMs;
    this.#wallMs += wallMs;
  }

  /** The machine's answer to the entry at `index`, when it is there; nothing if this member skips it. */
  await(index: number, tell: (result: SessionResult<Answer> | undefined) => void): void {
    if (index > this.machine.applied) this.#awaited.set(index, tell);
    else tell(this.results.get(index));
  }

  /** The machine has applied what is up to `index`. */
  answerUpTo(index: number): void {
    for (const [awaited, tell] of this.#awaited) {
      if (awaited > index) continue;
      this.#awaited.delete(awaited);
      tell(this.results.get(awaited));
    }
  }

  get term(): number {
    return this.raft?.status.term ?? 0;
  }

  isLeader(): boolean {
    return this.raft?.status.role === "leader";
  }

  /** The process is gone. */
  stop(): void {
    this.raft = undefined;
    this.honesty = undefined;
    this.life += 1;
    this.isKeeping = false;
    this.leadsSince = undefined;
    this.pausedUntil = 0;
    this.heardAt.clear();
    this.asked.clear();
    this.reads.clear();
    this.results.clear();
    this.answerUpTo(Infinity);
  }
}
