/**
 * DurableLog: what a member of a Raft group keeps on its disk: entries, the hard state, the newest snapshot.
 *
 * The shell of the pure core: the core says what to write, and learns that it is durable when `append` resolves. What the
 * caller has appended is visible at once; what is durable is what a crash leaves. Entries stand in segment files, newest
 * at the end (`segment-writer.ts`), many appends share one sync (`write-queue.ts`), a start checks all of it
 * (`recovery.ts`). docs/protocol/consensus-log.md states the format; docs/decisions/0013 why it is our own.
 *
 * Invariants: `append` never resolves before its bytes are synced; writes reach the disk in the order of their calls; after
 * a failed write nothing more is written until the files have been read again.
 */
import type { Storage } from "@foundation/core/ports";
import { invariant } from "../protocol/invariant.js";
import {
  entryBytes,
  type Entry,
  type HardState,
  type SnapshotMeta,
} from "../protocol/raft/entry.js";
import {
  closed,
  compacted,
  damaged,
  readOnly,
  snapshotClosed,
  tooLarge,
  tooMuch,
} from "./log-errors.js";
import { EntryWindow } from "./entry-window.js";
import { LOG_LIMITS, type LogLimits } from "./limits.js";
import type { LogPlace } from "./log-place.js";
import { Outline } from "./outline.js";
import { payloadOf, recordBytes, type Recordable } from "./record.js";
import { recover, type LogRecovery, type Recovered } from "./recovery.js";
import { SegmentReader } from "./segment-reader.js";
import type { SnapshotReader } from "./snapshot-reader.js";
import type { SnapshotWriter } from "./snapshot-writer.js";
import { recordOf, WriteQueue } from "./write-queue.js";

export interface DurableLogOptions {
  readonly storage: Storage;
  /** Folder of the storage that is this log's alone, `[a-z0-9._-]`. */
  readonly folder: string;
  /** The random id of the group: files of another group are refused. */
  readonly group: string;
  readonly limits?: Partial<LogLimits>;
}

/** What goes to the disk together. */
export interface LogAppend {
  /**
   * Written before the entries, unless it is what was written last. A commit index lower than one
   * written before is raised to it.
   */
  readonly hardState?: HardState | undefined;
  /** Without gaps. They replace what stands at their indexes, and everything behind. */
  readonly entries?: readonly Entry[] | undefined;
}

/**
 * Opens the durable log of a group, and makes it when the folder is empty.
 *
 * @throws {ERR_LOG_DAMAGED} when files are missing or changed in a way that no crash explains; nothing was written.
 * @throws {ERR_LOG_FORMAT} when a newer version wrote it.
 * @throws {ERR_LOG_FOREIGN} when it is another group's.
 * @throws {ERR_STORAGE} when the disk refuses.
 *
 * @example
 * ```ts
 * import { memoryStorage } from "@foundation/core/testing"
 * import { openDurableLog } from "@foundation/consensus"
 *
 * const log = await openDurableLog({ storage: memoryStorage(), folder: "raft/orders", group: "5f0c…" })
 * await log.append({
 *   hardState: { term: 1, vote: undefined, commit: 0 },
 *   entries: [{ type: "command", index: 1, term: 1, data: new TextEncoder().encode("first") }],
 * }) // on the disk from here on
 * await log.close()
 * ```
 */
export async function openDurableLog(options: DurableLogOptions): Promise<DurableLog> {
  const { storage, folder, group } = options;
  const place = { storage, folder, group, limits: { ...LOG_LIMITS, ...options.limits } };
  return new DurableLog(place, await recover(place));
}

const NO_ENTRIES: readonly Entry[] = [];

