/** Document: what an application holds of one document. Nothing here needs Automerge's types: it is an optional peer. */
import type { BoundedStreamOptions, Duration, NodeId } from "@foundation/core";

/** One difference, as Automerge says it: https://automerge.org/automerge/api-docs/js/types/Patch.html */
export interface DocumentPatch {
  /** `put`, `del`, `splice`, `insert`, `inc`, … */
  readonly action: string;
  readonly path: readonly (string | number)[];
  readonly [more: string]: unknown;
}

/** One change of a document, or several that came together. */
export interface DocumentChange<T> {
  /** The document after it. */
  readonly value: Readonly<T>;
  /** Which node sent it; undefined for this one's own. */
  readonly from: NodeId | undefined;
  /** What differs from before, as Automerge says it; worked out when it is first asked for. */
  readonly patches: readonly DocumentPatch[];
}

export interface SyncedOptions {
  /** @default "10s" */
  readonly timeout?: Duration;
  readonly signal?: AbortSignal;
}

/** An open document. Reads are of what this node has; changes are at once here and soon everywhere. */
export interface Document<T> extends AsyncDisposable {
  readonly id: string;
  /** As it is now. It is read-only: a change makes a new one. */
  readonly value: Readonly<T>;
  /** How many nodes have the document open, or on disk, this one included. */
  readonly holders: number;
  /**
   * Changes the document: what `fn` does to the draft is one change of the history. Whatever it throws is thrown, and then
   * nothing changed. @throws {ERR_CLOSED} @throws {ERR_INVALID_ARGUMENT} `fn` goes on after it has returned
   *
   * @param message kept in the history, for people
   */
  change(fn: (draft: T) => void, options?: { readonly message?: string }): void;
  /** Calls `listener` after each later change; returns the function that ends it. */
  subscribe(listener: (change: DocumentChange<T>) => void): () => void;
  /** Later changes, as a bounded stream. */
  changes(
    options?: Pick<BoundedStreamOptions, "signal" | "buffer" | "overflow">,
  ): AsyncIterableIterator<DocumentChange<T>>;
  /** The whole document in Automerge's format, with its history: for files and other programs. */
  save(): Uint8Array;
  /** Takes over what a saved document has, as if it came from another node. @throws {ERR_DOCUMENT_DAMAGED} */
  merge(saved: Uint8Array): void;
  /** Resolves when what this node has is on its disk; at once without one. @throws {ERR_STORAGE} @throws {ERR_CLOSED} */
  persisted(): Promise<void>;
  /**
   * Resolves when every node that has the document has told that it has everything this node has.
   * @throws {ERR_TIMEOUT} naming who has not. @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  synced(options?: SyncedOptions): Promise<void>;
  /** Writes what is not written yet and gives this handle up; other handles of the document stay. Idempotent. */
  close(): Promise<void>;
}
