/** The files of snapshots: their names, their checksums, and what a manifest says. */
import { crc32 } from "node:zlib";
import type { SnapshotMeta } from "../protocol/raft/entry.js";

/** A snapshot whose parts are all on the disk. */
export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  /** Part of its files' names. */
  readonly serial: number;
  readonly sizeBytes: number;
  readonly partBytes: number;
  /** The checksum of each part. */
  readonly parts: readonly number[];
}

export function manifestFile(folder: string): string {
  return `${folder}/snapshot`;
}

export function partFile(folder: string, serial: number, part: number): string {
  return `${folder}/snapshot-${serial}-${String(part).padStart(6, "0")}`;
}

/** What a part's checksum begins with: parts of one content in two snapshots, or two places, differ. */
export function partSeed(group: string, serial: number, part: number): number {
  return crc32(`${group}/${serial}/${part}`);
}

/** The serial of the snapshot that a part belongs to; undefined for other files. */
export function serialOf(folder: string, file: string): number | undefined {
  const match = /^snapshot-(\d{1,15})-\d{6}$/.exec(file.slice(folder.length + 1));
  return match ? Number(match[1]) : undefined;
}
