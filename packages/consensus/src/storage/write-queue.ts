/**
 * WriteQueue: group commit. While one batch is being synced, what is appended meanwhile becomes the next one, whole: many
 * appends, one sync. Installations and removals take their turn in the same line.
 *
 * Invariant: after one failure nothing is written any more, and everything that waited fails: what comes after a write that
 * may or may not be on the disk must not be there without it.
 */
import type { HardState } from "../protocol/raft/entry.js";
import type { Recordable } from "./record.js";

interface Batch {
  readonly type: "batch";
  readonly items: Recordable[];
  readonly payloads: Uint8Array[];
  sizeBytes: number;
  /** The last entry up to which the log on disk is the caller's when the batch is; undefined without entries. */
  lastIndex: number | undefined;
}

interface Task {
  readonly type: "task";
  readonly run: () => Promise<void>;
}

interface Outcome {
  readonly done: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Job = (Batch | Task) & Outcome;

/** What the queue needs of its owner. */
export interface WriteQueueOwner {
  write(items: readonly Recordable[], payloads: readonly Uint8Array[]): Promise<void>;
  /** The log is on the disk up to and including the entry. */
  onDurable(index: number): void;
  /** A write failed; gives the error of everything that waited. */
  onFailure(error: unknown): Error;
}

export class WriteQueue {
  readonly #owner: WriteQueueOwner;
  readonly #batchBytesAim: number;
  #jobs: Job[] = [];
  #running: Promise<void> | undefined;
  /** The one that is being written: nothing joins it any more. */
  #current: Job | undefined;
  #pendingBytes = 0;

  constructor(owner: WriteQueueOwner, batchBytesAim: number) {
    this.#owner = owner;
    this.#batchBytesAim = batchBytesAim;
  }

  /** Size of what waits for the disk. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Adds the items, which belong together, to the next batch. */
  append(
    items: readonly Recordable[],
    payloads: readonly Uint8Array[],
    sizeBytes: number,
    range: { readonly first: number; readonly last: number } | undefined,
  ): Promise<void> {
    if (range) this.forget(range.first - 1);
    const batch = this.#openBatch(sizeBytes);
    for (const item of items) batch.items.push(item);
    for (const payload of payloads) batch.payloads.push(payload);
    batch.sizeBytes += sizeBytes;
    if (range) batch.lastIndex = range.last;
    this.#pendingBytes += sizeBytes;
    return batch.done;
  }

  /** Runs after everything before it is written, and before everything after. */
  task(run: () => Promise<void>): Promise<void> {
    const task: Task & Outcome = { type: "task", run, ...outcome() };
    this.#add(task);
    return task.done;
  }

  /** Entries behind `index` are replaced: earlier batches no longer make them durable. */
  forget(index: number): void {
    for (const job of this.#jobs) {
      if (job.type === "batch" && job.lastIndex !== undefined) {
        job.lastIndex = Math.min(job.lastIndex, index);
      }
    }
  }

  /** Resolves when nothing is waiting or being written. */
  async drained(): Promise<void> {
    await this.#running;
  }

  #openBatch(sizeBytes: number): Batch & Outcome {
    const newest = this.#jobs.at(-1);
    const isOpen = newest?.type === "batch" && newest !== this.#current;
    if (isOpen && newest.sizeBytes + sizeBytes <= this.#batchBytesAim) return newest;
    const batch: Batch & Outcome = {
      type: "batch",
      items: [],
      payloads: [],
      sizeBytes: 0,
      lastIndex: undefined,
      ...outcome(),
    };
    this.#add(batch);
    return batch;
  }

  #add(job: Job): void {
    this.#jobs.push(job);
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // What is appended in this turn of the event loop goes together.
    await Promise.resolve();
    for (let job = this.#jobs[0]; job; job = this.#jobs[0]) {
      this.#current = job;
      try {
        await this.#do(job);
      } catch (error) {
        this.#fail(error);
        break;
      }
      this.#jobs.shift();
      if (job.type === "batch") {
        this.#pendingBytes -= job.sizeBytes;
        if (job.lastIndex !== undefined) this.#owner.onDurable(job.lastIndex);
      }
      job.resolve();
    }
    this.#current = undefined;
    this.#running = undefined;
  }

  #do(job: Job): Promise<void> {
    return job.type === "task" ? job.run() : this.#owner.write(job.items, job.payloads);
  }

  #fail(cause: unknown): void {
    const failed = this.#jobs;
    this.#jobs = [];
    this.#pendingBytes = 0;
    const error = this.#owner.onFailure(cause);
    for (const job of failed) job.reject(error);
  }
}

function outcome(): Outcome {
  let resolve: () => void = nothing;
  let reject: (error: unknown) => void = nothing;
  const done = new Promise<void>((onDone, onError) => {
    resolve = onDone;
    reject = onError;
  });
  return { done, resolve, reject };
}

function nothing(): void {}

/** The record of a hard state. */
export function recordOf(hardState: HardState): Recordable {
  const { term, vote, commit } = hardState;
  return { type: "hard-state", term, vote, commit };
}
