/**
 * Recovery: what a start makes of the files it finds.
 *
 * It reads segment after segment, one in memory at a time, and checks every byte. Three outcomes: everything is there; the
 * end was torn by a crash, is cut, and the report says so; or the log is damaged and is not used. It never guesses, and
 * it changes nothing before it has read everything. What a crash left between two steps is finished: bytes that may only
 * be in the kernel's memory are synced before anything is built on them, and a log that a snapshot has overtaken begins
 * anew behind it.
 */
import { damaged } from "./log-errors.js";
import type { LogPlace } from "./log-place.js";
import { NO_HARD_STATE, Outline, type Position } from "./outline.js";
import { RecordCursor } from "./record.js";
import { decodeHeader, type ReadHeader } from "./segment-header.js";
import { refuseDamage, scanBatches, type ScanEnd } from "./segment-scan.js";
import { segmentFile, segmentSeq, SegmentTable } from "./segment-table.js";
import { SegmentWriter } from "./segment-writer.js";
import { manifestFile } from "./snapshot-files.js";
import { SnapshotStore } from "./snapshot-store.js";
import { readWitness, Witness, witnessFile, type Testimony } from "./witness.js";

/** What a start found. */
export interface LogRecovery {
  /** True when there was nothing: the log was made. */
  readonly isNew: boolean;
  readonly segments: number;
  readonly entries: number;
  readonly sizeBytes: number;
  /** The torn end of a crash, which was cut: where, and how many bytes. Nothing of it was acknowledged. */
  readonly cut:
    | { readonly file: string; readonly offset: number; readonly sizeBytes: number }
    | undefined;
}

export interface Recovered {
  readonly outline: Outline;
  readonly table: SegmentTable;
  readonly writer: SegmentWriter;
  readonly snapshots: SnapshotStore;
  readonly report: LogRecovery;
}

const NOWHERE: Position = { index: 0, term: 0 };

/** Opens the log at the place, which is made when there is none. See `openDurableLog` for what it throws. */
export async function recover(place: LogPlace): Promise<Recovered> {
  const { storage, folder, group, limits } = place;
  const files = await storage.list(`${folder}/`);
  const snapshots = await SnapshotStore.recover(place, files);
  const seqs = files
    .map((file) => segmentSeq(folder, file))
    .filter((seq) => seq !== undefined)
    .sort((a, b) => a - b);
  const witnessed = await storage.read(witnessFile(folder));
  const testimony = readWitness(witnessed, witnessFile(folder), group);
  const witness = new Witness(storage, folder, group, limits.witnessBytesMax);
  const replay = new Replay(place, snapshots.current?.meta ?? NOWHERE);
  for (const seq of seqs) await replay.segment(seq, seq === seqs.at(-1));
  replay.refuseLoss(testimony);
  const writer = new SegmentWriter(place, replay.table, witness);
  const snapshot = snapshots.current?.meta;
  if (replay.end) await replay.finish(replay.end, writer);
  if (snapshot && replay.outline.termAt(snapshot.index) !== snapshot.term) {
    await replay.restart(snapshot, writer);
  } else if (replay.end) await witness.begin(writer.testimony);
  else await writer.begin({ base: NOWHERE, hardState: NO_HARD_STATE, restarts: false, batch: 1 });
  await snapshots.removeLeftovers(files);
  const { outline, table } = replay;
  return { outline, table, writer, snapshots, report: replay.report() };
}

class Replay {
  readonly table = new SegmentTable();
  outline = new Outline(NOWHERE, NO_HARD_STATE);
  /** Of the newest segment. */
  end: (ScanEnd & { readonly header: ReadHeader; readonly file: string; size: number }) | undefined;
  readonly #place: LogPlace;
  readonly #snapshot: Position;
  #sizeBytes = 0;
  #cut: LogRecovery["cut"];
  /** What is missing before the first segment that counts. */
  #gap: Error | undefined;

  constructor(place: LogPlace, snapshot: Position) {
    this.#place = place;
    this.#snapshot = snapshot;
  }

  async segment(seq: number, isNewest: boolean): Promise<void> {
    const { storage, folder, group } = this.#place;
    const file = segmentFile(folder, seq);
    const expected = this.table.newest && this.table.newest.seq + 1;
    if (expected !== undefined && seq !== expected) {
      throw damaged(segmentFile(folder, expected), 0, "the file is missing");
    }
    const bytes = await storage.read(file);
    if (!bytes) throw damaged(file, 0, "the file is missing");
    const header = decodeHeader(bytes, group, file, seq);
    this.#refuseGap(header, file);
    this.table.add(seq, file);
    const cursor = new RecordCursor(bytes, header.seed);
    const onBatch = (from: number, to: number) => this.#batch(cursor, from, to, file);
    const end = scanBatches(cursor, header.sizeBytes, header.batch, onBatch);
    if (end.offset < bytes.length) {
      if (!isNewest) throw damaged(file, end.brokenAt, "the record there is not whole");
      refuseDamage(cursor, end, file);
    }
    this.#sizeBytes += end.offset;
    this.end = { ...end, header, file, size: bytes.length };
  }

