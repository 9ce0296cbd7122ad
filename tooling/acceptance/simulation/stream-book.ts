/**
 * StreamBook: every byte stream that was opened, what its reader got of it, and what its sender was told.
 *
 * What is judged at any time: what was read is a beginning of what was given, and all of it when the reader saw the end;
 * a stream that was refused was never opened at the reader; one that has resolved was read as the reader says; in the end
 * every source has ended, and every reader.
 */
import type { InboundStream } from "@foundation/core";
import { isFoundationError, nodeRuntime } from "@foundation/core";
import { isPartOf, noiseAt, type Excerpt } from "./noise.js";

/** How the reader behaves. */
export interface Manner {
  /** Leaves the loop after so many. */
  readonly leavesAfterBytes: number;
  /** Between two pieces. */
  readonly pauseMs: number;
}

export interface SentStream extends Manner {
  readonly id: number;
  readonly from: string;
  readonly to: string;
  readonly content: Excerpt;
  outcome: string | undefined;
  opened: number;
  readBytes: number;
  /** "reading" until it is over. */
  end: "reading" | "complete" | "left" | "broken" | undefined;
  source: "open" | "ended" | undefined;
}

const PIECES = [1_000, 64_000, 100_000, 7];
const UNKNOWN = "ERR_OUTCOME_UNKNOWN";
/** Errors that a stream may end with once it has begun. */
const begun = new Set([UNKNOWN, "ERR_STREAM_BROKEN"]);

export class StreamBook {
  readonly violations: string[] = [];
  readonly #streams: SentStream[] = [];

  get size(): number {
    return this.#streams.length;
  }

  opening(from: string, to: string, content: Excerpt, manner: Manner): SentStream {
    const stream: SentStream = {
      id: this.#streams.length,
      from,
      to,
      content,
      ...manner,
      outcome: undefined,
      opened: 0,
      readBytes: 0,
      end: undefined,
      source: undefined,
    };
    this.#streams.push(stream);
    return stream;
  }

  metadataOf({ id }: SentStream): { readonly id: number } {
    return { id };
  }

  /** Its bytes, in pieces of many sizes, with a pause here and there. */
  async *source(stream: SentStream): AsyncGenerator<Uint8Array> {
    const bytes = noiseAt(stream.content);
    const { clock } = nodeRuntime();
    stream.source = "open";
    try {
      let turn = 0;
      for (let at = 0; at < bytes.length; turn += 1) {
        const piece = PIECES[(turn + stream.id) % PIECES.length] as number;
        yield bytes.subarray(at, at + piece);
        at += piece;
        if (turn % 5 === 4) await clock.sleep(20);
      }
    } finally {
      stream.source = "ended";
    }
  }

  /** Reads one as its manner is; what it returns is told to the sender. */
  async read(stream: Pick<InboundStream, "metadata"> & AsyncIterable<Uint8Array>, by: string) {
    const sent = this.#streams[(stream.metadata as { readonly id: number }).id];
    if (sent === undefined) {
      this.violations.push(`${by} was given a stream that nobody opened`);
      return 0;
    }
    sent.opened += 1;
    sent.end = "reading";
    if (sent.opened > 1) this.#wrong(sent, `was opened ${sent.opened} times`);
    if (isRefused(sent)) this.#wrong(sent, `was opened at ${by}`);
    const { clock } = nodeRuntime();
    try {
      for await (const piece of stream) {
        if (!isPartOf(sent.content, piece, sent.readBytes)) {
          this.#wrong(sent, `has other bytes after ${sent.readBytes}`);
        }
        sent.readBytes += piece.length;
        if (sent.readBytes >= sent.leavesAfterBytes) {
          sent.end = "left";
          return sent.readBytes;
        }
        if (sent.pauseMs > 0) await clock.sleep(sent.pauseMs);
      }
      sent.end = "complete";
      const { sizeBytes } = sent.content;
      if (sent.readBytes !== sizeBytes) this.#wrong(sent, `ended after ${sent.readBytes} bytes`);
    } catch (error) {
      sent.end = "broken";
      if (!isFoundationError(error)) this.#wrong(sent, `broke with ${String(error)}`);
    }
    return sent.readBytes;
  }

  /** How it ended for its sender, with the value that its reader returned. */
  told(stream: SentStream, outcome: string, value?: unknown): void {
    stream.outcome = outcome;
    if (isRefused(stream) && stream.opened > 0) this.#wrong(stream, "was opened all the same");
    if (outcome !== "ok") return;
    const isOver = stream.end === "complete" || stream.end === "left";
    if (!isOver || value !== stream.readBytes)
      this.#wrong(stream, `was told to have ended with ${String(value)}`);
  }

  /** Streams of those who live that have not ended, on whichever side. */
  open(alive: ReadonlySet<string>): readonly string[] {
    return this.#streams.flatMap((stream) => {
      const { from, to, outcome, source, end } = stream;
      const sender = alive.has(from) && (outcome === undefined || source === "open");
      const reader = alive.has(to) && end === "reading";
      return sender || reader ? [`${shown(stream)} has not ended`] : [];
    });
  }

  #wrong(stream: SentStream, what: string): void {
    this.violations.push(`${shown(stream)} ${what}`);
  }
}

function isRefused({ outcome }: SentStream): boolean {
  return outcome !== undefined && outcome !== "ok" && !begun.has(outcome);
}

function shown({ id, from, to, content, outcome, source, end, readBytes }: SentStream): string {
  const sides = `sender told ${outcome}, source ${source}; reader ${end} after ${readBytes}`;
  return `stream #${id} (${content.sizeBytes} bytes, ${from} to ${to}; ${sides})`;
}
