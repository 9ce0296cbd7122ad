/**
 * Relay frames: what two linked nodes say to each other about connections that lead over them.
 *
 * A relayed connection is a circuit: the open names the whole route (a source route, as in DSR,
 * RFC 4728) and leaves two neighbours at each node on it; every later frame carries only the number
 * its origin drew. So a frame is the same bytes on every link, and a node on the route passes on
 * what came without writing a byte of it.
 *
 * Layout, little-endian; a message of its own each:
 *
 *     type u8 | flags u8 = 0 | connection u48 | fields
 *     open     window u32 | count u8 | count × node id (16 bytes): from the origin to the target
 *     accept   window u32                      the target takes it: the origin may send so much
 *     data     a whole frame
 *     part     total u32 | bytes               the next bytes of a frame of `total`
 *     credit   bytes u48                       in all, heads included, the other end may send so much
 *     close    reason u8 | text (UTF-8)        after everything the sender had; both ends send one
 *     break    reason u8 | refusal u8 | index u8     at once; `index`: who says so, counted from the origin
 *
 * Invariants: no field is read outside its frame; ids of a route are different from each other.
 */
import type { ConnectionEnd, NodeId } from "@foundation/core";
import { hexOf, readU32, readU48, writeU32, writeU48 } from "../frame.js";

export const RelayType = {
  open: 1,
  accept: 2,
  data: 3,
  part: 4,
  credit: 5,
  close: 6,
  break: 7,
} as const;
export type RelayType = (typeof RelayType)[keyof typeof RelayType];

/** Type, flags, connection. */
export const RELAY_HEAD_BYTES = 8;
/** The head and what `total` takes. */
export const PART_HEAD_BYTES = 12;
const ID_BYTES = 16;
const OPEN_FIXED_BYTES = RELAY_HEAD_BYTES + 5;
const ACCEPT_BYTES = RELAY_HEAD_BYTES + 4;
const CREDIT_BYTES = RELAY_HEAD_BYTES + 6;
const BREAK_BYTES = RELAY_HEAD_BYTES + 3;

/** Why a node on the route does not carry a connection, or carries it no longer. */
export type RelayRefusal =
  /** It has no link to the next node of the route. */
  | "no-link"
  /** So many connections pass through it already. */
  | "relay-full"
  /** Its neighbour opens too many in a second. */
  | "too-many-opens"
  /** The target has so many relayed connections already. */
  | "too-many-connections"
  /** Another connection has or had this number. */
  | "taken"
  /** It passes nothing on, or is about to close. */
  | "not-accepting"
  /** Too much waits for the next node of the route. */
  | "overloaded"
  /** Its limits and those of the origin do not fit together. */
  | "limits-differ";

const REFUSALS: readonly (RelayRefusal | undefined)[] = [
  undefined,
  "no-link",
  "relay-full",
  "too-many-opens",
  "too-many-connections",
  "taken",
  "not-accepting",
  "overloaded",
  "limits-differ",
];
const REASONS: readonly ConnectionEnd["reason"][] = [
  "closed",
  "lost",
  "protocol",
  "replaced",
  "refused",
  "timeout",
];

export interface RelayOpen {
  readonly connection: number;
  /** What the target may send before it is given more. */
  readonly windowBytes: number;
  /** From the origin to the target, both included. */
  readonly route: readonly NodeId[];
}

export interface RelayBreak {
  readonly reason: ConnectionEnd["reason"];
  /** Undefined: nobody refused anything. */
  readonly refusal: RelayRefusal | undefined;
  /** Place in the route of the node that says so. */
  readonly index: number;
}

/** The type of a frame; 0: it is too short to be one. */
export function relayTypeOf(frame: Uint8Array): number {
  return frame.length < RELAY_HEAD_BYTES ? 0 : (frame[0] as number);
}

/** The connection a frame belongs to. The frame has a whole head. */
export function connectionOf(frame: Uint8Array): number {
  return readU48(frame, 2);
}

export function openFrame({ connection, windowBytes, route }: RelayOpen): Uint8Array {
  const frame = headed(RelayType.open, connection, OPEN_FIXED_BYTES + ID_BYTES * route.length);
  writeU32(frame, RELAY_HEAD_BYTES, windowBytes);
  frame[RELAY_HEAD_BYTES + 4] = route.length;
  let at = OPEN_FIXED_BYTES;
  for (const id of route) {
    for (let i = 0; i < ID_BYTES; i += 1)
      frame[at + i] = Number.parseInt(id.slice(2 * i, 2 * i + 2), 16);
    at += ID_BYTES;
  }
  return frame;
}

