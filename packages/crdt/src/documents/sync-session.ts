/**
 * SyncSession: one document and one other node that has it, by Automerge's sync protocol (Kleppmann & Howard, "Byzantine
 * Eventual Consistency", 2020: hashes of heads and a Bloom filter of what came since).
 *
 * One message is under way at a time; what changes meanwhile is in the next. A message that was not sent, or may be lost,
 * makes the session begin anew: the protocol finds out again what the other has.
 */
import type { Doc, SyncState } from "@automerge/automerge";
import type { Automerge } from "./automerge.js";

export interface SyncPort {
  /** The document as it is now. */
  doc(): Doc<unknown>;
  /** Hands a message to the link; rejects when it was not sent. */
  send(message: Uint8Array): Promise<void>;
  /** Calls again later, unless the session was ended. */
  later(run: () => void): void;
}

export class SyncSession {
  readonly #automerge: Automerge;
  readonly #port: SyncPort;
  #state: SyncState;
  #isSending = false;
  #ended = false;
  #theirHeads: readonly string[] | undefined;

  constructor(automerge: Automerge, port: SyncPort) {
    this.#automerge = automerge;
    this.#port = port;
    this.#state = automerge.initSyncState();
  }

  /** The other has said what it has, and we have that. */
  get isCaughtUp(): boolean {
    const heads = this.#theirHeads;
    return heads !== undefined && this.#automerge.hasHeads(this.#port.doc(), [...heads]);
  }

  /** The other has said that it has everything we have. */
  get hasOurs(): boolean {
    if (this.#theirHeads === undefined) return false;
    return this.#automerge.hasOurChanges(this.#port.doc(), this.#state);
  }

  /** Sends what there is to say, message after message, until there is nothing more. */
  pump(): void {
    if (this.#isSending || this.#ended) return;
    const [state, message] = this.#automerge.generateSyncMessage(this.#port.doc(), this.#state);
    this.#state = state;
    if (message === null) return;
    this.#isSending = true;
    this.#port.send(message).then(
      () => {
        this.#isSending = false;
        this.pump();
      },
      () => {
        this.#isSending = false;
        this.#state = this.#automerge.initSyncState();
        this.#port.later(() => this.pump());
      },
    );
  }

  /** Begins anew, unless both are known to have the same. */
  renew(): void {
    if (this.#isSending || this.#ended || (this.isCaughtUp && this.hasOurs)) return;
    this.#state = this.#automerge.initSyncState();
    this.pump();
  }

  /** Takes a message of the other; the document after it. Throws for bytes that are none. */
  receive(message: Uint8Array): Doc<unknown> {
    this.#theirHeads = this.#automerge.decodeSyncMessage(message).heads;
    const [doc, state] = this.#automerge.receiveSyncMessage(this.#port.doc(), this.#state, message);
    this.#state = state;
    return doc;
  }

  end(): void {
    this.#ended = true;
  }
}
