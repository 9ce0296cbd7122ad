/**
 * Disk: carries the core's writes, staged chunks and chunk requests out on the durable log.
 *
 * Writes go to the log in the order of their numbers, without waiting for each other: those that
 * wait for the disk share a sync. A write is acknowledged by its number, once all of it is durable.
 * After a write that failed nothing is acknowledged any more.
 */
import type { Logger } from "@foundation/core";
import type { NodeId } from "@foundation/core";
import { invariant } from "../protocol/invariant.js";
import { entryBytes, type SnapshotMeta } from "../protocol/raft/entry.js";
import type { ChunkRequest, RaftInput, StagedChunk, Write } from "../protocol/raft/inputs.js";
import type { DurableLog } from "../storage/durable-log.js";
import type { SnapshotReader } from "../storage/snapshot-reader.js";
import type { SnapshotWriter } from "../storage/snapshot-writer.js";

export interface DiskEvents {
  feed(input: RaftInput): void;
  /** A snapshot that replaces the log is durable. */
  installed(meta: SnapshotMeta): void;
  failed(error: unknown): void;
}

export class Disk {
  readonly log: DurableLog;
  readonly #events: DiskEvents;
  readonly #logger: Logger;
  /** The snapshot that is arriving. */
  #arriving: { readonly id: string; readonly writer: SnapshotWriter } | undefined;
  /** Who is being sent which snapshot. */
  readonly #readers = new Map<NodeId, SnapshotReader>();
  #unpersistedBytes = 0;
  #installs = 0;

  constructor(log: DurableLog, events: DiskEvents, logger: Logger) {
    this.log = log;
    this.#events = events;
    this.#logger = logger;
  }

  /** Size of what was written and is not durable. */
  get unpersistedBytes(): number {
    return this.#unpersistedBytes;
  }

  /** How many snapshots of a leader were taken over since the start. */
  get installs(): number {
    return this.#installs;
  }

  /** Goes on with the snapshot that was arriving when this member stopped. */
  resume(): { readonly id: string; readonly offset: number } | undefined {
    const meta = this.log.stagedSnapshot;
    const writer = this.log.resumeSnapshot();
    if (!meta || !writer) return undefined;
    this.#arriving = { id: meta.id, writer };
    return { id: meta.id, offset: writer.sizeBytes };
  }

  stage({ snapshot, offset, data }: StagedChunk): void {
    if (offset === 0) {
      const before = this.#arriving?.writer;
      before?.discard().catch((error: unknown) => {
        this.#logger.warn("A snapshot that is not wanted any more could not be removed", { error });
      });
      this.#arriving = { id: snapshot.id, writer: this.log.createSnapshot(snapshot) };
    }
    const { id, writer } = this.#arriving ?? {};
    invariant(
      writer !== undefined && id === snapshot.id && writer.sizeBytes === offset,
      "a chunk does not go on where its snapshot ended",
    );
    // One that fails makes the installation fail, which is reported.
    writer.write(data).catch(() => {});
  }

  write(write: Write): void {
    let sizeBytes = 0;
    for (const entry of write.append?.entries ?? []) sizeBytes += entryBytes(entry);
    this.#unpersistedBytes += sizeBytes;
    const { install } = write;
    const done = install ? this.#install(write, install) : this.#append(write);
    done.then(
      () => {
        this.#unpersistedBytes -= sizeBytes;
        this.#events.feed({ type: "persisted", write: write.number });
        if (install) this.#events.installed(install);
      },
      (error: unknown) => this.#events.failed(error),
    );
  }

  /** Reads what the core wants to send of a snapshot. */
  async readChunk(request: ChunkRequest): Promise<void> {
    const { to, snapshot, offset, bytesMax } = request;
    const { id } = snapshot;
    try {
      const reader = await this.#readerFor(to, id);
      if (reader) {
        const data = await reader.read(offset, bytesMax);
        const isLast = offset + data.length >= reader.sizeBytes;
        this.#events.feed({ type: "snapshot-chunk", to, id, offset, data, isLast });
        if (isLast) await this.#endReader(to);
        return;
      }
    } catch (error) {
      this.#logger.warn("A snapshot could not be read for another member", { id, to, error });
      await this.#endReader(to);
    }
    this.#events.feed({ type: "snapshot-unreadable", to, id });
  }

  /** Nobody is sent a snapshot any more. */
  async endReaders(): Promise<void> {
    await Promise.all([...this.#readers.keys()].map((to) => this.#endReader(to)));
  }

  #append({ hardState, append }: Write): Promise<void> {
    return this.log.append({ hardState, entries: append?.entries });
  }

  async #install({ hardState, append }: Write, meta: SnapshotMeta): Promise<void> {
    this.#installs += 1;
    const arriving = this.#arriving;
    this.#arriving = undefined;
    invariant(arriving?.id === meta.id, "a snapshot is installed that has not arrived");
    const installed = this.log.installSnapshot(arriving.writer, meta, hardState);
    // Both calls in this turn: nothing may come between them on the disk.
    const appended = append ? this.log.append({ entries: append.entries }) : undefined;
    await Promise.all([installed, appended]);
  }

  async #readerFor(to: NodeId, id: string): Promise<SnapshotReader | undefined> {
    const open = this.#readers.get(to);
    if (open?.meta.id === id) return open;
    if (open) await this.#endReader(to);
    if (this.log.snapshot?.id !== id) return undefined;
    const reader = this.log.openSnapshot();
    if (reader) this.#readers.set(to, reader);
    return reader;
  }

  async #endReader(to: NodeId): Promise<void> {
    const reader = this.#readers.get(to);
    this.#readers.delete(to);
    try {
      await reader?.close();
    } catch (error) {
      this.#logger.warn("A snapshot that was replaced could not be removed", { error });
    }
  }
}
