/**
 * Applier: brings what is committed to the state machine, in order, each entry once.
 *
 * While a snapshot is being loaded, what is committed behind it waits; the core hands out no more
 * than its limit meanwhile.
 *
 * Invariants: every entry behind the state that the machine was put to is applied, in turn, once; an
 * index is told as applied only after that.
 */
import { invariant } from "../protocol/invariant.js";
import { entryBytes, type Entry, type SnapshotMeta } from "../protocol/raft/entry.js";
import { decodeCommand, isTag } from "./command.js";
import type { LogTime } from "./log-time.js";
import type { StateMachine } from "./state-machine.js";

export interface ApplierEvents<Response> {
  /** A command that this start of this member proposed. */
  own(sequence: number, index: number, response: Response): void;
  /** An entry of a later term than all before: nothing of those will follow. */
  term(term: number): void;
  /** The machine has everything up to `index`, after so much of the log. */
  applied(index: number, sizeBytes: number): void;
  /** The machine was put to a snapshot's state. */
  restored(meta: SnapshotMeta): void;
}

/** How this member's clock and role stand. */
export interface Standing {
  now(): number;
  readonly isLeader: boolean;
}

export class Applier<Response> {
  readonly #machine: StateMachine<Response>;
  readonly #time: LogTime;
  readonly #tag: Uint8Array;
  readonly #events: ApplierEvents<Response>;
  readonly #standing: Standing;
  #index = 0;
  #term = 0;
  /** The snapshot that is being loaded; the newest, when several are. */
  #loading: SnapshotMeta | undefined;
  #held: Entry[] = [];

  constructor(
    machine: StateMachine<Response>,
    time: LogTime,
    tag: Uint8Array,
    events: ApplierEvents<Response>,
    standing: Standing,
  ) {
    this.#machine = machine;
    this.#time = time;
    this.#tag = tag;
    this.#events = events;
    this.#standing = standing;
  }

  /** What the machine holds. */
  get index(): number {
    return this.#index;
  }

  get isLoading(): boolean {
    return this.#loading !== undefined;
  }

  /** The machine was put to the state of the disk's snapshot before this member began. */
  start({ index, term }: SnapshotMeta, timeMs: number): void {
    this.#index = index;
    this.#term = term;
    this.#time.restored(timeMs, this.#standing.now());
  }

  /** From here on a snapshot's state counts, and what follows waits for `load`. */
  hold(meta: SnapshotMeta): void {
    this.#loading = meta;
    this.#held = [];
  }

  apply(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    if (this.#loading) {
      for (const entry of entries) this.#held.push(entry);
      return;
    }
    let sizeBytes = 0;
    for (const entry of entries) {
      sizeBytes += entryBytes(entry);
      this.#applyOne(entry);
    }
    this.#events.applied(this.#index, sizeBytes);
  }

  /** Loads the state that `hold` announced; does nothing when a newer one was announced since. */
  async load(meta: SnapshotMeta, timeMs: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (this.#loading !== meta) return;
    await this.#machine.restore(chunks);
    this.#index = meta.index;
    this.#time.restored(timeMs, this.#standing.now());
    if (meta.term > this.#term) this.#term = meta.term;
    this.#events.restored(meta);
    if (this.#loading !== meta) return;
    this.#loading = undefined;
    const held = this.#held;
    this.#held = [];
    this.#events.applied(this.#index, 0);
    this.apply(held);
  }

  #applyOne(entry: Entry): void {
    invariant(entry.index === this.#index + 1, "an entry is applied out of turn");
    if (entry.term > this.#term) {
      this.#term = entry.term;
      this.#events.term(entry.term);
    }
    this.#index = entry.index;
    if (entry.type !== "command") return;
    const { timeMs, tag, sequence, data } = decodeCommand(entry.data);
    const { isLeader } = this.#standing;
    const time = this.#time.applied(timeMs, this.#standing.now(), isLeader);
    const response = this.#machine.apply(entry.index, time, data);
    if (isTag(tag, this.#tag)) this.#events.own(sequence, entry.index, response);
  }
}
