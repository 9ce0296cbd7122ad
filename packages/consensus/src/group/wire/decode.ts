/**
 * decode: bytes of a member as a message, every field and length checked; undefined when they are
 * malformed, of an unknown type or version, or of another group.
 *
 * Invariant: what comes out is what `parseRaftMessage` would let pass.
 */
import { isNodeId, type NodeId } from "@foundation/core";
import { ID_LENGTH_MAX, RAFT_LIMITS } from "../../limits.js";
import { parseConfiguration, type MemberChange } from "../../protocol/raft/configuration.js";
import type { Entry } from "../../protocol/raft/entry.js";
import {
  parseSnapshotMeta,
  type Envelope,
  type RaftBody,
  type RaftMessage,
} from "../../protocol/raft/messages.js";
import { isCount, isName, isRecord } from "../../protocol/raft/shape.js";
import { ByteReader } from "./byte-reader.js";
import { ENTRY_TYPE, FLAG, messageName, TAG_BYTES, TEXT_BYTES_MAX } from "./format.js";
import type { Errand, ErrandResult, PeerMessage, ShellMessage } from "./peer-message.js";

export interface Addressed {
  readonly group: string;
  readonly from: NodeId;
  readonly to: NodeId;
}

/**
 * @param prefix of the group that is meant; see `prefixOf`
 * @param addressed what the link knows
 */
export function decode(
  prefix: Uint8Array,
  addressed: Addressed,
  bytes: Uint8Array,
): PeerMessage | undefined {
  for (let i = 0; i < prefix.length; i += 1) if (bytes[i] !== prefix[i]) return undefined;
  const name = messageName(bytes[prefix.length] ?? 0);
  const at = prefix.length + 1;
  switch (name) {
    case undefined:
      return undefined;
    case "forward":
    case "forward-refused":
    case "ask":
    case "answer": {
      const reader = new ByteReader(bytes, at);
      const message = readShell(name, reader);
      return message && reader.isDone ? { kind: "shell", message } : undefined;
    }
    default: {
      // Entries live longer than the frame they came in: one copy for all of a message.
      const reader = new ByteReader(name === "append" ? bytes.slice() : bytes, at);
      const { group, from, to } = addressed;
      const message = readRaft(name, reader, { group, from, to, term: reader.varint() });
      return message && reader.isDone ? { kind: "raft", message } : undefined;
    }
  }
}

function readRaft(
  name: RaftBody["type"],
  reader: ByteReader,
  head: Envelope,
): RaftMessage | undefined {
  switch (name) {
    case "vote": {
      const flags = reader.byte();
      const [lastIndex, lastTerm] = [reader.varint(), reader.varint()];
      const isPre = (flags & FLAG.pre) !== 0;
      return {
        ...head,
        type: name,
        isPre,
        isTransfer: (flags & FLAG.transfer) !== 0,
        lastIndex,
        lastTerm,
      };
    }
    case "vote-reply": {
      const flags = reader.byte();
      const isPre = (flags & FLAG.pre) !== 0;
      return { ...head, type: name, isPre, isGranted: (flags & FLAG.granted) !== 0 };
    }
    case "append":
      return readAppend(reader, head);
    case "appended":
      return { ...head, type: name, index: reader.varint() };
    case "append-refused":
      return {
        ...head,
        type: name,
        index: reader.varint(),
        hintIndex: reader.varint(),
        hintTerm: reader.varint(),
      };
    case "heartbeat":
      return { ...head, type: name, round: reader.varint(), commit: reader.varint() };
    case "heartbeat-reply":
      return { ...head, type: name, round: reader.varint() };
    case "snapshot":
      return readSnapshot(reader, head);
    case "snapshot-reply": {
      const id = reader.text(ID_LENGTH_MAX);
      return isName(id) ? { ...head, type: name, id, offset: reader.varint() } : undefined;
    }
    case "timeout-now":
      return { ...head, type: name };
    case "read":
    case "read-reply": {
      const boot = reader.text(ID_LENGTH_MAX);
      const sequence = reader.varint();
      if (!isName(boot)) return undefined;
      if (name === "read") return { ...head, type: name, boot, sequence };
      return { ...head, type: name, boot, sequence, index: reader.varint() };
    }
    default:
      return name satisfies never;
  }
}

