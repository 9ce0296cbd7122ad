/**
 * createDocuments: Automerge documents of a cluster, by name.
 *
 * A document lives on the nodes that have it open, and on those that have it on disk: all of them say so in an
 * owner-sharded store, and each syncs with each other one. A node with a disk keeps what was opened there, and serves it to
 * others also while nobody has it open there.
 */
import { createHash } from "node:crypto";
import {
  coreErrors,
  parseDuration,
  type Duration,
  type InboundMessage,
  type NodeId,
  type Runtime,
  type Storage,
} from "@foundation/core";
import { utf8Size } from "../protocol/plain-size.js";
import { createOwnedStore, type OwnedStore } from "../runtime/owned-store.js";
import { resolvePorts, type ReplicationPorts, type ResolvedPorts } from "../runtime/replication.js";
import type { Document } from "./document.js";
import { DocumentHandle } from "./document-handle.js";
import { KeyedFiles } from "./keyed-files.js";
import { documentLimits } from "./limits.js";
import type { Replica } from "./replica.js";
import { ReplicaPool, type Opened } from "./replica-pool.js";

export interface DocumentsOptions extends ReplicationPorts {
  /** Where documents are kept; without it they live as long as somebody has them open. @default none */
  readonly storage?: Storage | undefined;
}

export interface OpenOptions<T> {
  /** What a document that nobody has begins with. Nodes that begin it with the same content begin the same document. */
  readonly initial?: T;
  /** How long to wait for what other nodes have of it. @default "5s"; "0ms" opens with what is here */
  readonly wait?: Duration;
  readonly signal?: AbortSignal;
}

/** A node's documents. */
export interface Documents extends AsyncDisposable {
  /**
   * Opens a document: with what is on disk here and what the nodes that have it sent within `wait`. It begins empty, or
   * with `initial`, when nobody has it. Each call gives a handle of its own.
   * @throws {ERR_AUTOMERGE_MISSING} @throws {ERR_INVALID_ARGUMENT} the id @throws {ERR_DOCUMENT_DAMAGED} @throws {ERR_STORAGE}
   * @throws {ERR_QUEUE_FULL} too many documents are open @throws {ERR_ABORTED} @throws {ERR_CLOSED}
   */
  open<T = Record<string, unknown>>(id: string, options?: OpenOptions<T>): Promise<Document<T>>;
  /** Removes a document from this node's disk. Nodes that have it keep it. @throws {ERR_INVALID_ARGUMENT} while it is open */
  forget(id: string): Promise<void>;
  /** Writes what is not written and closes all documents. Idempotent. */
  close(): Promise<void>;
}

const SUBJECT = "documents.sync";
const HAS_SUBJECT = "documents.has";
const FOLDER = "documents";

/**
 * The documents of a node.
 *
 * @example
 * ```ts
 * import { createDocuments, type ReplicationPorts } from "@foundation/crdt"
 *
 * export async function rename(ports: ReplicationPorts) {
 *   await using documents = createDocuments(ports)
 *   const board = await documents.open<{ title: string }>("board-1", { initial: { title: "" } })
 *   board.change((draft) => {
 *     draft.title = "Roadmap"
 *   })
 *   await board.synced()
 *   return board.value.title
 * }
 * ```
 */
export function createDocuments(options: DocumentsOptions): Documents {
  return new NodeDocuments(resolvePorts(options));
}

class NodeDocuments implements Documents {
  readonly #options: DocumentsOptions & ResolvedPorts;
  readonly #holders: OwnedStore<1>;
  readonly #pool: ReplicaPool;
  readonly #ends: (() => void)[];
  readonly #handles = new Set<Pick<Document<unknown>, "close">>();
  #closing: Promise<void> | undefined;

