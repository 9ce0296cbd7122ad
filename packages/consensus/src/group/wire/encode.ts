/**
 * encode: a message of a group's member as bytes. docs/protocol/raft.md states the format.
 *
 * A command's bytes are copied once, from the log into the message, and never looked at.
 */
import { invariant } from "../../protocol/invariant.js";
import type { Entry } from "../../protocol/raft/entry.js";
import type { RaftMessage } from "../../protocol/raft/messages.js";
import { ByteWriter, VARINT_BYTES_MAX } from "./byte-writer.js";
import { ENTRY_TYPE, FLAG, MESSAGE_TYPE, TAG_BYTES } from "./format.js";
import type { ShellMessage } from "./peer-message.js";

const encoder = new TextEncoder();

/** Beside the prefix and what is of any length: type, flags, and up to six numbers. */
const FIXED_BYTES = 2 + 6 * VARINT_BYTES_MAX;
const ENTRY_FIXED_BYTES = 1 + 2 * VARINT_BYTES_MAX;
const NOTHING = new Uint8Array(0);

/** @param prefix version and group, see `prefixOf` */
export function encodeRaft(prefix: Uint8Array, message: RaftMessage): Uint8Array {
  if (message.type === "append") return encodeAppend(prefix, message);
  const text = message.type === "snapshot" ? json(message.snapshot) : NOTHING;
  const name = nameOf(message);
  const data = message.type === "snapshot" ? message.data : NOTHING;
  const sizeMax = FIXED_BYTES + text.length + name.length + data.length;
  const writer = begun(prefix, MESSAGE_TYPE[message.type], sizeMax);
  writer.varint(message.term);
  switch (message.type) {
    case "vote":
      writer.byte((message.isPre ? FLAG.pre : 0) | (message.isTransfer ? FLAG.transfer : 0));
      writer.varint(message.lastIndex);
      writer.varint(message.lastTerm);
      break;
    case "vote-reply":
      writer.byte((message.isPre ? FLAG.pre : 0) | (message.isGranted ? FLAG.granted : 0));
      break;
    case "appended":
      writer.varint(message.index);
      break;
    case "append-refused":
      writer.varint(message.index);
      writer.varint(message.hintIndex);
      writer.varint(message.hintTerm);
      break;
    case "heartbeat":
      writer.varint(message.round);
      writer.varint(message.commit);
      break;
    case "heartbeat-reply":
      writer.varint(message.round);
      break;
    case "snapshot":
      writer.byte(message.isLast ? FLAG.last : 0);
      writer.varint(message.offset);
      writer.block(text);
      writer.block(data);
      break;
    case "snapshot-reply":
      writer.block(name);
      writer.varint(message.offset);
      break;
    case "timeout-now":
      break;
    case "read":
      writer.block(name);
      writer.varint(message.sequence);
      break;
    case "read-reply":
      writer.block(name);
      writer.varint(message.sequence);
      writer.varint(message.index);
      break;
    default:
      message satisfies never;
  }
  return writer.finish();
}

export function encodeShell(prefix: Uint8Array, message: ShellMessage): Uint8Array {
  const type = MESSAGE_TYPE[message.type];
  switch (message.type) {
    case "forward": {
      invariant(message.tag.length === TAG_BYTES, "a proposer's tag has another length");
      const writer = begun(prefix, type, FIXED_BYTES + TAG_BYTES + message.data.length);
      writer.varint(message.term);
      writer.varint(message.sequence);
      writer.varint(message.repeats);
      writer.varint(message.floor);
      writer.bytes(message.tag);
      writer.bytes(message.data);
      return writer.finish();
    }
    case "forward-refused": {
      const writer = begun(prefix, type, FIXED_BYTES);
      writer.varint(message.sequence);
      writer.varint(message.repeats);
      writer.byte(message.isBusy ? FLAG.busy : 0);
      return writer.finish();
    }
    case "ask":
    case "answer": {
      const text = json(message.type === "ask" ? message.errand : message.result);
      const writer = begun(prefix, type, FIXED_BYTES + text.length);
      writer.varint(message.sequence);
      writer.bytes(text);
      return writer.finish();
    }
    default:
      return message satisfies never;
  }
}

function encodeAppend(
  prefix: Uint8Array,
  message: Extract<RaftMessage, { type: "append" }>,
): Uint8Array {
  const { entries } = message;
  const configurations = new Map<Entry, Uint8Array>();
  let sizeMax = FIXED_BYTES;
  for (const entry of entries) {
    sizeMax += ENTRY_FIXED_BYTES;
    if (entry.type === "command") sizeMax += entry.data.length;
    if (entry.type !== "configuration") continue;
    const text = json(entry.configuration);
    configurations.set(entry, text);
    sizeMax += text.length;
  }
  const writer = begun(prefix, MESSAGE_TYPE.append, sizeMax);
  writer.varint(message.term);
  writer.varint(message.prevIndex);
  writer.varint(message.prevTerm);
  writer.varint(message.commit);
  writer.varint(entries.length);
  for (const entry of entries) {
    writer.byte(ENTRY_TYPE[entry.type]);
    writer.varint(entry.term);
    if (entry.type === "command") writer.block(entry.data);
    else if (entry.type === "configuration") writer.block(configurations.get(entry) ?? NOTHING);
  }
  return writer.finish();
}

function begun(prefix: Uint8Array, type: number, sizeMax: number): ByteWriter {
  const writer = new ByteWriter(prefix.length + sizeMax);
  writer.bytes(prefix);
  writer.byte(type);
  return writer;
}

function nameOf(message: RaftMessage): Uint8Array {
  if (message.type === "snapshot-reply") return encoder.encode(message.id);
  if (message.type === "read" || message.type === "read-reply") return encoder.encode(message.boot);
  return NOTHING;
}

function json(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}
