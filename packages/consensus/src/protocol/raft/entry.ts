/**
 * Entries of the replicated log, and what a member keeps on its disk beside them.
 *
 * Raft paper (Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014),
 * Figure 2: "each entry contains command for state machine, and term when entry was received by
 * leader (first index is 1)". An entry never changes once made; the whole protocol compares only
 * (index, term), by the Log Matching Property.
 */
import type { NodeId } from "@foundation/core";
import { ENTRY_OVERHEAD_BYTES } from "../../limits.js";
import type { Configuration } from "./configuration.js";

interface Position {
  readonly index: number;
  readonly term: number;
}

export type Entry =
  | (Position & { readonly type: "command"; readonly data: Uint8Array })
  | (Position & { readonly type: "configuration"; readonly configuration: Configuration })
  /** What a leader begins its term with: by committing it, it learns what is committed. */
  | (Position & { readonly type: "empty" });

/** What must be on disk before a message that speaks of it leaves. */
export interface HardState {
  readonly term: number;
  /** Whom this member voted for in `term`. */
  readonly vote: NodeId | undefined;
  /** A commit index that was true; the real one may be higher. Only spares work after a restart. */
  readonly commit: number;
}

/** A snapshot of the state machine, without its bytes. */
export interface SnapshotMeta {
  /** Names the bytes: equal ids mean equal bytes (a digest), so a transfer resumes from any member. */
  readonly id: string;
  /** The last entry the snapshot includes. */
  readonly index: number;
  readonly term: number;
  /** The configuration as of `index`. */
  readonly configuration: Configuration;
}

const MEMBER_BYTES = 48;

/** What an entry counts against limits. */
export function entryBytes(entry: Entry): number {
  if (entry.type === "command") return ENTRY_OVERHEAD_BYTES + entry.data.byteLength;
  if (entry.type === "empty") return ENTRY_OVERHEAD_BYTES;
  const { voters, outgoing, learners, learnersNext } = entry.configuration;
  const members = voters.length + outgoing.length + learners.length + learnersNext.length;
  return ENTRY_OVERHEAD_BYTES + MEMBER_BYTES * members;
}

/**
 * The log that every first voter of a new group begins with: one configuration, committed by
 * agreement beforehand, so all of them must be given the same voters (thesis, section 4.1).
 */
export function firstEntries(configuration: Configuration): readonly Entry[] {
  return [{ type: "configuration", index: 1, term: 1, configuration }];
}

/** The hard state that goes with `firstEntries`. */
export const FIRST_HARD_STATE: HardState = { term: 1, vote: undefined, commit: 1 };