  /** A segment must go on where the one before ended, or, the first one, where a snapshot reaches. */
  #refuseGap(header: ReadHeader, file: string): void {
    const { base, hardState, restarts, batch } = header;
    const { end, outline } = this;
    if (end && batch !== end.batch) {
      throw damaged(file, 0, `its first write is number ${batch}, and ${end.batch} comes next`);
    }
    if (!end || restarts) {
      // Not thrown yet: the next one may begin anew, and this one be on its way out.
      const reason = `it begins behind entry ${base.index}, and the snapshot reaches to`;
      this.#gap =
        base.index > this.#snapshot.index
          ? damaged(file, 0, `${reason} ${this.#snapshot.index}: a file is missing`)
          : undefined;
      if (restarts) this.table.voidAll();
      this.outline = new Outline(base, hardState);
      return;
    }
    const { term, vote, commit } = outline.hardState;
    const follows =
      base.index === outline.lastIndex &&
      base.term === outline.lastTerm &&
      hardState.term === term &&
      hardState.vote === vote &&
      hardState.commit === commit;
    if (!follows) throw damaged(file, 0, "it does not go on where the segment before it ended");
  }

  #batch(cursor: RecordCursor, from: number, to: number, file: string): void {
    const { outline } = this;
    for (let at = from; at < to; at = cursor.end) {
      cursor.readAgain(at);
      const problem = this.#record(cursor);
      if (problem !== undefined) throw damaged(file, at, problem);
    }
    const problem = outline.endBatch();
    if (problem !== undefined) throw damaged(file, from, problem);
  }

  #record(cursor: RecordCursor): string | undefined {
    const { outline } = this;
    if (!cursor.isKnown()) return "the record's content is none that this version writes";
    if (cursor.isHardState) {
      const hardState = cursor.hardState();
      if (!hardState) return "the record's content is none that this version writes";
      const problem = outline.problemOfHardState(hardState);
      if (problem === undefined) outline.setHardState(hardState);
      return problem;
    }
    const { index, term } = cursor;
    const problem = outline.problemOfEntry(index, term);
    if (problem !== undefined) return problem;
    outline.put(index, term);
    this.table.note(index);
    return undefined;
  }

  /** Nothing may be missing at the beginning; and the witness must find everything that it saw. */
  refuseLoss(testimony: Testimony | undefined): void {
    if (this.#gap) throw this.#gap;
    const { folder } = this.#place;
    const { end, table } = this;
    const newest = table.newest;
    if (!testimony) {
      // A start that ended before the first write leaves no witness and an empty first segment.
      const isUnused = !newest || (newest.seq === 1 && end?.batch === 1);
      if (!isUnused || this.#snapshot.index > 0) {
        throw damaged(witnessFile(folder), 0, "the file is missing");
      }
      return;
    }
    if (!newest || testimony.segment > newest.seq) {
      throw damaged(segmentFile(folder, testimony.segment), 0, "the file is missing");
    }
    if (end && testimony.batch >= end.batch) {
      const lost = `write ${end.batch} was acknowledged and is not there`;
      throw damaged(end.file, end.brokenAt, lost);
    }
  }

  /** Cuts the torn end, and makes durable what may only be in the kernel's memory. */
  async finish(end: NonNullable<Replay["end"]>, writer: SegmentWriter): Promise<void> {
    const { storage } = this.#place;
    const { header, file, offset, batch } = end;
    if (offset < end.size) {
      await storage.truncate(file, offset);
      this.#cut = { file, offset, sizeBytes: end.size - offset };
    }
    await storage.sync(file);
    const { lastIndex, lastTerm, hardState } = this.outline;
    const base = { index: lastIndex, term: lastTerm };
    const { seed, segment } = header;
    writer.resume({ segment, seed, sizeBytes: offset, batch, base, hardState });
  }

  /** A crash came between the installation of a snapshot and the log's new beginning. */
  async restart(snapshot: Position, writer: SegmentWriter): Promise<void> {
    const { hardState, lastIndex } = this.outline;
    if (hardState.commit > snapshot.index || hardState.term < snapshot.term) {
      const reason = `it contradicts the log, which ends with entry ${lastIndex}`;
      throw damaged(manifestFile(this.#place.folder), 0, reason);
    }
    const committed = { ...hardState, commit: snapshot.index };
    await writer.restart(snapshot, committed);
    this.outline = new Outline(snapshot, committed);
  }

  report(): LogRecovery {
    const { end, table, outline } = this;
    return {
      isNew: end === undefined,
      segments: table.all.length,
      entries: outline.lastIndex - outline.firstIndex + 1,
      sizeBytes: this.#sizeBytes,
      cut: this.#cut,
    };
  }
}
