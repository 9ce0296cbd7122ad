/**
 * The messages of a group's members, as plain data; the shell encodes them.
 *
 * What arrives was authenticated (the shell checks that `from` is who sent it), yet may come from
 * another version or a faulty peer, so `parseRaftMessage` checks every field and length before the
 * core sees it. Every message names the group by a random id, so that a member of a group of the
 * same name that was founded apart is never heard.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { RAFT_LIMITS } from "../../limits.js";
import { parseConfiguration } from "./configuration.js";
import type { Entry, SnapshotMeta } from "./entry.js";
import { isBytes, isCount, isName, isRecord } from "./shape.js";

export interface Envelope {
  readonly group: string;
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; of a pre-vote and its grant, the term that is asked for. */
  readonly term: number;
}

export type RaftBody =
  /** RequestVote, and the pre-vote (thesis, section 9.6) that asks whether one would be granted. */
  | {
      readonly type: "vote";
      readonly isPre: boolean;
      /** The leader asked for this campaign, so the lease of its leadership does not count. */
      readonly isTransfer: boolean;
      readonly lastIndex: number;
      readonly lastTerm: number;
    }
  | { readonly type: "vote-reply"; readonly isPre: boolean; readonly isGranted: boolean }
  /** AppendEntries. */
  | {
      readonly type: "append";
      readonly prevIndex: number;
      readonly prevTerm: number;
      readonly entries: readonly Entry[];
      readonly commit: number;
    }
  /** The log equals the leader's up to `index`, on disk. */
  | { readonly type: "appended"; readonly index: number }
  /**
   * There was no entry of `prevTerm` at `index`; where the logs may agree: the sender has `hintTerm`
   * at `hintIndex`, and no entry up to `index` that is of a lower term lies behind it.
   */
  | {
      readonly type: "append-refused";
      readonly index: number;
      readonly hintIndex: number;
      readonly hintTerm: number;
    }
  /** An empty AppendEntries in the paper: authority, commit index, and a numbered round. */
  | { readonly type: "heartbeat"; readonly round: number; readonly commit: number }
  | { readonly type: "heartbeat-reply"; readonly round: number }
  /** InstallSnapshot: one chunk. */
  | {
      readonly type: "snapshot";
      readonly snapshot: SnapshotMeta;
      readonly offset: number;
      readonly data: Uint8Array;
      readonly isLast: boolean;
    }
  /** The receiver has the snapshot's first `offset` bytes. */
  | { readonly type: "snapshot-reply"; readonly id: string; readonly offset: number }
  /** TimeoutNow (thesis, section 3.10). */
  | { readonly type: "timeout-now" }
  /** A follower asks for a read index; (from, boot, sequence) names the question for ever. */
  | { readonly type: "read"; readonly boot: string; readonly sequence: number }
  | {
      readonly type: "read-reply";
      readonly boot: string;
      readonly sequence: number;
      readonly index: number;
    };

export type RaftMessage = Envelope & RaftBody;

/** The message, rebuilt from checked fields; undefined when it is malformed or of an unknown type. */
export function parseRaftMessage(value: unknown): RaftMessage | undefined {
  if (!isRecord(value)) return undefined;
  const { group, from, to, term } = value;
  if (!isName(group) || !isNodeId(from) || !isNodeId(to) || !isCount(term)) return undefined;
  const body = parseBody(value);
  return body && { group, from, to, term, ...body };
}

function parseBody(value: Record<string, unknown>): RaftBody | undefined {
  switch (value["type"]) {
    case "vote":
    case "vote-reply":
      return parseVote(value);
    case "append":
    case "appended":
    case "append-refused":
      return parseAppend(value);
    case "heartbeat": {
      const { round, commit } = value;
      return isCount(round) && isCount(commit) ? { type: "heartbeat", round, commit } : undefined;
    }
    case "heartbeat-reply":
      return isCount(value["round"])
        ? { type: "heartbeat-reply", round: value["round"] }
        : undefined;
    case "snapshot":
    case "snapshot-reply":
      return parseSnapshot(value);
    case "timeout-now":
      return { type: "timeout-now" };
    case "read":
    case "read-reply": {
      const { boot, sequence, index } = value;
      if (!isName(boot) || !isCount(sequence)) return undefined;
      if (value["type"] === "read") return { type: "read", boot, sequence };
      return isCount(index) ? { type: "read-reply", boot, sequence, index } : undefined;
    }
    default:
      return undefined;
  }
}