/** Undefined: it is malformed. Bytes behind the route are ignored: a later version may add some. */
export function readOpen(frame: Uint8Array, hopsMax: number): RelayOpen | undefined {
  if (frame.length < OPEN_FIXED_BYTES) return undefined;
  const windowBytes = readU32(frame, RELAY_HEAD_BYTES);
  const count = frame[RELAY_HEAD_BYTES + 4] as number;
  if (windowBytes === 0 || count < 2 || count > hopsMax + 1) return undefined;
  if (frame.length < OPEN_FIXED_BYTES + ID_BYTES * count) return undefined;
  const route: NodeId[] = [];
  for (let i = 0; i < count; i += 1) {
    // 16 bytes of hexadecimal text are what a node id is.
    const id = hexOf(frame, OPEN_FIXED_BYTES + ID_BYTES * i, ID_BYTES) as NodeId;
    if (route.includes(id)) return undefined;
    route.push(id);
  }
  return { connection: connectionOf(frame), windowBytes, route };
}

export function acceptFrame(connection: number, windowBytes: number): Uint8Array {
  const frame = headed(RelayType.accept, connection, ACCEPT_BYTES);
  writeU32(frame, RELAY_HEAD_BYTES, windowBytes);
  return frame;
}

/** The window; undefined: malformed. */
export function readAccept(frame: Uint8Array): number | undefined {
  if (frame.length < ACCEPT_BYTES) return undefined;
  const windowBytes = readU32(frame, RELAY_HEAD_BYTES);
  return windowBytes === 0 ? undefined : windowBytes;
}

export function creditFrame(connection: number, bytes: number): Uint8Array {
  const frame = headed(RelayType.credit, connection, CREDIT_BYTES);
  writeU48(frame, RELAY_HEAD_BYTES, bytes);
  return frame;
}

/** What the other end may send in all; undefined: malformed. */
export function readCredit(frame: Uint8Array): number | undefined {
  return frame.length < CREDIT_BYTES ? undefined : readU48(frame, RELAY_HEAD_BYTES);
}

/** Writes the head of a whole frame's piece into memory that is used again. */
export function writeDataHead(into: Uint8Array, connection: number): void {
  writeHead(into, RelayType.data, connection);
}

/** The same for a part of a frame. */
export function writePartHead(into: Uint8Array, connection: number, totalBytes: number): void {
  writeHead(into, RelayType.part, connection);
  writeU32(into, RELAY_HEAD_BYTES, totalBytes);
}

/** Bytes of the frame that a part belongs to; undefined: malformed. */
export function readPartTotal(frame: Uint8Array): number | undefined {
  return frame.length <= PART_HEAD_BYTES ? undefined : readU32(frame, RELAY_HEAD_BYTES);
}

/** @param text what explains the end, encoded and short enough */
export function closeFrame(
  connection: number,
  reason: ConnectionEnd["reason"],
  text: Uint8Array,
): Uint8Array {
  const frame = headed(RelayType.close, connection, RELAY_HEAD_BYTES + 1 + text.length);
  frame[RELAY_HEAD_BYTES] = REASONS.indexOf(reason);
  frame.set(text, RELAY_HEAD_BYTES + 1);
  return frame;
}

/** The reason, and the text as bytes; undefined: malformed. An unknown reason counts as "lost". */
export function readClose(
  frame: Uint8Array,
  detailBytesMax: number,
): { readonly reason: ConnectionEnd["reason"]; readonly text: Uint8Array } | undefined {
  const textAt = RELAY_HEAD_BYTES + 1;
  if (frame.length < textAt || frame.length > textAt + detailBytesMax) return undefined;
  const reason = REASONS[frame[RELAY_HEAD_BYTES] as number] ?? "lost";
  return { reason, text: frame.subarray(textAt) };
}

export function breakFrame(connection: number, broken: RelayBreak): Uint8Array {
  const frame = headed(RelayType.break, connection, BREAK_BYTES);
  frame[RELAY_HEAD_BYTES] = REASONS.indexOf(broken.reason);
  frame[RELAY_HEAD_BYTES + 1] = Math.max(0, REFUSALS.indexOf(broken.refusal));
  frame[RELAY_HEAD_BYTES + 2] = broken.index;
  return frame;
}

/** Undefined: malformed. An unknown reason counts as "lost", an unknown refusal as none. */
export function readBreak(frame: Uint8Array): RelayBreak | undefined {
  if (frame.length < BREAK_BYTES) return undefined;
  return {
    reason: REASONS[frame[RELAY_HEAD_BYTES] as number] ?? "lost",
    refusal: REFUSALS[frame[RELAY_HEAD_BYTES + 1] as number],
    index: frame[RELAY_HEAD_BYTES + 2] as number,
  };
}

function headed(type: RelayType, connection: number, sizeBytes: number): Uint8Array {
  const frame = new Uint8Array(sizeBytes);
  writeHead(frame, type, connection);
  return frame;
}

function writeHead(into: Uint8Array, type: RelayType, connection: number): void {
  into[0] = type;
  into[1] = 0;
  writeU48(into, 2, connection);
}
