/**
 * The header of a segment: whose it is, which one, and what the log was when it was begun.
 *
 * So a segment says everything that its predecessors would have said about its beginning, and they can be removed; and a
 * segment that does not continue the one before is noticed. It is written by an atomic replacement: never torn.
 */
import { isNodeId } from "@foundation/core";
import type { HardState } from "../protocol/raft/entry.js";
import { isCount, isRecord } from "../protocol/raft/shape.js";
import { damaged } from "./log-errors.js";
import type { Position } from "./outline.js";
import { seal, unseal } from "./sealed-document.js";

const MAGIC = "FNDRAFTL";

export interface SegmentHeader {
  readonly segment: number;
  /** The number of its first batch. */
  readonly batch: number;
  /** The last entry before it. */
  readonly base: Position;
  readonly hardState: HardState;
  /** The log begins anew behind `base`, where a snapshot took the place of what was before. */
  readonly restarts: boolean;
}

export interface ReadHeader extends SegmentHeader {
  readonly sizeBytes: number;
  /** What the checksums of the records begin with. */
  readonly seed: number;
}

export function encodeHeader(header: SegmentHeader, group: string): Uint8Array {
  const { segment, batch, base, hardState, restarts } = header;
  const { term, commit, vote } = hardState;
  return seal(MAGIC, {
    group,
    segment,
    batch,
    base: { index: base.index, term: base.term },
    hardState: { term, commit, vote: vote ?? null },
    restarts,
  });
}

/**
 * Reads the header at the beginning of a segment.
 * @throws {ERR_LOG_DAMAGED} when it is not whole, or is another segment's.
 * @throws {ERR_LOG_FORMAT} when it is of a newer version.
 * @throws {ERR_LOG_FOREIGN} when it is another group's.
 */
export function decodeHeader(
  bytes: Uint8Array,
  group: string,
  file: string,
  seq: number,
): ReadHeader {
  const { value, sizeBytes, crc } = unseal(bytes, MAGIC, group, file);
  const { segment, batch, restarts } = value;
  const base = parsePosition(value["base"]);
  const hardState = parseHardState(value["hardState"]);
  if (!isCount(segment) || !isCount(batch) || !base || !hardState) {
    throw damaged(file, 0, "the header lacks a number");
  }
  if (segment !== seq) throw damaged(file, 0, `it is segment ${segment} under another one's name`);
  return { segment, batch, base, hardState, restarts: restarts === true, sizeBytes, seed: crc };
}

function parsePosition(value: unknown): Position | undefined {
  if (!isRecord(value)) return undefined;
  const { index, term } = value;
  return isCount(index) && isCount(term) ? { index, term } : undefined;
}

function parseHardState(value: unknown): HardState | undefined {
  if (!isRecord(value)) return undefined;
  const { term, commit, vote } = value;
  if (!isCount(term) || !isCount(commit)) return undefined;
  if (vote !== null && !isNodeId(vote)) return undefined;
  return { term, commit, vote: vote ?? undefined };
}
