/**
 * Driver: runs the core of one member: feeds it, carries its batches out in their order, keeps its
 * alarm.
 *
 * What arrives in one turn of the event loop is fed at once and answered by one batch at its end: so
 * many proposals share one append and one write, and acknowledgements one message. An invariant that
 * breaks stops the core for good: going on could commit two different entries at one index.
 */
import type { Clock, Timer } from "@foundation/core";
import { BATCHES_A_TURN_MAX } from "../limits.js";
import type { Entry, SnapshotMeta } from "../protocol/raft/entry.js";
import type {
  Batch,
  Outcome,
  RaftCounter,
  RaftInput,
  RaftNotice,
  RaftStatus,
  ReadOutcome,
} from "../protocol/raft/inputs.js";
import type { RaftMessage } from "../protocol/raft/messages.js";
import type { Raft } from "../protocol/raft/raft.js";
import type { Disk } from "./disk.js";

export interface DriverEvents {
  send(message: RaftMessage): void;
  /** A leader's snapshot is about to take the place of log and machine. */
  holding(meta: SnapshotMeta): void;
  committed(entries: readonly Entry[]): void;
  outcome(outcome: Outcome): void;
  read(outcome: ReadOutcome): void;
  status(status: RaftStatus): void;
  notice(notice: RaftNotice): void;
  count(counter: RaftCounter): void;
  failed(error: unknown): void;
}

export class Driver {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #events: DriverEvents;
  #raft: Raft | undefined;
  #status: RaftStatus;
  #alarm: Timer | undefined;
  #isScheduled = false;
  #isFed = false;
  #requests = 0;
  readonly #turn = (): void => this.#pump();

  constructor(raft: Raft, clock: Clock, disk: Disk, events: DriverEvents) {
    this.#raft = raft;
    this.#status = raft.status;
    this.#clock = clock;
    this.#disk = disk;
    this.#events = events;
  }

  /** Undefined once this member has stopped. */
  get raft(): Raft | undefined {
    return this.#raft;
  }

  /** As of the last batch. */
  get status(): RaftStatus {
    return this.#status;
  }

  get isLeader(): boolean {
    return this.#status.role === "leader";
  }

  /** Never the same one twice; 0 is none. */
  nextRequest(): number {
    this.#requests += 1;
    return this.#requests;
  }

  feed(input: RaftInput): void {
    if (!this.#raft) return;
    try {
      this.#raft.feed(input, this.#clock.now());
    } catch (error) {
      this.#events.failed(error);
      return;
    }
    this.#isFed = true;
    this.#schedule();
  }

  /** Takes part no more. */
  stop(): void {
    this.#raft = undefined;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#status = { ...this.#status, role: "follower", leader: undefined };
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.endOfTurn(this.#turn);
  }

  #pump(): void {
    this.#isScheduled = false;
    try {
      for (let i = 0; i < BATCHES_A_TURN_MAX && this.#raft && this.#isFed; i += 1) {
        this.#isFed = false;
        this.#isScheduled = true;
        this.#carryOut(this.#raft.take());
        this.#isScheduled = false;
      }
    } catch (error) {
      this.#isScheduled = false;
      this.#events.failed(error);
    }
    if (this.#isFed && this.#raft) this.#schedule();
  }

  #carryOut(batch: Batch): void {
    const events = this.#events;
    for (const chunk of batch.staged) this.#disk.stage(chunk);
    if (batch.write?.install) events.holding(batch.write.install);
    if (batch.write) this.#disk.write(batch.write);
    for (const message of batch.messages) events.send(message);
    if (batch.alarmAt !== undefined) this.#setAlarm(batch.alarmAt);
    // Told before what follows from it, so that a new leader's first command is applied as one.
    if (batch.status) {
      this.#status = batch.status;
      events.status(batch.status);
    }
    if (batch.committed.length > 0) events.committed(batch.committed);
    for (const outcome of batch.outcomes) events.outcome(outcome);
    for (const read of batch.reads) events.read(read);
    for (const request of batch.chunkRequests) void this.#disk.readChunk(request);
    for (const notice of batch.notices) events.notice(notice);
    for (const counter of batch.counts) events.count(counter);
  }

  #setAlarm(at: number): void {
    this.#alarm?.cancel();
    this.#alarm = this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () => {
      this.#alarm = undefined;
      this.feed({ type: "alarm" });
    });
  }
}
