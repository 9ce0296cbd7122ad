/**
 * Outbox: collects what an input causes, numbers the writes, and keeps what must wait for them.
 *
 * Invariants: a message that speaks of a vote, a term or an entry of this member's disk leaves only
 * after every write begun before it is durable; `durableIndex` counts an entry only if it is the
 * one in the log now, however often the place was written.
 */
import { HELD_MESSAGES_MAX } from "../../limits.js";
import { invariant } from "../invariant.js";
import type { Entry, HardState, SnapshotMeta } from "./entry.js";
import type {
  Batch,
  ChunkRequest,
  Outcome,
  RaftCounter,
  RaftNotice,
  ReadOutcome,
  StagedChunk,
  Write,
} from "./inputs.js";
import type { LogWrite } from "./log.js";
import type { RaftMessage } from "./messages.js";

interface OpenWrite {
  readonly number: number;
  /** The log is durable up to here when the write is, as far as it was not cut since. */
  lastIndex: number;
  readonly since: number;
  readonly held: RaftMessage[];
}

/** Of most kinds there is nothing in most batches. */
const NOTHING: readonly never[] = [];

/** A batch that is still put together. */
type MutableBatch = { -readonly [Name in keyof Batch]: Batch[Name] };

export class Outbox {
  #messages: RaftMessage[] = [];
  #held: RaftMessage[] = [];
  #outcomes: Outcome[] = [];
  #reads: ReadOutcome[] = [];
  #staged: StagedChunk[] = [];
  #chunkRequests: ChunkRequest[] = [];
  #notices: RaftNotice[] = [];
  #counts: RaftCounter[] = [];
  #install: SnapshotMeta | undefined;
  readonly #writes: OpenWrite[] = [];
  #number = 0;
  #durable: number;

  constructor(durableIndex: number) {
    this.#durable = durableIndex;
  }

  /** The log is on disk up to here. */
  get durableIndex(): number {
    return this.#durable;
  }

  /** When the oldest write that is not durable began. */
  get writingSince(): number | undefined {
    return this.#writes[0]?.since;
  }

  send(message: RaftMessage): void {
    this.#messages.push(message);
  }

  /** Sends it when all that was decided until now is on disk. */
  sendDurable(message: RaftMessage): void {
    this.#held.push(message);
  }

  outcome(outcome: Outcome): void {
    this.#outcomes.push(outcome);
  }

  read(outcome: ReadOutcome): void {
    this.#reads.push(outcome);
  }

  stage(chunk: StagedChunk): void {
    this.#staged.push(chunk);
  }

  requestChunk(request: ChunkRequest): void {
    this.#chunkRequests.push(request);
  }

  notice(notice: RaftNotice): void {
    this.#notices.push(notice);
  }

  count(counter: RaftCounter): void {
    this.#counts.push(counter);
  }

  /** The log was cut behind `index`: acknowledgements of what stood there mean nothing any more. */
  cut(index: number): void {
    this.#durable = Math.min(this.#durable, index);
    for (const write of this.#writes) write.lastIndex = Math.min(write.lastIndex, index);
  }

  /** The next write replaces everything by a snapshot; `commit` is up to where the old log holds. */
  install(snapshot: SnapshotMeta, commit: number): void {
    this.cut(commit);
    this.#install = snapshot;
  }

  /**
   * The write that is needed now, if any. Held messages wait for it, or for the last one that is
   * open; with none open they leave at once.
   */
  takeWrite(
    hardState: HardState,
    isHardStateNew: boolean,
    append: LogWrite | undefined,
    lastIndex: number,
    now: number,
  ): Write | undefined {
    const install = this.#install;
    this.#install = undefined;
    const isNeeded = isHardStateNew || append !== undefined || install !== undefined;
    let write: Write | undefined;
    if (isNeeded) {
      this.#number += 1;
      const number = this.#number;
      this.#writes.push({ number, lastIndex, since: now, held: [] });
      const made: { -readonly [Name in keyof Write]: Write[Name] } = { number, hardState };
      if (install) made.install = install;
      if (append) made.append = append;
      write = made;
    }
    const open = this.#writes.at(-1);
    for (const message of this.#held) {
      if (open) this.#hold(message, open.held);
      else this.#messages.push(message);
    }
    this.#held = [];
    return write;
  }

  #hold(message: RaftMessage, held: RaftMessage[]): void {
    // A slow disk is asked again and again; it answers the last question of a kind.
    if (isCovered(held.at(-1), message)) held.pop();
    if (held.length < HELD_MESSAGES_MAX) held.push(message);
    else this.count("message-not-held");
  }

  /** Writes up to this one are durable: the messages that waited for them, in order. */
  persisted(number: number): readonly RaftMessage[] {
    invariant(number <= this.#number, "a write is acknowledged that was never begun");
    const released: RaftMessage[] = [];
    while (this.#writes[0] !== undefined && this.#writes[0].number <= number) {
      const write = this.#writes.shift() as OpenWrite;
      this.#durable = Math.max(this.#durable, write.lastIndex);
      for (const message of write.held) released.push(message);
    }
    return released;
  }

  /** Everything collected since the last time but the write. */
  take(committed: readonly Entry[]): MutableBatch {
    const batch: MutableBatch = {
      staged: this.#staged.length > 0 ? this.#staged : NOTHING,
      messages: this.#messages.length > 0 ? this.#messages : NOTHING,
      committed,
      outcomes: this.#outcomes.length > 0 ? this.#outcomes : NOTHING,
      reads: this.#reads.length > 0 ? this.#reads : NOTHING,
      chunkRequests: this.#chunkRequests.length > 0 ? this.#chunkRequests : NOTHING,
      notices: this.#notices.length > 0 ? this.#notices : NOTHING,
      counts: this.#counts.length > 0 ? this.#counts : NOTHING,
    };
    if (this.#messages.length > 0) this.#messages = [];
    if (this.#outcomes.length > 0) this.#outcomes = [];
    if (this.#reads.length > 0) this.#reads = [];
    if (this.#staged.length > 0) this.#staged = [];
    if (this.#chunkRequests.length > 0) this.#chunkRequests = [];
    if (this.#notices.length > 0) this.#notices = [];
    if (this.#counts.length > 0) this.#counts = [];
    return batch;
  }
}

/** Says the later one all that the earlier one does, of the same log? */
function isCovered(earlier: RaftMessage | undefined, later: RaftMessage): boolean {
  if (earlier?.type !== "appended" || later.type !== "appended") return false;
  return earlier.to === later.to && earlier.term === later.term && earlier.index <= later.index;
}