/** The durable log of one group; see `openDurableLog`. */
export class DurableLog implements AsyncDisposable {
  readonly #place: LogPlace;
  readonly #queue: WriteQueue;
  readonly #window: EntryWindow;
  #reader: SegmentReader;
  #recovered: Recovered;
  #outline: Outline;
  #durableIndex: number;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  /** Made by `openDurableLog`. */
  constructor(place: LogPlace, recovered: Recovered) {
    this.#place = place;
    this.#window = new EntryWindow(place.limits.windowBytesAim);
    this.#reader = new SegmentReader(place);
    this.#recovered = recovered;
    this.#outline = recovered.outline;
    this.#durableIndex = recovered.outline.lastIndex;
    const owner = {
      write: (items: readonly Recordable[], payloads: readonly Uint8Array[]) =>
        this.#recovered.writer.write(items, payloads),
      onDurable: (index: number) => this.#onDurable(index),
      onFailure: (error: unknown) => this.#fail(error),
    };
    this.#queue = new WriteQueue(owner, place.limits.batchBytesAim);
  }

  /** What the start, or the last `retry`, found on the disk. */
  get recovery(): LogRecovery {
    return this.#recovered.report;
  }

  /** The newest hard state, durable or not yet. */
  get hardState(): HardState {
    return this.#outline.hardState;
  }

  /** The installed snapshot. */
  get snapshot(): SnapshotMeta | undefined {
    return this.#recovered.snapshots.current?.meta;
  }

  /** The first entry that is still there, or would be. */
  get firstIndex(): number {
    return this.#outline.firstIndex;
  }

  /** The last entry, durable or not yet; the snapshot's index when there is none. */
  get lastIndex(): number {
    return this.#outline.lastIndex;
  }

  /** The last entry that would be there after a crash. */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** Why the log takes nothing more; undefined while it does. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Estimated size of the entries in memory. */
  get windowBytes(): number {
    return this.#window.sizeBytes;
  }

  /** The term of the entry, or of the one before the first; undefined when it is not there. */
  termAt(index: number): number | undefined {
    return this.#outline.termAt(index);
  }

