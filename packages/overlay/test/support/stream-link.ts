/** A link as streams know it, without a network: keeps what was posted, and asks its sources for pieces. */
import { createBoot, createNodeId, type ConnectionEnd, type TraceContext } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { BatchWriter, type Position } from "../../src/protocol/batch.js";
import { FrameReader, type MessageType } from "../../src/protocol/frame.js";
import type { BulkSource } from "../../src/runtime/bulk-sources.js";
import type { StreamLink, StreamPeer } from "../../src/runtime/streams/stream-link.js";

export interface Posted {
  readonly type: MessageType;
  readonly id: number;
  readonly payload: Uint8Array;
}

export class FakeStreamLink implements StreamLink {
  readonly channel = "data";
  roundTripMs: number | undefined = 0.2;
  readonly peer: StreamPeer;
  readonly posted: Posted[] = [];
  readonly controls: Posted[] = [];
  readonly ends: ConnectionEnd[] = [];
  heldBytes = 0;
  readonly #sources: BulkSource[] = [];

  constructor(readonly retains = false) {
    const random = seededRandom("a peer");
    this.peer = { id: createNodeId(random), boot: createBoot(1, random) };
  }

  get sources(): number {
    return this.#sources.length;
  }

  post(
    type: MessageType,
    _flags: number,
    _subject: number,
    id: number,
    _deadlineMs: number,
    _trace: TraceContext | undefined,
    payload: Uint8Array,
  ): Position {
    this.posted.push({ type, id, payload: payload.slice() });
    return { within: { slab: payload, start: 0 }, at: 0, frame: 0 };
  }

  postControl(type: MessageType, id: number, payload: Uint8Array): void {
    this.controls.push({ type, id, payload: payload.slice() });
  }

  hold(bytes: number): () => void {
    this.heldBytes += bytes;
    return () => {
      this.heldBytes -= bytes;
    };
  }

  addSource(source: BulkSource): void {
    this.wake(source);
  }

  removeSource(source: BulkSource): void {
    const at = this.#sources.indexOf(source);
    if (at >= 0) this.#sources.splice(at, 1);
  }

  wake(source: BulkSource): void {
    if (!this.#sources.includes(source)) this.#sources.push(source);
  }

  disconnect(end: ConnectionEnd): void {
    this.ends.push(end);
  }

  /** Asks the sources in turn for so many pieces at most; answers how many there were. */
  pull(most = Number.POSITIVE_INFINITY): number {
    let pieces = 0;
    for (let i = this.#sources.length; i > 0 && pieces < most; ) {
      const source = this.#sources.shift() as BulkSource;
      if (source.pull()) {
        this.#sources.push(source);
        pieces += 1;
        i = this.#sources.length;
      } else i -= 1;
    }
    return pieces;
  }
}

/** A reader that stands at one message. */
export function readerAt(
  type: MessageType,
  id: number,
  payload: Uint8Array,
  subject = 0,
  deadlineMs = 0,
): FrameReader {
  const frames: Uint8Array[] = [];
  const writer = new BatchWriter(64 * 1024, (frame) => frames.push(frame));
  writer.append(type, 0, subject, id, deadlineMs, undefined, payload);
  writer.seal();
  const reader = new FrameReader();
  reader.begin(frames[0] as Uint8Array);
  reader.next();
  return reader;
}
