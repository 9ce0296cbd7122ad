/**
 * The bytes of HyParView's messages.
 *
 * Ids are most of what this protocol says: sixteen bytes each here, thirty-four as text. A message
 * is a byte for its type and then its fields, in order: numbers as LEB128, a flag or a reason as a
 * byte, a list as its length and its ids. Bytes behind the last field are ignored: later versions
 * may add fields.
 *
 * Invariant: what `decode` gives is within the limits, whoever sent it: nothing checks it again.
 */
import type { NodeId } from "@foundation/core";
import { assert } from "../assert.js";
import { hyparviewLimits as limits } from "./limits.js";
import { neighborReasons, type HyParViewMessage } from "./messages.js";

const ID_BYTES = 16;
const types = [
  "join",
  "forward-join",
  "neighbor",
  "accept",
  "refuse",
  "disconnect",
  "keep",
  "shuffle",
  "shuffle-reply",
] as const satisfies readonly HyParViewMessage["type"][];

/** How many bytes the message has on the wire. */
export function sizeOf(message: HyParViewMessage): number {
  switch (message.type) {
    case "join":
    case "keep":
      return 1 + sizeOfCount(message.nr);
    case "forward-join":
      return 2 + ID_BYTES;
    case "neighbor":
      return 2 + sizeOfCount(message.nr);
    case "accept":
      return 2 + sizeOfCount(message.nr) + sizeOfCount(message.to) + sizeOfId(message.evicted);
    case "refuse":
      return 2 + sizeOfCount(message.to) + message.alternatives.length * ID_BYTES;
    case "disconnect": {
      const ids = message.alternatives.length * ID_BYTES + sizeOfId(message.next);
      return 4 + sizeOfCount(message.seen) + ids;
    }
    case "shuffle":
      return 4 + (1 + message.ids.length) * ID_BYTES;
    case "shuffle-reply":
      return 2 + (1 + message.ids.length) * ID_BYTES;
  }
}

/** A new array with the message. */
export function encode(message: HyParViewMessage): Uint8Array {
  const writer = new Writer(sizeOf(message));
  writer.byte(types.indexOf(message.type));
  switch (message.type) {
    case "join":
    case "keep":
      writer.count(message.nr);
      break;
    case "forward-join":
      writer.byte(message.ttl);
      writer.id(message.newcomer);
      break;
    case "neighbor":
      writer.byte(neighborReasons.indexOf(message.why));
      writer.count(message.nr);
      break;
    case "accept":
      writer.count(message.nr);
      writer.count(message.to);
      writer.optionalId(message.evicted);
      break;
    case "refuse":
      writer.count(message.to);
      writer.ids(message.alternatives);
      break;
    case "disconnect":
      writer.byte(message.alive ? 1 : 0);
      writer.count(message.seen);
      writer.optionalId(message.next);
      writer.ids(message.alternatives);
      break;
    case "shuffle":
      writer.byte(message.ttl);
      writer.byte(message.open ? 1 : 0);
      writer.id(message.origin);
      writer.ids(message.ids);
      break;
    case "shuffle-reply":
      writer.id(message.origin);
      writer.ids(message.ids);
      break;
    default:
      message satisfies never;
  }
  return writer.bytes;
}

/** The message; undefined when the bytes are none. */
export function decode(bytes: Uint8Array): HyParViewMessage | undefined {
  const reader = new Reader(bytes);
  const message = read(reader);
  return reader.isBroken ? undefined : message;
}

function read(reader: Reader): HyParViewMessage | undefined {
  const type = types[reader.byte(types.length - 1)];
  switch (type) {
    case "join":
    case "keep":
      return { type, nr: reader.count() };
    case "forward-join": {
      const ttl = reader.byte(limits.walkHopsMax);
      return { type, newcomer: reader.id(), ttl };
    }
    case "neighbor": {
      const why = neighborReasons[reader.byte(neighborReasons.length - 1)] ?? "low";
      return { type, nr: reader.count(), why };
    }
    case "accept":
      return { type, nr: reader.count(), to: reader.count(), evicted: reader.optionalId() };
    case "refuse":
      return { type, to: reader.count(), alternatives: reader.ids() };
    case "disconnect": {
      const alive = reader.byte(1) === 1;
      const seen = reader.count();
      return { type, alive, seen, next: reader.optionalId(), alternatives: reader.ids() };
    }
    case "shuffle": {
      const ttl = reader.byte(limits.walkHopsMax);
      const open = reader.byte(1) === 1;
      return { type, origin: reader.id(), ttl, open, ids: reader.ids() };
    }
    case "shuffle-reply":
      return { type, origin: reader.id(), ids: reader.ids() };
    case undefined:
      return undefined;
    default:
      return type satisfies never;
  }
}

class Writer {
  readonly bytes: Uint8Array;
  #at = 0;

  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes);
  }

  byte(value: number): void {
    assert(value >= 0 && value <= 0xff && this.#at < this.bytes.length, "a byte fits");
    this.bytes[this.#at++] = value;
  }

  count(value: number): void {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.byte((rest % 0x80) | 0x80);
    this.byte(rest);
  }

  id(id: NodeId): void {
    for (let at = 0; at < 2 * ID_BYTES; at += 2) {
      this.byte((digitOf(id.charCodeAt(at)) << 4) | digitOf(id.charCodeAt(at + 1)));
    }
  }

  optionalId(id: NodeId | undefined): void {
    this.byte(id === undefined ? 0 : 1);
    if (id !== undefined) this.id(id);
  }

  ids(ids: readonly NodeId[]): void {
    this.byte(ids.length);
    for (const id of ids) this.id(id);
  }
}

/** Reads fields in order; after the first one that is wrong or missing it is broken. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  isBroken = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(max: number): number {
    const value = this.#bytes[this.#at++];
    if (value !== undefined && value <= max) return value;
    this.isBroken = true;
    return 0;
  }

  count(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 0x80) {
      const byte = this.byte(0xff);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) {
        if (!Number.isSafeInteger(value)) this.isBroken = true;
        return value;
      }
    }
    this.isBroken = true;
    return 0;
  }

  id(): NodeId {
    let text = "";
    for (let count = 0; count < ID_BYTES; count += 1) text += hex[this.byte(0xff)] as string;
    return text as NodeId;
  }

  optionalId(): NodeId | undefined {
    return this.byte(1) === 1 ? this.id() : undefined;
  }

  ids(): NodeId[] {
    const count = this.byte(limits.idsPerMessageMax);
    if (this.#at + count * ID_BYTES > this.#bytes.length) this.isBroken = true;
    const ids: NodeId[] = [];
    for (let at = 0; at < count && !this.isBroken; at += 1) ids.push(this.id());
    return ids;
  }
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/** The value of a lower-case hexadecimal digit's character. */
function digitOf(code: number): number {
  return code < 58 ? code - 48 : code - 87;
}

function sizeOfCount(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size += 1;
  return size;
}

function sizeOfId(id: NodeId | undefined): number {
  return id === undefined ? 0 : ID_BYTES;
}
