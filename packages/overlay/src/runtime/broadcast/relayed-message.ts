/** A broadcast that came by way of neighbours, as its handler sees it; and its bytes on that way. */
import type { Boot, Codec, InboundMessage, NodeId, TraceContext } from "@foundation/core";
import { FLOW } from "../../limits.js";
import {
  Flag,
  readTrace,
  readU32,
  TRACE_BYTES,
  writeTrace,
  writeU32,
} from "../../protocol/frame.js";
import { compress, expand } from "../delivery/compression.js";

const HEAD_BYTES = 5;

/** Where everybody finds a handler, and what it is given. */
export interface Envelope {
  readonly hash: number;
  readonly trace: TraceContext | undefined;
  readonly payload: Uint8Array;
  /** Its channel keeps only the newest value of each subject. */
  readonly isLatest: boolean;
}

/** A flag beside those of frames. */
const LATEST = 128;

/**
 * `subject u32 | flags u8 | [trace 25] | payload`: compressed once, by its origin, where the channel
 * says from how many bytes on. `roomBytes` are left free before it.
 */
export function seal(
  { hash, trace, payload, isLatest }: Envelope,
  compressFromBytes: number,
  roomBytes = 0,
): Uint8Array {
  const mayShrink = payload.length >= compressFromBytes && payload.length <= FLOW.chunkBytes;
  const small = mayShrink ? compress(payload, compressFromBytes) : undefined;
  const content = small ?? payload;
  const traceBytes = trace === undefined ? 0 : TRACE_BYTES;
  const at = roomBytes + HEAD_BYTES;
  const sealed = new Uint8Array(at + traceBytes + content.length);
  writeU32(sealed, roomBytes, hash);
  const flags = (small ? Flag.compressed : 0) | (trace ? Flag.trace : 0);
  sealed[at - 1] = flags | (isLatest ? LATEST : 0);
  if (trace !== undefined) writeTrace(sealed, at, trace);
  sealed.set(content, at + traceBytes);
  return sealed;
}

/** The same again; undefined: it is none. */
export function unseal(sealed: Uint8Array): Envelope | undefined {
  const flags = sealed[4] ?? 0;
  const traced = (flags & Flag.trace) !== 0;
  const at = HEAD_BYTES + (traced ? TRACE_BYTES : 0);
  if (sealed.length < at) return undefined;
  const content = sealed.subarray(at);
  const payload = (flags & Flag.compressed) === 0 ? content : expand(content, FLOW.chunkBytes);
  if (payload === undefined) return undefined;
  const trace = traced ? readTrace(sealed, HEAD_BYTES) : undefined;
  return { hash: readU32(sealed, 0), trace, payload, isLatest: (flags & LATEST) !== 0 };
}

export class RelayedMessage implements InboundMessage {
  readonly kind = "message";
  readonly deadline = undefined;
  #controller: AbortController | undefined;

  constructor(
    readonly from: NodeId,
    readonly fromBoot: Boot,
    readonly channel: string,
    readonly subject: string,
    readonly payload: unknown,
    readonly trace: TraceContext | undefined,
  ) {}

  /** Nobody waits for an answer, so it never fires. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }
}

/** The value in a payload; undefined in an object of its own, since a value may be undefined. */
export function valueOf(
  codec: Codec,
  payload: Uint8Array,
): { readonly value: unknown } | undefined {
  try {
    return { value: codec.decode(payload) };
  } catch {
    return undefined;
  }
}
