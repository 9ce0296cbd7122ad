/**
 * Snapshotter: takes snapshots of the machine, so that neither the log nor a start grows for ever.
 *
 * One is due when as much was applied as the last one was large, within limits: so writing them
 * costs no more than writing the log (thesis, section 5.1.2). A part of the log before it is kept,
 * so that a member that is a little behind needs no snapshot. The bytes are written while the group
 * goes on; the snapshot counts once it is durable and so is the log up to it.
 */
import { createHash } from "node:crypto";
import type { Clock, Logger } from "@foundation/core";
import { SNAPSHOT_STEP_BYTES, type GroupLimits } from "../limits.js";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import type { RaftInput } from "../protocol/raft/inputs.js";
import type { Raft } from "../protocol/raft/raft.js";
import type { SnapshotWriter } from "../storage/snapshot-writer.js";
import type { Disk } from "./disk.js";
import { encodeHead } from "./snapshot-format.js";

export interface SnapshotterParts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: GroupLimits;
  /** Where the machine stands; undefined while it must not be asked. */
  standing(): { readonly index: number; readonly timeMs: number } | undefined;
  /** The machine's state now. */
  pieces(): Iterable<Uint8Array>;
  /** The running core; undefined once this member has stopped. */
  core(): Raft | undefined;
  feed(input: RaftInput): void;
  taken(): void;
  failed(error: unknown): void;
}

export class Snapshotter {
  readonly #parts: SnapshotterParts;
  #appliedBytes = 0;
  #dueBytes: number;
  /** Half of what is due was applied when the machine stood here: the log from here on is kept. */
  #keepAfter = 0;
  #running: Promise<void> | undefined;
  #wake: (() => void) | undefined;

  constructor(parts: SnapshotterParts, lastSizeBytes: number) {
    this.#parts = parts;
    this.#dueBytes = this.#dueAfter(lastSizeBytes);
  }

  /** So much was applied. */
  applied(index: number, sizeBytes: number): void {
    this.#appliedBytes += sizeBytes;
    if (this.#appliedBytes * 2 < this.#dueBytes) this.#keepAfter = index;
    if (this.#appliedBytes < this.#dueBytes || this.#running) return;
    this.#running = this.#take().finally(() => {
      this.#running = undefined;
    });
  }

  /** More of the log may be durable, or this member has stopped. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Waits for what is under way. */
  async settled(): Promise<void> {
    this.wake();
    await this.#running;
  }

  async #take(): Promise<void> {
    const { disk, logger } = this.#parts;
    const standing = this.#parts.standing();
    if (!standing) return;
    const keepAfter = this.#keepAfter;
    this.#appliedBytes = 0;
    this.#keepAfter = standing.index;
    const writer = disk.log.createSnapshot();
    const { installs } = disk;
    try {
      const digest = await this.#write(writer, standing.timeMs);
      const meta = await this.#position(standing.index, digest, installs);
      if (!meta) return await writer.discard();
      await disk.log.installSnapshot(writer, meta);
      this.#parts.taken();
      this.#dueBytes = this.#dueAfter(writer.sizeBytes);
      this.#parts.feed({ type: "snapshot-taken", snapshot: meta, keepAfter });
      if (keepAfter >= disk.log.firstIndex) await disk.log.compact(keepAfter);
    } catch (error) {
      if (disk.log.failure) return this.#parts.failed(error);
      if (!this.#parts.core()) return;
      logger.error("A snapshot could not be taken; it is tried again after more of the log", {
        index: standing.index,
        error,
      });
      await writer.discard().catch(() => {});
    }
  }

  /** Gives the digest of what was written. */
  async #write(writer: SnapshotWriter, timeMs: number): Promise<string> {
    const hash = createHash("sha256");
    const put = (piece: Uint8Array): Promise<void> => {
      hash.update(piece);
      return writer.write(piece);
    };
    const pieces = this.#parts.pieces();
    await put(encodeHead(timeMs));
    let since = 0;
    for (const piece of pieces) {
      await put(piece);
      since += piece.length;
      if (since < SNAPSHOT_STEP_BYTES) continue;
      since = 0;
      await new Promise<void>((resolve) => this.#parts.clock.endOfTurn(resolve));
      if (!this.#parts.core()) break;
    }
    return hash.digest("hex");
  }

  /** What the snapshot is of, once the log is durable up to there; undefined: it is of no use. */
  async #position(
    index: number,
    digest: string,
    installs: number,
  ): Promise<SnapshotMeta | undefined> {
    for (;;) {
      const core = this.#parts.core();
      // A leader's snapshot took the place of what this one was made from.
      if (!core || this.#parts.disk.installs !== installs) return undefined;
      if (core.snapshotIndex >= index) {
        const position = core.positionAt(index);
        return { id: `${index}-${digest.slice(0, 32)}`, ...position };
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #dueAfter(sizeBytes: number): number {
    const { snapshotLogBytes, snapshotLogBytesMax } = this.#parts.limits;
    return Math.min(Math.max(sizeBytes, snapshotLogBytes), snapshotLogBytesMax);
  }
}
