/**
 * DocumentFile: one document on this node's disk, as pieces of a log.
 *
 * Each piece is a file: a saved document, or the changes since the piece before. All of them together are the document;
 * Automerge takes a change twice without harm, so a crash between writing the whole and removing what it was made of
 * costs nothing. What `persisted` resolved for is found again. Writing goes on behind the changes, in one row: what comes
 * while a piece is written is in the next one.
 */
import type { Doc } from "@automerge/automerge";
import type { Clock, Logger, Timer } from "@foundation/core";
import { crdtErrors } from "../errors.js";
import type { Automerge } from "./automerge.js";
import { compact, joined } from "./compactor.js";
import type { KeyedFiles } from "./keyed-files.js";
import { documentLimits } from "./limits.js";

export interface DocumentFileOptions {
  readonly automerge: Automerge;
  readonly files: KeyedFiles;
  readonly id: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A simulated process has no threads. */
  readonly inline: boolean;
}

export class DocumentFile {
  readonly #options: DocumentFileOptions;
  #doc: Doc<unknown> | undefined;
  /** What the pieces on disk have. */
  #writtenHeads: string[] = [];
  #pieces = 0;
  #nextPiece = 0;
  #logBytes = 0;
  #wholeBytes = 0;
  #timer: Timer | undefined;
  #isClosed = false;
  #writing: Promise<void> = Promise.resolve();
  #isFailing = false;

  constructor(options: DocumentFileOptions) {
    this.#options = options;
  }

  /**
   * Reads what is there; an empty document when there is nothing.
   * @throws {ERR_DOCUMENT_DAMAGED} naming the piece @throws {ERR_STORAGE}
   */
  async load<T>(): Promise<Doc<T>> {
    const { automerge, files, id } = this.#options;
    const pieces = await files.loadRange([id]);
    let doc = automerge.init<T>();
    for (const { key, data } of pieces) {
      try {
        if (data.length === 0) throw new Error("it is cut off");
        doc = automerge.loadIncremental(doc, data);
      } catch (error) {
        throw damaged(id, `piece ${key.at(-1)} of it on disk`, error);
      }
      this.#nextPiece = Math.max(this.#nextPiece, Number(key.at(-1)) + 1);
      this.#logBytes += data.length;
    }
    this.#pieces = pieces.length;
    this.#writtenHeads = automerge.getHeads(doc);
    this.#doc = doc;
    return doc;
  }

  /** The document has changed: it is written soon. */
  changed(doc: Doc<unknown>): void {
    this.#doc = doc;
    this.#timer ??= this.#options.clock.setTimer(documentLimits.saveDelayMs, () => {
      this.flush().catch(() => undefined);
    });
  }

  /** Resolves when what is known now is on disk. @throws {ERR_STORAGE} and it is tried again later. */
  flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    const run = this.#writing.then(() => this.#write()).then(() => this.#works());
    // The next one must not fail for this one's reason, and there is a next one.
    this.#writing = run.catch((error: unknown) => this.#failed(error));
    return run;
  }

  /** Writes what is left. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.flush();
  }

  async #write(): Promise<void> {
    const { automerge, files, id } = this.#options;
    const doc = this.#doc;
    if (doc === undefined) return;
    const heads = automerge.getHeads(doc);
    if (sameHeads(heads, this.#writtenHeads)) return;
    const piece = automerge.saveSince(doc, this.#writtenHeads);
    await files.save([id, String(this.#nextPiece)], piece);
    this.#nextPiece += 1;
    this.#pieces += 1;
    this.#logBytes += piece.length;
    this.#writtenHeads = heads;
    const isLarge = this.#logBytes > Math.max(documentLimits.compactBytesMin, 2 * this.#wholeBytes);
    if (this.#pieces > 1 && (this.#pieces >= documentLimits.piecesMax || isLarge)) {
      await this.#compact();
    }
  }

  /** Puts one piece in the place of all: the new one is durable before an old one goes. */
  async #compact(): Promise<void> {
    const { automerge, files, id, inline } = this.#options;
    const pieces = await files.loadRange([id]);
    const whole = await compact(automerge, joined(pieces.map(({ data }) => data)), inline);
    await files.save([id, String(this.#nextPiece)], whole);
    this.#nextPiece += 1;
    for (const { key } of pieces) await files.remove(key);
    this.#pieces = 1;
    this.#wholeBytes = whole.length;
    this.#logBytes = whole.length;
  }

  #works(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#options.logger.info("A document is written again", { document: this.#options.id });
  }

  #failed(error: unknown): void {
    const { clock, logger, id } = this.#options;
    if (this.#isClosed) return;
    if (!this.#isFailing) {
      logger.warn("A document could not be written; it is tried again", { document: id, error });
    }
    this.#isFailing = true;
    this.#timer ??= clock.setTimer(documentLimits.saveRetryMs, () => {
      this.flush().catch(() => undefined);
    });
  }
}

export function damaged(id: string, what: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return crdtErrors.ERR_DOCUMENT_DAMAGED(
    `The document "${id}" cannot be read: ${what} is not Automerge's (${reason}). Nothing was changed. Restore the file, or ` +
      "move the document's folder away: what other nodes have of it comes back from them.",
    { document: id, reason },
    cause,
  );
}

function sameHeads(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((head) => b.includes(head));
}
