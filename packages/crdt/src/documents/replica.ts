/**
 * Replica: a document on this node, shared by all who opened it here.
 *
 * A change, of this node or another, goes to the listeners, to the disk and to every node that has the document. The
 * current `Doc` is the only state; what others have is known by their sessions.
 */
import { assertDone } from "@foundation/core";
import type { ChangeFn, Doc } from "@automerge/automerge";
import type { Logger, NodeId } from "@foundation/core";
import type { Automerge } from "./automerge.js";
import type { DocumentChange, DocumentPatch } from "./document.js";
import { damaged, type DocumentFile } from "./document-file.js";
import { SyncSession } from "./sync-session.js";

export interface ReplicaOptions<T> {
  readonly automerge: Automerge;
  readonly id: string;
  readonly doc: Doc<T>;
  readonly file: DocumentFile | undefined;
  readonly logger: Logger;
  send(to: NodeId, message: Uint8Array): Promise<void>;
  later(run: () => void): void;
}

type Listener<T> = (change: DocumentChange<T>) => void;

export class Replica<T> {
  readonly #options: ReplicaOptions<T>;
  readonly #sessions = new Map<NodeId, SyncSession>();
  readonly #listeners = new Set<Listener<T>>();
  /** Asked after each message and each session that ends; see `settled`. */
  readonly #waiting = new Set<() => void>();
  #doc: Doc<T>;

  constructor(options: ReplicaOptions<T>) {
    this.#options = options;
    this.#doc = options.doc;
  }

  get doc(): Doc<T> {
    return this.#doc;
  }

  /** The other nodes that have it. */
  get peers(): readonly NodeId[] {
    return [...this.#sessions.keys()];
  }

  get isEmpty(): boolean {
    return this.#options.automerge.getHeads(this.#doc).length === 0;
  }

  change(fn: (draft: T) => void, message: string | undefined): void {
    const options = message === undefined ? {} : { message };
    const { automerge } = this.#options;
    const words = { call: "change", of: `document "${this.#options.id}"`, done: "changed" };
    const whole = (draft: unknown) => assertDone(fn(draft as T), words);
    const doc = automerge.change<unknown>(this.#doc, options, whole satisfies ChangeFn<unknown>);
    this.#took(doc as Doc<T>, undefined);
  }

  /** The same first change on every node that begins the document with this content. */
  begin(content: object, actor: string): void {
    const { automerge } = this.#options;
    const fill = (draft: unknown) => void Object.assign(draft as object, content);
    const first = automerge.change(automerge.init<unknown>({ actor }), { time: 0 }, fill);
    this.#took(automerge.merge(this.#doc, first as Doc<T>), undefined);
  }

  /** @throws {ERR_DOCUMENT_DAMAGED} */
  merge(saved: Uint8Array): void {
    const { automerge, id } = this.#options;
    let doc: Doc<T>;
    try {
      doc = automerge.merge(this.#doc, automerge.load<T>(saved));
    } catch (error) {
      throw damaged(id, `what is to be merged (${saved.length} bytes)`, error);
    }
    this.#took(doc, undefined);
  }

  /** Another node has the document: it is told what we have, and tells what it has. */
  meet(peer: NodeId): void {
    if (this.#sessions.has(peer)) return;
    const session = new SyncSession(this.#options.automerge, {
      doc: () => this.#doc,
      send: (message) => this.#options.send(peer, message),
      later: (run) => this.#options.later(run),
    });
    this.#sessions.set(peer, session);
    session.pump();
  }

  /** Begins anew with those who are not known to have the same: a message may have been lost. */
  renew(): void {
    for (const session of this.#sessions.values()) session.renew();
  }

  part(peer: NodeId): void {
    this.#sessions.get(peer)?.end();
    if (this.#sessions.delete(peer)) this.ask();
  }

  receive(from: NodeId, message: Uint8Array): void {
    this.meet(from);
    const session = this.#sessions.get(from);
    if (session === undefined) return;
    let doc: Doc<T>;
    try {
      doc = session.receive(message) as Doc<T>;
    } catch (error) {
      const { logger, id } = this.#options;
      logger.warn("A message about a document was not understood", { document: id, from, error });
      return;
    }
    this.#took(doc, from);
    session.pump();
    this.ask();
  }

  subscribe(listener: Listener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Whose changes are not all here, of those that have said what they have or have yet to. */
  behindOf(): readonly NodeId[] {
    return [...this.#sessions].flatMap(([peer, session]) => (session.isCaughtUp ? [] : [peer]));
  }

  /** Who has not told yet that it has everything of this node. */
  unaware(): readonly NodeId[] {
    return [...this.#sessions].flatMap(([peer, session]) => (session.hasOurs ? [] : [peer]));
  }

  /** Resolves when `isSettled` holds, looked at after each message. Never rejects; ends with the signal. */
  settled(isSettled: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(look);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const look = () => {
        if (isSettled()) done();
      };
      this.#waiting.add(look);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
      else look();
    });
  }

  /** Looks again at what is waited for: who has the document has changed. */
  ask(): void {
    for (const look of this.#waiting) look();
  }

  save(): Uint8Array {
    return this.#options.automerge.save(this.#doc);
  }

  async persisted(): Promise<void> {
    await this.#options.file?.flush();
  }

  /** Gives the document's memory back. */
  async close(): Promise<void> {
    for (const session of this.#sessions.values()) session.end();
    this.#sessions.clear();
    this.ask();
    try {
      await this.#options.file?.close();
    } finally {
      this.#options.automerge.free(this.#doc);
    }
  }

  #took(doc: Doc<T>, from: NodeId | undefined): void {
    const { automerge, file } = this.#options;
    const before = automerge.getHeads(this.#doc);
    const after = automerge.getHeads(doc);
    this.#doc = doc;
    if (before.join() === after.join()) return;
    file?.changed(doc);
    for (const [peer, session] of this.#sessions) if (peer !== from) session.pump();
    let patches: readonly DocumentPatch[] | undefined;
    const change: DocumentChange<T> = {
      value: doc,
      from,
      get patches() {
        return (patches ??= automerge.diff(
          doc,
          before,
          after,
        ) as unknown as readonly DocumentPatch[]);
      },
    };
    for (const listener of this.#listeners) this.#tell(listener, change);
  }

  /** A listener that throws must not keep a change from the others, nor from the other nodes. */
  #tell(listener: Listener<T>, change: DocumentChange<T>): void {
    try {
      listener(change);
    } catch (error) {
      const { logger, id } = this.#options;
      logger.error("A listener of a document threw", { document: id, error });
    }
  }
}
