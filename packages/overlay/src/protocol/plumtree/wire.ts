/**
 * The binary form of the messages of the broadcast tree, little-endian.
 *
 *     head u8: type in the low four bits, flags in the high four
 *     1 gossip    hop u8 | name 28 | seq u48 | back u32 | payload to the end      flag 16: beside
 *     2 have      runs
 *     3 graft     runs                                                            flag 16: eager
 *     4 prune
 *     5 digest    runs                        flags 16: ask, 32: more, 64: fresh, 128: seeking
 *     6 unwanted  name 28 | seq u48
 *
 *     name        NodeId 16 | Boot 12
 *     runs        count u16, then each: which u16 | [name 28] | lo u48 | length u32 | hop u8
 *                 `which` is the number of a name that stood here before, or 65535 and a new name
 *
 * Invariants: a payload is a view of the bytes it came in, never copied or looked into; to send it
 * on, a new head is written before the same bytes (`writeHead`). Reading checks every length and
 * limit and gives undefined for what is malformed; it never throws. Bytes after the runs are
 * ignored: a later version may add something there.
 */
import type { Boot, NodeId } from "@foundation/core";
import { readU32, readU48, writeU32, writeU48 } from "../frame.js";
import { plumtreeLimits as limits } from "./limits.js";
import { BACK_MAX, SEQ_MAX, type PlumtreeMessage, type Run } from "./messages.js";
import { NAME_BYTES, readName, writeName, type Name, type NameCache } from "./names.js";

const Type = { gossip: 1, have: 2, graft: 3, prune: 4, digest: 5, unwanted: 6 } as const;
const FLAG_1 = 16;
const FLAG_2 = 32;
const FLAG_3 = 64;
const FLAG_4 = 128;

/** What stands before the payload of a gossip message. */
export const GOSSIP_HEAD_BYTES = 2 + NAME_BYTES + 6 + 4;
const UNWANTED_BYTES = 1 + NAME_BYTES + 6;
/** Type and count. */
const RUNS_HEAD_BYTES = 1 + 2;
/** A run without a new name. */
const RUN_BYTES = 2 + 6 + 4 + 1;
const NEW_NAME = 0xffff;
/** Messages in one run on the wire; a longer one is cut. */
const RUN_LENGTH_MAX = 2 ** 32 - 1;

type Message = PlumtreeMessage<Uint8Array>;

/** The message as bytes of its own. */
export function encode(message: Message): Uint8Array {
  const headBytes = headBytesOf(message);
  if (message.type !== "gossip") {
    const bytes = new Uint8Array(headBytes);
    writeHead(message, bytes, 0);
    return bytes;
  }
  const bytes = new Uint8Array(headBytes + message.payload.length);
  writeHead(message, bytes, 0);
  bytes.set(message.payload, headBytes);
  return bytes;
}

/** Bytes of the message without its payload. */
export function headBytesOf(message: Message): number {
  switch (message.type) {
    case "gossip":
      return GOSSIP_HEAD_BYTES;
    case "prune":
      return 1;
    case "unwanted":
      return UNWANTED_BYTES;
    case "have":
    case "graft":
    case "digest":
      return RUNS_HEAD_BYTES + runsBytesOf(message.runs);
    default:
      return message satisfies never;
  }
}

/**
 * Writes all of the message but its payload, which follows it; there must be room for
 * `headBytesOf(message)`.
 */
export function writeHead(message: Message, target: Uint8Array, at: number): void {
  switch (message.type) {
    case "gossip":
      target[at] = Type.gossip | (message.beside ? FLAG_1 : 0);
      target[at + 1] = message.hop;
      writeName(target, at + 2, message.origin, message.boot);
      writeU48(target, at + 2 + NAME_BYTES, message.seq);
      writeU32(target, at + 8 + NAME_BYTES, Math.min(BACK_MAX, message.back));
      return;
    case "have":
      target[at] = Type.have;
      return writeRuns(message.runs, target, at + 1);
    case "graft":
      target[at] = Type.graft | (message.eager ? FLAG_1 : 0);
      return writeRuns(message.runs, target, at + 1);
    case "prune":
      target[at] = Type.prune;
      return;
    case "digest":
      target[at] =
        Type.digest |
        (message.ask ? FLAG_1 : 0) |
        (message.more ? FLAG_2 : 0) |
        (message.fresh ? FLAG_3 : 0) |
        (message.seeking ? FLAG_4 : 0);
      return writeRuns(message.runs, target, at + 1);
    case "unwanted":
      target[at] = Type.unwanted;
      writeName(target, at + 1, message.origin, message.boot);
      writeU48(target, at + 1 + NAME_BYTES, message.seq);
      return;
    default:
      message satisfies never;
  }
}

/**
 * The message; undefined when it is malformed or of an unknown type.
 *
 * @param names gives the same texts for the same sources; worth it for a peer heard from often
 */
