/** SnapshotReader: an installed snapshot's bytes, in chunks from any offset, each part checked when it is read. */
import { crc32 } from "node:zlib";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import { damaged, snapshotClosed } from "./log-errors.js";
import type { LogPlace } from "./log-place.js";
import { partFile, partSeed, type StoredSnapshot } from "./snapshot-files.js";

const NOTHING = new Uint8Array(0);

export class SnapshotReader implements AsyncDisposable {
  readonly #place: LogPlace;
  readonly #snapshot: StoredSnapshot;
  readonly #refuseAbandoned: () => void;
  readonly #onClose: () => Promise<void>;
  #closing: Promise<void> | undefined;
  /** The part that was read last. */
  #part = -1;
  #bytes: Uint8Array = NOTHING;

  /** @param refuseAbandoned throws when the files are no longer this reader's */
  constructor(
    place: LogPlace,
    snapshot: StoredSnapshot,
    refuseAbandoned: () => void,
    onClose: () => Promise<void>,
  ) {
    this.#place = place;
    this.#refuseAbandoned = refuseAbandoned;
    this.#snapshot = snapshot;
    this.#onClose = onClose;
  }

  get meta(): SnapshotMeta {
    return this.#snapshot.meta;
  }

  get sizeBytes(): number {
    return this.#snapshot.sizeBytes;
  }

  /**
   * Bytes from the offset on: at least one and at most `bytesMax`; none at the end. They are the caller's.
   * @throws {ERR_LOG_DAMAGED} when a part is missing or not what was written.
   * @throws {ERR_CLOSED} after `close`, and when the log was read again meanwhile.
   */
  async read(offset: number, bytesMax: number): Promise<Uint8Array> {
    if (offset >= this.sizeBytes) return NOTHING;
    const part = Math.floor(offset / this.#snapshot.partBytes);
    const bytes = part === this.#part ? this.#bytes : await this.#load(part);
    const from = offset - part * this.#snapshot.partBytes;
    return new Uint8Array(bytes.subarray(from, from + bytesMax));
  }

  /** Lets the snapshot go; when it has been replaced, its files are removed. Idempotent. */
  close(): Promise<void> {
    this.#bytes = NOTHING;
    this.#part = -1;
    this.#closing ??= this.#onClose();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #load(part: number): Promise<Uint8Array> {
    if (this.#closing) throw snapshotClosed("it was closed");
    this.#refuseAbandoned();
    const { storage, folder, group } = this.#place;
    const { serial, parts, partBytes, sizeBytes } = this.#snapshot;
    const file = partFile(folder, serial, part);
    const bytes = await storage.read(file);
    if (!bytes) throw damaged(file, 0, "the file is missing");
    const expectedBytes = Math.min(partBytes, sizeBytes - part * partBytes);
    if (bytes.length !== expectedBytes) {
      const reason = `it has ${bytes.length} bytes instead of ${expectedBytes}`;
      throw damaged(file, Math.min(bytes.length, expectedBytes), reason);
    }
    if (crc32(bytes, partSeed(group, serial, part)) !== parts[part]) {
      throw damaged(file, 0, "its checksum is not the one of the manifest");
    }
    this.#part = part;
    this.#bytes = bytes;
    return bytes;
  }
}
