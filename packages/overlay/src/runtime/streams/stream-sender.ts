/**
 * StreamSender: carries one byte source over a link, as fast as its receiver takes it.
 *
 * The source is read only while there is credit and little waits; the link asks for pieces when
 * nothing more urgent waits. So a source is never more than one piece and a few KiB ahead of what
 * its receiver lets it send.
 *
 * Invariants: one read of the source at a time; after `close` nothing is read, posted or told; the
 * source is ended exactly once, or has ended by itself.
 */
import type { ByteReader } from "@foundation/core";
import { FLOW } from "../../limits.js";
import { MessageType, writeU48 } from "../../protocol/frame.js";
import { OutboundStream } from "../../protocol/streams/outbound-stream.js";
import { PieceGatherer } from "../../protocol/streams/piece-gatherer.js";
import type { BulkSource } from "../bulk-sources.js";
import type { StreamLink } from "./stream-link.js";

export class StreamSender implements BulkSource {
  readonly #link: StreamLink;
  readonly #reader: ByteReader;
  readonly #failed: (thrown: unknown) => void;
  readonly #state: OutboundStream;
  readonly #waiting = new PieceGatherer();
  #id = 0;
  #reading = false;
  #sourceEnded = false;

  /** @param failed the source threw, or gave something else than bytes */
  constructor(
    link: StreamLink,
    reader: ByteReader,
    pieceBytesMax: number,
    failed: (thrown: unknown) => void,
  ) {
    this.#state = new OutboundStream(FLOW.streamWindowBytes, pieceBytesMax);
    this.#link = link;
    this.#reader = reader;
    this.#failed = failed;
  }

  /** The stream's opening was posted under this id: its pieces may follow. */
  begin(id: number): void {
    this.#id = id;
    if (this.#state.isOpen) this.#link.addSource(this);
  }

  pull(): boolean {
    if (!this.#state.isOpen) return false;
    const bytes = this.#state.pieceBytes(this.#waiting.sizeBytes);
    if (bytes > 0) {
      const piece = this.#waiting.next(bytes);
      this.#state.sent(piece.length);
      this.#post(MessageType.piece, piece);
    }
    if (this.#sourceEnded && this.#waiting.sizeBytes === 0) {
      this.#end();
      return true;
    }
    void this.#read();
    return bytes > 0;
  }

  /** The receiver lets so many bytes be sent in all, or wants no more. */
  granted(totalBytes: number): void {
    const hadCredit = this.#state.creditBytes > 0;
    const change = this.#state.granted(totalBytes);
    if (change === "stop") this.#finish();
    else if (change === "more" && !hadCredit) this.#link.wake(this);
  }

  /** Answered or given up. */
  close(reason?: unknown): void {
    this.#state.close();
    this.#finish(reason);
  }

  /** Reads the source while there is credit for more than waits. */
  async #read(): Promise<void> {
    if (this.#reading || this.#sourceEnded) return;
    this.#reading = true;
    try {
      while (this.#wantsMore) {
        const piece = await this.#reader.read();
        if (!this.#state.isOpen) return;
        if (piece === undefined) this.#sourceEnded = true;
        else this.#waiting.add(piece);
        this.#link.wake(this);
      }
    } catch (thrown) {
      if (this.#state.isOpen) this.#failed(thrown);
    } finally {
      this.#reading = false;
    }
  }

  get #wantsMore(): boolean {
    const { creditBytes } = this.#state;
    return !this.#sourceEnded && this.#waiting.wantsMore && this.#waiting.sizeBytes < creditBytes;
  }

  /** Tells how many bytes there were: a stream that lost some on its way is no whole one. */
  #end(): void {
    const payload = new Uint8Array(6);
    writeU48(payload, 0, this.#state.end());
    this.#post(MessageType.end, payload);
    this.#waiting.clear();
  }

  #finish(reason?: unknown): void {
    this.#link.removeSource(this);
    this.#waiting.clear();
    this.#reader.cancel(reason);
  }

  #post(type: MessageType, payload: Uint8Array): void {
    this.#link.post(type, 0, 0, this.#id, 0, undefined, payload);
  }
}
