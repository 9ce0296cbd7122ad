/** The numbers of the wire format, version 1, and its limits. docs/protocol/raft.md states them. */
import type { Entry } from "../../protocol/raft/entry.js";
import type { RaftBody } from "../../protocol/raft/messages.js";
import { ByteWriter } from "./byte-writer.js";
import type { ShellMessage } from "./peer-message.js";

export const WIRE_VERSION = 1;

/** Of a proposer's tag. */
export const TAG_BYTES = 8;

/** Of a text in JSON: a configuration, what a snapshot says of itself, an errand. */
export const TEXT_BYTES_MAX = 65_536;

type MessageName = RaftBody["type"] | ShellMessage["type"];

export const MESSAGE_TYPE = {
  vote: 1,
  "vote-reply": 2,
  append: 3,
  appended: 4,
  "append-refused": 5,
  heartbeat: 6,
  "heartbeat-reply": 7,
  snapshot: 8,
  "snapshot-reply": 9,
  "timeout-now": 10,
  read: 11,
  "read-reply": 12,
  forward: 32,
  "forward-refused": 33,
  ask: 34,
  answer: 35,
} as const satisfies Record<MessageName, number>;

const NAMES = new Map<number, MessageName>(
  Object.entries(MESSAGE_TYPE).map(([name, type]) => [type, name as MessageName]),
);

export function messageName(type: number): MessageName | undefined {
  return NAMES.get(type);
}

export const ENTRY_TYPE = {
  command: 1,
  configuration: 2,
  empty: 3,
} as const satisfies Record<Entry["type"], number>;

export const FLAG = { pre: 1, transfer: 2, granted: 4, last: 8, busy: 16 } as const;

/** What every message of a group begins with: version and group. */
export function prefixOf(group: string): Uint8Array {
  const writer = new ByteWriter(3 + 3 * group.length);
  writer.byte(WIRE_VERSION);
  writer.text(group);
  return writer.finish();
}
