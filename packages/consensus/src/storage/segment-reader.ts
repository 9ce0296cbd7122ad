/**
 * SegmentReader: entries that are no longer in memory, from their segment.
 *
 * A segment is read as a whole, checked, and its records' places noted; the last few are kept, because reads go on where
 * they ended. (index, term) names an entry for ever, so an entry of another term than the caller expects was read before
 * it was replaced, and the segment is read again.
 */
import { damaged } from "./log-errors.js";
import type { Entry } from "../protocol/raft/entry.js";
import { RecordCursor } from "./record.js";
import type { LogPlace } from "./log-place.js";
import { decodeHeader } from "./segment-header.js";
import { scanBatches } from "./segment-scan.js";
import type { Segment } from "./segment-table.js";

interface LoadedSegment {
  readonly cursor: RecordCursor;
  /** Where each entry's record stands. */
  readonly places: ReadonlyMap<number, number>;
}

export class SegmentReader {
  readonly #place: LogPlace;
  /** By number, in the order of their last use. */
  readonly #loaded = new Map<number, LoadedSegment>();

  constructor(place: LogPlace) {
    this.#place = place;
  }

  /** The entry, when its segment is in memory and has it. */
  cached({ seq }: Segment, index: number, term: number | undefined): Entry | undefined {
    const loaded = this.#loaded.get(seq);
    const place = loaded?.places.get(index);
    if (!loaded || place === undefined) return undefined;
    loaded.cursor.readAgain(place);
    if (loaded.cursor.term !== term) return undefined;
    return loaded.cursor.entry();
  }

  /**
   * Reads the segment. False when its file is gone.
   * @throws {ERR_LOG_DAMAGED}
   */
  async load({ seq, file }: Segment, isNewest: boolean): Promise<boolean> {
    const { storage, group, limits } = this.#place;
    const bytes = await storage.read(file);
    if (!bytes) return false;
    const header = decodeHeader(bytes, group, file, seq);
    const cursor = new RecordCursor(bytes, header.seed);
    const places = new Map<number, number>();
    const onBatch = (from: number, to: number) => notePlaces(cursor, from, to, places);
    const end = scanBatches(cursor, header.sizeBytes, header.batch, onBatch);
    // The end of the newest one may be about to be written.
    if (!isNewest && end.offset < bytes.length) {
      throw damaged(file, end.brokenAt, "the record there is not whole any more");
    }
    this.#loaded.delete(seq);
    this.#loaded.set(seq, { cursor, places });
    for (const old of this.#loaded.keys()) {
      if (this.#loaded.size <= limits.cachedSegmentsMax) break;
      this.#loaded.delete(old);
    }
    return true;
  }
}

/** A record of an index that was there before takes its place. */
function notePlaces(
  cursor: RecordCursor,
  from: number,
  to: number,
  places: Map<number, number>,
): void {
  for (let at = from; at < to; at = cursor.end) {
    cursor.readAgain(at);
    if (!cursor.isHardState) places.set(cursor.index, at);
  }
}
