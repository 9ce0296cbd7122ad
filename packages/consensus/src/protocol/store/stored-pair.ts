/**
 * StoredPair: a key and its value as the store keeps them, a million at a time.
 *
 * A small typed array costs some 450 bytes beside its content (the array, its buffer, the buffer's place outside of the
 * heap) and is what a garbage collector is slowest with. A text of one byte a character costs 16. So small values are
 * kept as texts and become bytes when they are read, which every reader had to have a copy of anyway.
 *
 * Invariant: what is given out as `value` is nobody else's, or is never changed; the memory that a value came in is not
 * kept.
 */
import type { KeyValue, LeaseId, Revision } from "../../engine/engine.js";
import { VALUE_TEXT_BYTES_MAX } from "./limits.js";

const NOTHING = new Uint8Array(0);

class StoredPair implements KeyValue {
  readonly key: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly version: number;
  declare readonly lease?: LeaseId;
  readonly #kept: string | Uint8Array;

  constructor(pair: KeyValue) {
    this.key = pair.key;
    this.createRevision = pair.createRevision;
    this.modRevision = pair.modRevision;
    this.version = pair.version;
    if (pair.lease !== undefined) this.lease = pair.lease;
    this.#kept = keptOf(pair.value);
  }

  get value(): Uint8Array {
    const kept = this.#kept;
    return typeof kept === "string" ? bytesOf(kept) : kept;
  }

  get valueBytes(): number {
    return this.#kept.length;
  }
}

/** The pair as the store keeps it: it holds nothing of the value's memory. */
export function storedPair(pair: KeyValue): KeyValue {
  return new StoredPair(pair);
}

/** Size of a pair's value, without making it. */
export function valueBytesOf(pair: KeyValue): number {
  return pair instanceof StoredPair ? pair.valueBytes : pair.value.length;
}

/** A pair to give out, with this value. */
export function plainPair(pair: KeyValue, value: Uint8Array): KeyValue {
  const { key, createRevision, modRevision, version, lease } = pair;
  const plain = { key, value, createRevision, modRevision, version };
  return lease === undefined ? plain : { ...plain, lease };
}

/** A pair to give out, with a value of its own. */
export function ownPair(pair: KeyValue): KeyValue {
  const { value } = pair;
  const isOwn = pair instanceof StoredPair && value.length <= VALUE_TEXT_BYTES_MAX;
  return plainPair(pair, isOwn ? value : new Uint8Array(value));
}

function keptOf(value: Uint8Array): string | Uint8Array {
  if (value.length > VALUE_TEXT_BYTES_MAX) return new Uint8Array(value);
  return viewOf(value).latin1Slice();
}

function bytesOf(text: string): Uint8Array {
  if (text.length === 0) return NOTHING;
  const bytes = new Uint8Array(text.length);
  viewOf(bytes).latin1Write(text);
  return bytes;
}

/** Node's own conversions between bytes and texts of one byte a character; its types leave them out. */
interface Latin1 {
  latin1Slice(): string;
  latin1Write(text: string): number;
}

function viewOf(bytes: Uint8Array): Latin1 {
  const view = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  return view as unknown as Latin1;
}