function readAppend(reader: ByteReader, head: Envelope): RaftMessage | undefined {
  const prevIndex = reader.varint();
  const prevTerm = reader.varint();
  const commit = reader.varint();
  const count = reader.varint();
  if (count > RAFT_LIMITS.appendEntriesMax || !isCount(prevIndex + count)) return undefined;
  const entries: Entry[] = [];
  let before = prevTerm;
  for (let index = prevIndex + 1; index <= prevIndex + count; index += 1) {
    const entry = readEntry(reader, index);
    if (!entry || entry.term < before || entry.term > head.term) return undefined;
    before = entry.term;
    entries.push(entry);
  }
  return { ...head, type: "append", prevIndex, prevTerm, entries, commit };
}

function readEntry(reader: ByteReader, index: number): Entry | undefined {
  const type = reader.byte();
  const term = reader.varint();
  if (type === ENTRY_TYPE.command) {
    return { type: "command", index, term, data: reader.block(RAFT_LIMITS.commandBytesMax) };
  }
  if (type === ENTRY_TYPE.empty) return { type: "empty", index, term };
  if (type !== ENTRY_TYPE.configuration) return undefined;
  const configuration = parseConfiguration(parsed(reader.text(TEXT_BYTES_MAX)));
  return configuration && { type: "configuration", index, term, configuration };
}

function readSnapshot(reader: ByteReader, head: Envelope): RaftMessage | undefined {
  const isLast = (reader.byte() & FLAG.last) !== 0;
  const offset = reader.varint();
  const snapshot = parseSnapshotMeta(parsed(reader.text(TEXT_BYTES_MAX)));
  // It is written to the disk after this turn, and the frame is not ours.
  const data = reader.block(RAFT_LIMITS.chunkBytesMax).slice();
  return snapshot && { ...head, type: "snapshot", snapshot, offset, data, isLast };
}

function readShell(name: ShellMessage["type"], reader: ByteReader): ShellMessage | undefined {
  switch (name) {
    case "forward": {
      const term = reader.varint();
      const sequence = reader.varint();
      const repeats = reader.varint();
      const floor = reader.varint();
      const tag = reader.bytes(TAG_BYTES);
      return { type: name, term, sequence, repeats, floor, tag, data: reader.rest() };
    }
    case "forward-refused": {
      const sequence = reader.varint();
      const repeats = reader.varint();
      return { type: name, sequence, repeats, isBusy: (reader.byte() & FLAG.busy) !== 0 };
    }
    case "ask": {
      const sequence = reader.varint();
      const errand = parseErrand(parsed(restText(reader)));
      return errand && { type: name, sequence, errand };
    }
    case "answer": {
      const sequence = reader.varint();
      const result = parseResult(parsed(restText(reader)));
      return result && { type: name, sequence, result };
    }
    default:
      return name satisfies never;
  }
}

const decoder = new TextDecoder();

function restText(reader: ByteReader): string {
  const bytes = reader.rest();
  return bytes.length <= TEXT_BYTES_MAX ? decoder.decode(bytes) : "";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseErrand(value: unknown): Errand | undefined {
  if (!isRecord(value)) return undefined;
  const { type, to, changes } = value;
  if (type === "transfer") {
    if (to === undefined) return { type };
    return isNodeId(to) ? { type, to } : undefined;
  }
  if (type !== "change" || !Array.isArray(changes)) return undefined;
  if (changes.length > 2 * RAFT_LIMITS.membersMax) return undefined;
  const parsedChanges = (changes as unknown[]).map(parseChange);
  return parsedChanges.every((each) => each !== undefined)
    ? { type, changes: parsedChanges }
    : undefined;
}

const CHANGES = ["add-voter", "add-when-caught-up", "add-learner", "remove"] as const;

function parseChange(value: unknown): MemberChange | undefined {
  if (!isRecord(value)) return undefined;
  const { id } = value;
  const type = CHANGES.find((each) => each === value["type"]);
  return type !== undefined && isNodeId(id) ? { type, id } : undefined;
}

function parseResult(value: unknown): ErrandResult | undefined {
  if (!isRecord(value)) return undefined;
  const { type, index, to, reason, detail } = value;
  if (type === "changed") return isCount(index) ? { type, index } : undefined;
  if (type === "transferred") return isNodeId(to) ? { type, to } : undefined;
  if (type === "not-leader" || type === "unknown") return { type };
  if (type !== "refused" || typeof reason !== "string" || typeof detail !== "string") {
    return undefined;
  }
  return { type, reason, detail };
}