  /**
   * Writes hard state and entries; durable when it resolves. Calls need not wait for each other: those that wait for the
   * disk share a sync. A rejected write may be on the disk all the same: what is there, a start or `retry` tells. It takes no
   * signal: what others may have seen in the log cannot be taken back.
   * @throws {ERR_LOG_READ_ONLY} when this or an earlier write failed.
   * @throws {ERR_QUEUE_FULL} when too much waits for the disk, and {ERR_INVALID_ARGUMENT} for an entry that is too large; of
   *   such a call nothing was taken.
   * @throws {ERR_CLOSED}
   */
  append(write: LogAppend): Promise<void> {
    const entries = write.entries ?? NO_ENTRIES;
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    const hardState = write.hardState && this.#news(write.hardState);
    const items: Recordable[] = hardState ? [recordOf(hardState), ...entries] : [...entries];
    if (items.length === 0) return this.#queue.task(done);
    const payloads = items.map(payloadOf);
    let sizeBytes = 0;
    for (const payload of payloads) {
      if (payload.length > this.#place.limits.entryBytesMax) {
        return Promise.reject(tooLarge(payload.length, this.#place.limits.entryBytesMax));
      }
      sizeBytes += recordBytes(payload);
    }
    const isTooMuch = this.#queue.pendingBytes + sizeBytes > this.#place.limits.pendingBytesMax;
    // A hard state alone is small, and a member must not wait for one.
    if (isTooMuch && entries.length > 0) {
      return Promise.reject(tooMuch(this.#place.limits.pendingBytesMax));
    }
    this.#take(hardState, entries);
    const [first, last] = [entries[0], entries.at(-1)];
    const range = first && last ? { first: first.index, last: last.index } : undefined;
    return this.#queue.append(items, payloads, sizeBytes, range);
  }

  /**
   * The entries from `from` up to and including `to`: at least one, then until their size reaches `bytesAim`; fewer when the
   * log ends before. Those in memory are the ones that were appended: read them, do not write to them.
   * @throws {ERR_LOG_COMPACTED} when `from` lies before the first entry.
   * @throws {ERR_LOG_DAMAGED} when the disk does not give back what was written.
   */
  async read(
    from: number,
    to: number = this.lastIndex,
    bytesAim: number = this.#place.limits.batchBytesAim,
  ): Promise<readonly Entry[]> {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= Math.min(to, this.lastIndex); index++) {
      if (index < this.firstIndex) throw compacted(index, this.firstIndex);
      const entry = this.#inMemory(index) ?? (await this.#fromDisk(index));
      if (!entry) break;
      found.push(entry);
      bytes += entryBytes(entry);
      if (bytes >= bytesAim) break;
    }
    // While the disk was read, what was found before may have been replaced.
    const stale = found.findIndex(({ index, term }) => this.termAt(index) !== term);
    return stale < 0 ? found : found.slice(0, stale);
  }

  /**
   * Begins a snapshot: write its bytes, then install or discard it.
   *
   * @param meta of one that arrives in pieces: after a start, `resumeSnapshot` goes on with what is durable of the newest
   *   such snapshot. Without it, a start forgets what was written.
   */
  createSnapshot(meta?: SnapshotMeta): SnapshotWriter {
    return this.#recovered.snapshots.create(meta);
  }

  /** The snapshot that was arriving when the last start came; undefined when there was none. */
  get stagedSnapshot(): SnapshotMeta | undefined {
    return this.#recovered.snapshots.staged?.meta;
  }

  /** Goes on with `stagedSnapshot`: the writer's `sizeBytes` says from where. Call it once. */
  resumeSnapshot(): SnapshotWriter | undefined {
    return this.#recovered.snapshots.resume();
  }

  /**
   * Makes what the writer has taken the log's snapshot; durable when it resolves. Where the log does not have the
   * snapshot's last entry, it begins anew behind it (Raft paper, section 7); entries may be appended there at once.
   *
   * @param hardState what belongs to it. Term and vote are on the disk before the snapshot, the commit index with it.
   * @throws {ERR_LOG_READ_ONLY}
   * @throws {ERR_CLOSED} also for a writer from before a `retry`.
   */
  installSnapshot(
    writer: SnapshotWriter,
    meta: SnapshotMeta,
    hardState: HardState = this.hardState,
  ): Promise<void> {
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    if (!this.#recovered.snapshots.owns(writer)) {
      return Promise.reject(snapshotClosed("it was installed, or the log was read again"));
    }
    invariant(
      meta.index > (this.snapshot?.index ?? 0),
      "a snapshot is older than the installed one",
    );
    invariant(meta.term <= hardState.term, "a snapshot is of a later term than the hard state");
    const { term, vote } = hardState;
    const before = this.hardState;
    const restarts = this.termAt(meta.index) !== meta.term;
    const committed = { term, vote, commit: Math.max(hardState.commit, meta.index) };
    // A log that begins anew learns its commit index by that.
    const first = restarts ? { term, vote, commit: before.commit } : committed;
    if (term !== before.term || vote !== before.vote || first.commit > before.commit) {
      // Reported by the task behind it, which fails too.
      this.append({ hardState: first }).catch(() => {});
    }
    if (restarts) this.#beginAnew(meta, committed);
    this.#recovered.snapshots.claim(writer);
    return this.#queue.task(async () => {
      await this.#recovered.snapshots.install(writer, meta);
      if (!restarts) return;
      await this.#recovered.writer.restart(meta, committed);
      this.#durableIndex = Math.max(this.#durableIndex, meta.index);
    });
  }

  /** Opens the installed snapshot; undefined when there is none. Close it. */
  openSnapshot(): SnapshotReader | undefined {
    return this.#recovered.snapshots.open();
  }

  /**
   * Lets entries up to `index` go, which the snapshot must include. Their files are removed as far as nothing newer is in
   * them.
   * @throws {ERR_LOG_READ_ONLY}
   * @throws {ERR_CLOSED}
   */
  compact(index: number): Promise<void> {
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    invariant(index <= (this.snapshot?.index ?? 0), "a compaction reaches beyond the snapshot");
    this.#outline.compact(Math.min(index, this.lastIndex));
    return this.#queue.task(() => this.#recovered.writer.removeUpTo(index));
  }

  /**
   * Reads the files again after a failed write, as a start does, and takes writes from then on. What was not durable is gone or
   * not, as after a crash: whoever used the log begins anew with what it says now. Does nothing while there is no failure.
   * @throws as `openDurableLog`; the log stays read-only then.
   */
  async retry(): Promise<void> {
    if (!this.#failure) return;
    await this.#settled();
    this.#recovered.snapshots.abandon();
    this.#recovered = await recover(this.#place);
    this.#outline = this.#recovered.outline;
    this.#durableIndex = this.lastIndex;
    this.#window.restart(this.lastIndex + 1);
    this.#reader = new SegmentReader(this.#place);
    this.#failure = undefined;
  }

  /** Waits for what is being written; the storage stays open. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#settled();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #settled(): Promise<void> {
    await this.#queue.drained();
    await this.#recovered.writer.settled();
  }

  #take(hardState: HardState | undefined, entries: readonly Entry[]): void {
    const outline = this.#outline;
    const problem = outline.problemOfWrite(hardState, entries);
    invariant(problem === undefined, `a write breaks the log: ${problem}`);
    if (hardState) outline.setHardState(hardState);
    for (const entry of entries) {
      outline.put(entry.index, entry.term);
      this.#window.put(entry);
    }
    outline.endBatch();
    const first = entries[0];
    if (first) this.#durableIndex = Math.min(this.#durableIndex, first.index - 1);
  }

  #beginAnew({ index, term }: SnapshotMeta, hardState: HardState): void {
    invariant(this.hardState.commit <= index, "a snapshot contradicts a committed entry");
    invariant(hardState.commit === index, "the commit index is beyond the log");
    this.#outline = new Outline({ index, term }, hardState);
    this.#window.restart(index + 1);
    // What is written until then is of the log that ends.
    this.#queue.forget(0);
    this.#durableIndex = Math.min(this.#durableIndex, index);
  }

  /** What of it is news: nothing when it is what was written last, and never a lower commit index. */
  #news(hardState: HardState): HardState | undefined {
    const { term, vote } = hardState;
    const now = this.#outline.hardState;
    const commit = Math.max(hardState.commit, now.commit);
    if (term === now.term && vote === now.vote && commit === now.commit) return undefined;
    return { term, vote, commit };
  }

  #inMemory(index: number): Entry | undefined {
    const kept = this.#window.at(index);
    if (kept) return kept;
    const segment = this.#recovered.table.locate(index);
    return segment && this.#reader.cached(segment, index, this.termAt(index));
  }

  async #fromDisk(index: number): Promise<Entry | undefined> {
    const { table } = this.#recovered;
    const segment = table.locate(index);
    const isThere = segment && (await this.#reader.load(segment, segment === table.newest));
    // Meanwhile the log may have been cut, compacted, or begun anew.
    if (index < this.firstIndex) throw compacted(index, this.firstIndex);
    if (index > this.lastIndex) return undefined;
    const entry = this.#inMemory(index);
    if (entry) return entry;
    const file = segment?.file ?? this.#place.folder;
    const reason = isThere ? `entry ${index} is not there any more` : "the file is missing";
    throw damaged(file, 0, reason);
  }

  #onDurable(index: number): void {
    this.#durableIndex = Math.max(this.#durableIndex, index);
    this.#window.trim(this.#durableIndex);
  }

  #fail(cause: unknown): Error {
    this.#failure = readOnly(this.#place.group, cause);
    return this.#failure;
  }

  #refusal(): Error | undefined {
    if (!this.#closing) return this.#failure;
    return closed();
  }
}

function done(): Promise<void> {
  return Promise.resolve();
}