export function decode(bytes: Uint8Array, names?: NameCache): Message | undefined {
  const head = bytes[0];
  if (head === undefined) return undefined;
  const flag = (head & FLAG_1) !== 0;
  switch (head & 0x0f) {
    case Type.gossip:
      return readGossip(bytes, flag, names);
    case Type.have: {
      const runs = readRuns(bytes, 1, names);
      return runs && { type: "have", runs };
    }
    case Type.graft: {
      const runs = readRuns(bytes, 1, names);
      return runs && { type: "graft", eager: flag, runs };
    }
    case Type.prune:
      return { type: "prune" };
    case Type.digest: {
      const runs = readRuns(bytes, 0, names);
      const [more, fresh] = [(head & FLAG_2) !== 0, (head & FLAG_3) !== 0];
      const seeking = (head & FLAG_4) !== 0;
      return runs && { type: "digest", ask: flag, more, fresh, seeking, runs };
    }
    case Type.unwanted: {
      if (bytes.length < UNWANTED_BYTES) return undefined;
      const { origin, boot } = nameAt(bytes, 1, names);
      const seq = readU48(bytes, 1 + NAME_BYTES);
      return seq === 0 ? undefined : { type: "unwanted", origin, boot, seq };
    }
    default:
      return undefined;
  }
}

function readGossip(
  bytes: Uint8Array,
  beside: boolean,
  names: NameCache | undefined,
): Message | undefined {
  if (bytes.length < GOSSIP_HEAD_BYTES) return undefined;
  const seq = readU48(bytes, 2 + NAME_BYTES);
  if (seq === 0) return undefined;
  const { origin, boot } = nameAt(bytes, 2, names);
  const hop = bytes[1] as number;
  const back = readU32(bytes, 8 + NAME_BYTES);
  const payload = bytes.subarray(GOSSIP_HEAD_BYTES);
  return { type: "gossip", origin, boot, seq, hop, back, beside, payload };
}

function nameAt(bytes: Uint8Array, at: number, names: NameCache | undefined): Name {
  return names === undefined ? readName(bytes, at) : names.read(bytes, at);
}

function readRuns(
  bytes: Uint8Array,
  lengthMin: number,
  names: NameCache | undefined,
): Run[] | undefined {
  if (bytes.length < RUNS_HEAD_BYTES) return undefined;
  const count = (bytes[1] as number) | ((bytes[2] as number) << 8);
  if (count > limits.runsPerMessageMax) return undefined;
  const seen: Name[] = [];
  const runs: Run[] = [];
  let at = RUNS_HEAD_BYTES;
  for (let i = 0; i < count; i += 1) {
    if (bytes.length - at < RUN_BYTES) return undefined;
    const which = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    at += 2;
    if (which === NEW_NAME) {
      if (bytes.length - at < NAME_BYTES + RUN_BYTES - 2) return undefined;
      seen.push(nameAt(bytes, at, names));
      at += NAME_BYTES;
    }
    const name = which === NEW_NAME ? seen[seen.length - 1] : seen[which];
    const lo = readU48(bytes, at);
    const length = readU32(bytes, at + 6);
    const hi = lo + length - 1;
    if (name === undefined || lo === 0 || length < lengthMin || hi > SEQ_MAX) return undefined;
    const { origin, boot } = name;
    runs.push({ origin, boot, lo, hi, hop: bytes[at + 10] as number });
    at += RUN_BYTES - 2;
  }
  return runs;
}

function runsBytesOf(runs: readonly Run[]): number {
  let bytes = runs.length * RUN_BYTES;
  eachName(runs, (isNew) => {
    if (isNew) bytes += NAME_BYTES;
  });
  return bytes;
}

function writeRuns(runs: readonly Run[], target: Uint8Array, from: number): void {
  target[from] = runs.length & 0xff;
  target[from + 1] = runs.length >>> 8;
  let at = from + 2;
  eachName(runs, (isNew, number, { origin, boot, lo, hi, hop }) => {
    const which = isNew ? NEW_NAME : number;
    target[at] = which & 0xff;
    target[at + 1] = which >>> 8;
    at += 2;
    if (isNew) {
      writeName(target, at, origin, boot);
      at += NAME_BYTES;
    }
    writeU48(target, at, lo);
    writeU32(target, at + 6, Math.min(RUN_LENGTH_MAX, hi - lo + 1));
    target[at + 10] = hop;
    at += RUN_BYTES - 2;
  });
}

/** Numbers the names of the runs in the order they appear. */
function eachName(
  runs: readonly Run[],
  visit: (isNew: boolean, number: number, run: Run) => void,
): void {
  if (runs.length === 1) return visit(true, 0, runs[0] as Run);
  const numbers = new Map<NodeId, Map<Boot, number>>();
  let count = 0;
  for (const run of runs) {
    let boots = numbers.get(run.origin);
    if (boots === undefined) numbers.set(run.origin, (boots = new Map()));
    const known = boots.get(run.boot);
    if (known === undefined) boots.set(run.boot, count++);
    visit(known === undefined, known ?? 0, run);
  }
}
