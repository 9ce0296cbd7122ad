/**
 * SegmentWriter: appends batches to the newest segment and begins new ones.
 *
 * Invariant: nothing is appended before the sync of the batch before has resolved, and no segment is begun before the one
 * before is durable. Recovery relies on it to tell a torn end from damage. One call at a time.
 */
import { invariant } from "../protocol/invariant.js";
import type { HardState } from "../protocol/raft/entry.js";
import { NO_HARD_STATE, type Position } from "./outline.js";
import { encodeBatch, recordBytes, type Recordable } from "./record.js";
import type { LogPlace } from "./log-place.js";
import { encodeHeader } from "./segment-header.js";
import { segmentFile, type SegmentTable } from "./segment-table.js";
import type { Testimony, Witness } from "./witness.js";

/** Where the newest segment ends. */
export interface WritePoint {
  readonly segment: number;
  readonly seed: number;
  readonly sizeBytes: number;
  /** The number of the next batch. */
  readonly batch: number;
  /** The last entry on the disk. */
  readonly base: Position;
  readonly hardState: HardState;
}

interface Beginning {
  readonly base: Position;
  readonly hardState: HardState;
  readonly restarts: boolean;
  readonly batch: number;
}

export class SegmentWriter {
  readonly #place: LogPlace;
  readonly #table: SegmentTable;
  readonly #witness: Witness;
  #segment = 0;
  #seed = 0;
  #sizeBytes = 0;
  #headerBytes = 0;
  #batch = 1;
  #base: Position = { index: 0, term: 0 };
  #hardState: HardState = NO_HARD_STATE;

  constructor(place: LogPlace, table: SegmentTable, witness: Witness) {
    this.#place = place;
    this.#table = table;
    this.#witness = witness;
  }

  /** What is durable. */
  get testimony(): Testimony {
    return { segment: this.#segment, batch: this.#batch - 1 };
  }

  /** Goes on where recovery found the end. */
  resume({ segment, seed, sizeBytes, batch, base, hardState }: WritePoint): void {
    this.#segment = segment;
    this.#seed = seed;
    this.#sizeBytes = sizeBytes;
    this.#batch = batch;
    this.#base = base;
    this.#hardState = hardState;
  }

  /**
   * Writes the items as one batch; durable when it resolves.
   * @throws {ERR_STORAGE}
   */
  async write(items: readonly Recordable[], payloads: readonly Uint8Array[]): Promise<void> {
    const { storage, limits } = this.#place;
    let sizeBytes = 0;
    for (const payload of payloads) sizeBytes += recordBytes(payload);
    const isUsed = this.#sizeBytes > this.#headerBytes;
    if (isUsed && this.#sizeBytes + sizeBytes > limits.segmentBytesAim) await this.#roll();
    const bytes = encodeBatch(items, payloads, this.#batch, this.#seed);
    const file = segmentFile(this.#place.folder, this.#segment);
    // Not awaited apart: operations on a file take effect in order, so one trip is enough. A failed
    // append makes the batch fail whatever its sync says.
    const appended = storage.append(file, bytes);
    await Promise.all([appended, storage.sync(file)]);
    this.#sizeBytes += bytes.length;
    this.#batch += 1;
    for (const item of items) this.#take(item);
    this.#witness.note(this.testimony);
  }

  /** The log begins anew behind a snapshot; what was before is removed. */
  async restart(base: Position, hardState: HardState): Promise<void> {
    this.#table.voidAll();
    await this.begin({ base, hardState, restarts: true, batch: this.#batch });
    await this.removeUpTo(0);
  }

  /** Removes the oldest segments, as far as they have nothing behind `index`. */
  async removeUpTo(index: number): Promise<void> {
    for (const { file } of this.#table.removable(index)) {
      // Oldest first: a crash leaves no gap.
      await this.#place.storage.remove(file);
      this.#table.removeOldest();
    }
  }

  /** Waits for what goes on beside the writes. */
  settled(): Promise<void> {
    return this.#witness.settled();
  }

  #roll(): Promise<void> {
    const [base, hardState] = [this.#base, this.#hardState];
    return this.begin({ base, hardState, restarts: false, batch: this.#batch });
  }

  /** Begins a segment. */
  async begin({ base, hardState, restarts, batch }: Beginning): Promise<void> {
    const { storage, folder, group } = this.#place;
    const segment = this.#segment + 1;
    const file = segmentFile(folder, segment);
    const header = encodeHeader({ segment, batch, base, hardState, restarts }, group);
    await storage.replace(file, header);
    this.#table.add(segment, file);
    this.#segment = segment;
    this.#seed = Buffer.from(header).readUInt32LE(header.length - 4);
    this.#sizeBytes = header.length;
    this.#headerBytes = header.length;
    this.#batch = batch;
    this.#base = base;
    this.#hardState = hardState;
    // The witness must not speak of a segment before it is there, nor stay silent about it for long.
    await this.#witness.settled();
    await this.#witness.begin(this.testimony);
  }

  #take(item: Recordable): void {
    if (item.type === "hard-state") {
      const { term, vote, commit } = item;
      this.#hardState = { term, vote, commit };
      return;
    }
    invariant(item.index <= this.#base.index + 1, "a segment gets an entry that leaves a gap");
    this.#base = { index: item.index, term: item.term };
    this.#table.note(item.index);
  }
}
