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
import {
  readStaging,
  removeStaging,
  writeStaging,
  type StagedSnapshot,
} from "./snapshot-staging.js";
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
  /** About to be installed: they still write their last parts, which no later snapshot may take away. */
  readonly #claimed = new WeakSet<SnapshotWriter>();
  #isAbandoned = false;
  /** What has arrived of a snapshot, by this start or the one before, and who goes on with it. */
  #staged: StagedSnapshot | undefined;
  #stagedBy: SnapshotWriter | undefined;
  /** Which one the file says is arriving. */
  #stagingSerial: number | undefined;
  /** Replaced, and still read. */
  readonly #replaced = new Map<number, StoredSnapshot>();

  private constructor(
    place: LogPlace,
    current: StoredSnapshot | undefined,
    staged: StagedSnapshot | undefined,
    serial: number,
  ) {
    this.#place = place;
    this.#current = current;
    this.#staged = staged;
    this.#stagingSerial = staged?.serial;
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
    const staged = await readStaging(place);
    const isOld = staged && staged.meta.index <= (current?.meta.index ?? 0);
    return new SnapshotStore(place, current, isOld ? undefined : staged, Math.max(0, ...serials));
  }

  get current(): StoredSnapshot | undefined {
    return this.#current;
  }

  /** What has arrived durably of a snapshot; undefined when none is arriving. */
  get staged(): StagedSnapshot | undefined {
    return this.#staged;
  }

  /** Removes parts, of those files, that belong to no snapshot. */
  async removeLeftovers(files: readonly string[]): Promise<void> {
    const { storage, folder } = this.#place;
    const kept = [this.#current?.serial, this.#staged?.serial];
    for (const file of files) {
      const serial = serialOf(folder, file);
      if (serial !== undefined && !kept.includes(serial)) await storage.remove(file);
    }
    if (!this.#staged) await removeStaging(this.#place);
  }

  /** A new snapshot. With `meta` a start goes on with its whole parts, in place of an earlier one's. */
  create(meta?: SnapshotMeta): SnapshotWriter {
    this.#serial += 1;
    return this.#writer(this.#serial, meta, []);
  }

  /** Goes on with the snapshot that was arriving before the start. */
  resume(): SnapshotWriter | undefined {
    const staged = this.#staged;
    return staged && this.#writer(staged.serial, staged.meta, staged.parts);
  }

  #writer(
    serial: number,
    meta: SnapshotMeta | undefined,
    parts: readonly number[],
  ): SnapshotWriter {
    const owner = {
      refuseAbandoned: () => {
        this.#refuseAbandoned();
        if (!this.#writers.has(writer)) throw snapshotClosed("another one arrives in its place");
      },
      onPart: (whole: readonly number[]) =>
        meta ? this.#stage({ meta, serial, parts: [...whole] }, writer) : nothing(),
      onDiscard: () => this.#unstage(serial),
    };
    const writer: SnapshotWriter = new SnapshotWriter(this.#place, serial, owner, parts);
    this.#writers.add(writer);
    if (parts.length > 0) this.#stagedBy = writer;
    return writer;
  }

  async #stage(staged: StagedSnapshot, writer: SnapshotWriter): Promise<void> {
    // One that was given up may still end a part, and must not take the place of the next.
    if (this.#claimed.has(writer) || staged.serial < (this.#staged?.serial ?? 0)) return;
    const earlier = this.#staged;
    if (earlier && earlier.serial !== staged.serial && this.#stagedBy) {
      this.#writers.delete(this.#stagedBy);
    }
    this.#staged = staged;
    this.#stagedBy = writer;
    this.#stagingSerial = staged.serial;
    await writeStaging(this.#place, staged);
    if (earlier && earlier.serial !== staged.serial) await this.#remove(earlier);
  }

  async #unstage(serial: number): Promise<void> {
    if (this.#isAbandoned || this.#stagingSerial !== serial) return;
    if (this.#staged?.serial === serial) this.#staged = undefined;
    this.#stagingSerial = undefined;
    await removeStaging(this.#place);
  }

  /** The writer's snapshot is about to be installed: it is no longer arriving. */
  claim(writer: SnapshotWriter): void {
    this.#claimed.add(writer);
    if (this.#staged?.serial === writer.serial) this.#staged = undefined;
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
    await this.#unstage(serial);
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

  async #remove({ serial, parts }: Pick<StoredSnapshot, "serial" | "parts">): Promise<void> {
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

function nothing(): Promise<void> {
  return Promise.resolve();
}