function parseVote(value: Record<string, unknown>): RaftBody | undefined {
  const { isPre } = value;
  if (typeof isPre !== "boolean") return undefined;
  if (value["type"] === "vote-reply") {
    const { isGranted } = value;
    return typeof isGranted === "boolean" ? { type: "vote-reply", isPre, isGranted } : undefined;
  }
  const { isTransfer, lastIndex, lastTerm } = value;
  if (typeof isTransfer !== "boolean" || !isCount(lastIndex) || !isCount(lastTerm)) {
    return undefined;
  }
  return { type: "vote", isPre, isTransfer, lastIndex, lastTerm };
}

function parseAppend(value: Record<string, unknown>): RaftBody | undefined {
  const { type, index } = value;
  if (type === "append") {
    const { prevIndex, prevTerm, commit } = value;
    if (!isCount(prevIndex) || !isCount(prevTerm) || !isCount(commit)) return undefined;
    const entries = parseEntries(value["entries"], prevIndex, prevTerm, value["term"] as number);
    return entries && { type, prevIndex, prevTerm, entries, commit };
  }
  if (!isCount(index)) return undefined;
  if (type === "appended") return { type, index };
  const { hintIndex, hintTerm } = value;
  if (!isCount(hintIndex) || !isCount(hintTerm)) return undefined;
  return { type: "append-refused", index, hintIndex, hintTerm };
}

function parseSnapshot(value: Record<string, unknown>): RaftBody | undefined {
  const { type, offset, data, isLast } = value;
  if (!isCount(offset)) return undefined;
  if (type === "snapshot-reply") {
    return isName(value["id"]) ? { type, id: value["id"], offset } : undefined;
  }
  const snapshot = parseSnapshotMeta(value["snapshot"]);
  if (!snapshot || typeof isLast !== "boolean") return undefined;
  if (!isBytes(data, RAFT_LIMITS.chunkBytesMax)) return undefined;
  return { type: "snapshot", snapshot, offset, data, isLast };
}

/** What a snapshot says of itself, rebuilt from checked fields. */
export function parseSnapshotMeta(value: unknown): SnapshotMeta | undefined {
  if (!isRecord(value)) return undefined;
  const { id, index, term } = value;
  const configuration = parseConfiguration(value["configuration"]);
  if (!isName(id) || !isCount(index) || !isCount(term) || !configuration) return undefined;
  return { id, index, term, configuration };
}

/** Entries that follow (prevIndex, prevTerm): without a gap, their terms rising, up to `termMax`. */
function parseEntries(
  value: unknown,
  prevIndex: number,
  prevTerm: number,
  termMax: number,
): readonly Entry[] | undefined {
  if (!Array.isArray(value) || value.length > RAFT_LIMITS.appendEntriesMax) return undefined;
  const entries: Entry[] = [];
  let index = prevIndex;
  let term = prevTerm;
  for (const item of value as unknown[]) {
    const entry = parseEntry(item);
    index += 1;
    if (!entry || entry.index !== index || entry.term < term || entry.term > termMax) {
      return undefined;
    }
    term = entry.term;
    entries.push(entry);
  }
  return entries;
}

/** One entry, rebuilt from checked fields: also for what is read from a disk. */
export function parseEntry(value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { type, index, term } = value;
  if (!isCount(index) || !isCount(term)) return undefined;
  if (type === "empty") return { type, index, term };
  if (type === "command") {
    const { data } = value;
    return isBytes(data, RAFT_LIMITS.commandBytesMax) ? { type, index, term, data } : undefined;
  }
  if (type !== "configuration") return undefined;
  const configuration = parseConfiguration(value["configuration"]);
  return configuration && { type, index, term, configuration };
}
