/**
 * SnapshotStore: the newest snapshot of a group's state machine, and the one that is being written.
 *
 * A snapshot's bytes stand in part files of one size, each written by an atomic replacement; a manifest names them, their
 * checksums, and what the snapshot includes. Replacing the manifest installs the snapshot: before it the old one counts,
 * after it the new one, and parts that no manifest names are leftovers. A snapshot that is replaced while somebody
 * reads it stays until the last reader has closed.
 */
import { invariant } from "../protocol/invariant.js";
import type { SnapshotMeta } from "../protocol/raft/entry.js";
import { parseSnapshotMeta } from "../protocol/raft/messages.js";
import { isCount } from "../protocol/raft/shape.js";
import { damaged, snapshotClosed } from "./log-errors.js";
import type { LogPlace } from "./log-place.js";
import { seal, unseal } from "./sealed-document.js";
import { manifestFile, partFile, serialOf, type StoredSnapshot } from "./snapshot-files.js";
import { SnapshotReader } from "./snapshot-reader.js";
import { SnapshotWriter } from "./snapshot-writer.js";

const MAGIC = "FNDRAFTS";

export class SnapshotStore {
  readonly #place: LogPlace;
  #current: StoredSnapshot | undefined;
  #serial: number;
  /** How many read a snapshot, by its serial. */
  readonly #readers = new Map<number, number>();
  /** Begun and not installed. */
  readonly #writers = new WeakSet<SnapshotWriter>();
  #isAbandoned = false;
  /** Replaced, and still read. */
  readonly #replaced = new Map<number, StoredSnapshot>();

  private constructor(place: LogPlace, current: StoredSnapshot | undefined, serial: number) {
    this.#place = place;
    this.#current = current;
    this.#serial = serial;
  }

  /**
   * Finds the installed snapshot. Its parts must be there; their bytes are checked when they are read.
   * @throws {ERR_LOG_DAMAGED} when the manifest is not whole or a part is missing.
   */
  static async recover(place: LogPlace, files: readonly string[]): Promise<SnapshotStore> {
    const { storage, folder, group } = place;
    const manifest = await storage.read(manifestFile(folder));
    const current = manifest && parseManifest(manifest, manifestFile(folder), group);
    const there = new Set(files);
    current?.parts.forEach((_, part) => {
      const file = partFile(folder, current.serial, part);
      if (!there.has(file)) throw damaged(file, 0, "the file is missing");
    });
    const serials = files.map((file) => serialOf(folder, file) ?? 0);
    return new SnapshotStore(place, current, Math.max(0, ...serials));
  }

  get current(): StoredSnapshot | undefined {
    return this.#current;
  }

  /** Removes parts, of those files, that belong to no installed snapshot. */
  async removeLeftovers(files: readonly string[]): Promise<void> {
    const { storage, folder } = this.#place;
    for (const file of files) {
      const serial = serialOf(folder, file);
      if (serial !== undefined && serial !== this.#current?.serial) await storage.remove(file);
    }
  }

  create(): SnapshotWriter {
    this.#serial += 1;
    const writer = new SnapshotWriter(this.#place, this.#serial, () => this.#refuseAbandoned());
    this.#writers.add(writer);
    return writer;
  }

  /** True for a writer whose files are still there to be installed. */
  owns(writer: SnapshotWriter): boolean {
    return this.#writers.has(writer) && !this.#isAbandoned;
  }

  /** The files are about to be read again: writers and readers from before end. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /**
   * Makes what the writer has taken the current snapshot; durable when it resolves.
   * @throws {ERR_STORAGE}
   */
  async install(writer: SnapshotWriter, meta: SnapshotMeta): Promise<void> {
    const { storage, folder, group, limits } = this.#place;
    const parts = await writer.finish();
    this.#writers.delete(writer);
    const { serial, sizeBytes } = writer;
    const partBytes = limits.snapshotPartBytes;
    const value = { group, serial, sizeBytes, partBytes, parts, meta };
    await storage.replace(manifestFile(folder), seal(MAGIC, value));
    const old = this.#current;
    this.#current = { meta, serial, sizeBytes, partBytes, parts };
    if (!old) return;
    if (this.#readers.has(old.serial)) this.#replaced.set(old.serial, old);
    else await this.#remove(old);
  }

  /** Opens the current snapshot; undefined when there is none. */
  open(): SnapshotReader | undefined {
    const snapshot = this.#current;
    if (!snapshot) return undefined;
    const { serial } = snapshot;
    this.#readers.set(serial, (this.#readers.get(serial) ?? 0) + 1);
    const isUsable = () => this.#refuseAbandoned();
    return new SnapshotReader(this.#place, snapshot, isUsable, () => this.#closed(serial));
  }

  #refuseAbandoned(): void {
    if (this.#isAbandoned) throw snapshotClosed("the log was read again meanwhile");
  }

  async #closed(serial: number): Promise<void> {
    if (this.#isAbandoned) return;
    const left = (this.#readers.get(serial) ?? 0) - 1;
    invariant(left >= 0, "a snapshot is closed more often than it was opened");
    if (left > 0) {
      this.#readers.set(serial, left);
      return;
    }
    this.#readers.delete(serial);
    const replaced = this.#replaced.get(serial);
    if (!replaced) return;
    this.#replaced.delete(serial);
    await this.#remove(replaced);
  }

  async #remove({ serial, parts }: StoredSnapshot): Promise<void> {
    const { storage, folder } = this.#place;
    for (let part = 0; part < parts.length; part++) {
      await storage.remove(partFile(folder, serial, part));
    }
  }
}

function parseManifest(bytes: Uint8Array, file: string, group: string): StoredSnapshot {
  const { value } = unseal(bytes, MAGIC, group, file);
  const { serial, sizeBytes, partBytes, parts } = value;
  const meta = parseSnapshotMeta(value["meta"]);
  if (!meta || !isCount(serial) || !isCount(sizeBytes) || !isCount(partBytes)) {
    throw damaged(file, 0, "the manifest lacks a field");
  }
  if (!Array.isArray(parts) || !parts.every(isCount)) {
    throw damaged(file, 0, "the manifest lacks a field");
  }
  return { meta, serial, sizeBytes, partBytes, parts };
}
