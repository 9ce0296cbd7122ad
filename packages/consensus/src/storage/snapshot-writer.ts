/**
 * SnapshotWriter: takes a snapshot's bytes, chunk after chunk, and puts them into part files.
 *
 * Nothing of it counts before it is installed. `sizeBytes` says how much it has taken: where a transfer goes on that was
 * interrupted.
 */
import { crc32 } from "node:zlib";
import { coreErrors } from "@foundation/core";
import { invariant } from "../protocol/invariant.js";
import type { LogPlace } from "./log-place.js";
import { partFile, partSeed } from "./snapshot-files.js";

/** What a writer needs of its store. */
export interface SnapshotWriterOwner {
  /** Throws when the files are no longer the writer's. */
  refuseAbandoned(): void;
  /** A whole part is durable. */
  onPart(parts: readonly number[]): Promise<void>;
  onDiscard(): Promise<void>;
}

export class SnapshotWriter {
  readonly serial: number;
  readonly #place: LogPlace;
  readonly #owner: SnapshotWriterOwner;
  readonly #parts: number[];
  /** The part that is being filled. */
  #part: Uint8Array;
  #filledBytes = 0;
  #sizeBytes = 0;
  #state: "open" | "finished" | "discarded" = "open";
  /** Chunks are taken in the order of their calls. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param parts checksums of whole parts that are there already */
  constructor(
    place: LogPlace,
    serial: number,
    owner: SnapshotWriterOwner,
    parts: readonly number[] = [],
  ) {
    this.#place = place;
    this.#owner = owner;
    this.serial = serial;
    this.#parts = [...parts];
    this.#sizeBytes = parts.length * place.limits.snapshotPartBytes;
    this.#part = new Uint8Array(0);
  }

  /** Bytes taken so far. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /**
   * Adds bytes at the end; the caller's buffer is its own again when it resolves. After an error the snapshot can only be
   * discarded.
   * @throws {ERR_STORAGE} when the disk refuses.
   * @throws {ERR_QUEUE_FULL} when the snapshot has more than `snapshotPartsMax` parts.
   * @throws {ERR_CLOSED} when the log was read again meanwhile.
   */
  write(chunk: Uint8Array): Promise<void> {
    invariant(this.#state === "open", "a snapshot is written to after its end");
    this.#sizeBytes += chunk.length;
    return this.#inLine(() => this.#write(chunk));
  }

  /** Gives the snapshot up and removes its files. Does nothing after `finish` has succeeded. */
  async discard(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "discarded";
    const { storage, folder } = this.#place;
    await this.#last.catch(() => {});
    await this.#owner.onDiscard();
    for (let part = 0; part < this.#parts.length; part++) {
      await storage.remove(partFile(folder, this.serial, part));
    }
  }

  /** Writes the last part; gives the parts' checksums. */
  finish(): Promise<readonly number[]> {
    invariant(this.#state === "open", "a snapshot is finished twice");
    return this.#inLine(async () => {
      if (this.#filledBytes > 0) await this.#flush();
      this.#state = "finished";
      return this.#parts;
    });
  }

  #inLine<T>(run: () => Promise<T>): Promise<T> {
    // A chunk behind one that failed fails too: the bytes would have a hole.
    const result = this.#last.then(run);
    this.#last = result;
    // Whoever called is told; that nobody else waits is no error.
    result.catch(() => {});
    return result;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const partBytes = this.#place.limits.snapshotPartBytes;
    for (let at = 0; at < chunk.length; ) {
      if (this.#part.length === 0) this.#part = new Uint8Array(partBytes);
      const taken = chunk.subarray(at, at + partBytes - this.#filledBytes);
      this.#part.set(taken, this.#filledBytes);
      this.#filledBytes += taken.length;
      at += taken.length;
      if (this.#filledBytes === partBytes) await this.#flush();
    }
  }

  async #flush(): Promise<void> {
    const { storage, folder, group, limits } = this.#place;
    this.#owner.refuseAbandoned();
    const part = this.#parts.length;
    const limit = limits.snapshotPartsMax;
    if (part >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `A snapshot of ${group} has more than ${limit * limits.snapshotPartBytes} bytes: raise ` +
          "snapshotPartBytes, or keep less in the state machine",
        { queue: "snapshot", limit: limit * limits.snapshotPartBytes, unit: "bytes" },
      );
    }
    const bytes = this.#part.subarray(0, this.#filledBytes);
    await storage.replace(partFile(folder, this.serial, part), bytes);
    this.#parts.push(crc32(bytes, partSeed(group, this.serial, part)));
    const isWhole = this.#filledBytes === limits.snapshotPartBytes;
    this.#filledBytes = 0;
    if (isWhole) await this.#owner.onPart(this.#parts);
  }
}