  constructor(options: DocumentsOptions & ResolvedPorts) {
    const { messenger, membership, broadcast, runtime, storage } = options;
    this.#options = options;
    this.#holders = createOwnedStore({ name: FOLDER, messenger, membership, broadcast, runtime });
    this.#pool = new ReplicaPool({
      files: storage && new KeyedFiles(storage, FOLDER, runtime.clock),
      clock: runtime.clock,
      logger: runtime.logger,
      inline: (runtime as Partial<Runtime>).host !== undefined,
      send: (id, to, message) => this.#send(id, to, message),
      has: (id, isHere) => void (isHere ? this.#holders.set(id, 1) : this.#holders.delete(id)),
      loaded: (id) => this.#holdersChanged(id),
    });
    void this.#renewing();
    this.#ends = [
      messenger.handle(SUBJECT, (message) => this.#received(message)),
      messenger.handle(HAS_SUBJECT, ({ payload: id }) =>
        typeof id === "string" ? this.#pool.knows(id) : false,
      ),
      this.#holders.subscribe(({ key }) => this.#holdersChanged(key)),
    ];
  }

  async open<T>(id: string, options: OpenOptions<T> = {}): Promise<Document<T>> {
    checkId(id);
    this.#pool.assertOpen();
    options.signal?.throwIfAborted();
    const waitMs = parseDuration(options.wait ?? documentLimits.openWaitMs, "wait");
    const opened = this.#pool.open(id);
    opened.handles += 1;
    try {
      const replica = await opened.replica;
      await this.#met(id, replica, waitMs, options.signal);
      if (replica.isEmpty && options.initial !== undefined) {
        replica.begin(options.initial as object, actorOf(id, options.initial));
      }
      return this.#handle(id, opened, replica as Replica<T>);
    } catch (error) {
      await this.#pool.release(id, opened).catch(() => undefined);
      throw error;
    }
  }

  async forget(id: string): Promise<void> {
    checkId(id);
    this.#pool.assertOpen();
    await this.#pool.forget(id);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    for (const end of this.#ends) end();
    const pool = this.#pool.close();
    // Nobody reads a stream any longer, or waits for others: nothing will come.
    const handles = [...this.#handles].map((handle) => handle.close());
    try {
      await Promise.allSettled([pool, ...handles]);
      await pool;
    } finally {
      await this.#holders.close();
    }
  }

  async #renewing(): Promise<void> {
    const { clock, random } = this.#options.runtime;
    const { signal } = this.#pool;
    const jitter = random.fork("documents.renew");
    while (!signal.aborted) {
      const pauseMs = documentLimits.renewMs * (0.75 + jitter.next() / 2);
      await clock.sleep(pauseMs, { signal }).catch(() => undefined);
      for (const replica of this.#pool.ready()) replica.renew();
    }
  }

  /** Until it is known who has the document, and what they had is here; at most for `waitMs`. */
  async #met(
    id: string,
    replica: Replica<unknown>,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (waitMs <= 0) return;
    const { membership, messenger, runtime } = this.#options;
    const over = new AbortController();
    const end = () => over.abort();
    const timer = runtime.clock.setTimer(waitMs, end);
    for (const each of [signal, this.#pool.signal]) each?.addEventListener("abort", end);
    // The store tells of all who have documents; who has none has no store, and says so when asked.
    const others = membership.members().filter((member) => member.id !== messenger.self);
    const asked = others.filter((member) => !this.#holders.knows(member.id));
    const answers = Promise.all(
      asked.map((member) => this.#ask(id, replica, member.id, over.signal)),
    );
    await Promise.race([answers, ended(over.signal)]);
    await replica.settled(() => replica.behindOf().length === 0, over.signal);
    timer.cancel();
    for (const each of [signal, this.#pool.signal]) each?.removeEventListener("abort", end);
    over.abort();
    signal?.throwIfAborted();
    this.#pool.assertOpen();
  }

  /** Asks a node whether it has the document; one that does not answer in time is met when it tells. */
  async #ask(
    id: string,
    replica: Replica<unknown>,
    node: NodeId,
    signal: AbortSignal,
  ): Promise<void> {
    const route = { to: node, channel: "data", subject: HAS_SUBJECT };
    try {
      const has = await this.#options.messenger.request(route, id, { signal });
      if (has === true && !signal.aborted) replica.meet(node);
    } catch {
      // It has no documents, or is gone, or is slow: none of these keeps anybody waiting.
    }
  }

  /** The sessions of an open document are with those who have it. */
  #holdersChanged(id: string): void {
    const replica = this.#pool.get(id)?.ready;
    if (replica === undefined) return;
    const { self } = this.#options.messenger;
    const holders = new Set(this.#holders.get(id).map(({ owner }) => owner));
    holders.delete(self);
    for (const peer of replica.peers) if (!holders.has(peer)) replica.part(peer);
    for (const peer of holders) replica.meet(peer);
    replica.ask();
  }

  async #send(id: string, to: NodeId, message: Uint8Array): Promise<void> {
    const route = { to, channel: "data", subject: SUBJECT, key: id };
    await this.#options.messenger.send(route, { id, message }, { signal: this.#pool.signal });
  }

  async #received({ from, payload }: InboundMessage): Promise<void> {
    const { id, message } = (payload ?? {}) as { id?: unknown; message?: unknown };
    if (typeof id !== "string" || !(message instanceof Uint8Array)) return;
    const known = this.#pool.get(id);
    if (known?.ready !== undefined) {
      known.ready.receive(from, message);
      this.#pool.rest(id, known);
      return;
    }
    if (known === undefined && !(await this.#pool.knows(id))) return;
    if (this.#pool.isClosed) return;
    // It is on disk: opened for as long as somebody asks. The protocol begins by our first message.
    const opened = known ?? this.#pool.open(id);
    try {
      (await opened.replica).meet(from);
    } catch (error) {
      const { logger } = this.#options.runtime;
      logger.warn("A document on disk could not be opened for another node", {
        document: id,
        error,
      });
    }
    this.#pool.rest(id, opened);
  }

  #handle<T>(id: string, opened: Opened, replica: Replica<T>): Document<T> {
    const handle: DocumentHandle<T> = new DocumentHandle(id, replica, {
      holders: () => this.#holders.get(id).length,
      clock: this.#options.runtime.clock,
      nameOf: (node) => this.#options.membership.member(node)?.name ?? node,
      close: () => {
        this.#handles.delete(handle);
        return this.#pool.release(id, opened);
      },
    });
    this.#handles.add(handle);
    return handle;
  }
}

function checkId(id: string): void {
  const expected = `a text of 1 to ${documentLimits.idBytesMax} bytes`;
  const sizeBytes = typeof id === "string" ? utf8Size(id) : 0;
  if (sizeBytes > 0 && sizeBytes <= documentLimits.idBytesMax) return;
  const found = typeof id === "string" ? `${sizeBytes} bytes` : typeof id;
  throw coreErrors.ERR_INVALID_ARGUMENT(
    `The id of a document must be ${expected}, found ${found}`,
    {
      argument: "id",
      expected,
      found,
    },
  );
}

/** One for each content, so that two nodes that begin a document alike make the same change, and not two. */
function actorOf(id: string, content: unknown): string {
  const text = JSON.stringify([id, content]);
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function ended(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
