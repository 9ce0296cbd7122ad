/**
 * ReplicaPool: the documents of this node that are in memory, and those on its disk.
 *
 * A replica is loaded once for all who want it: handles of this node, and peers, for whom one on disk is opened for as long
 * as they ask. Invariant: at most one replica of a document at a time writes its file; a later one waits for its end.
 */
import { coreErrors, type Clock, type Logger, type NodeId, type Timer } from "@foundation/core";
import { loadAutomerge } from "./automerge.js";
import { DocumentFile } from "./document-file.js";
import type { KeyedFiles } from "./keyed-files.js";
import { documentLimits } from "./limits.js";
import { Replica } from "./replica.js";

/** A replica and who needs it. */
export interface Opened {
  readonly replica: Promise<Replica<unknown>>;
  ready: Replica<unknown> | undefined;
  handles: number;
  /** Ends a replica that only peers asked for. */
  idle: Timer | undefined;
}

export interface PoolOptions {
  readonly files: KeyedFiles | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A simulated process has no threads. */
  readonly inline: boolean;
  send(id: string, to: NodeId, message: Uint8Array): Promise<void>;
  /** This node has the document from now on, or no more. */
  has(id: string, isHere: boolean): void;
  /** A replica is loaded: it meets those who have the document. */
  loaded(id: string): void;
}

export class ReplicaPool {
  readonly #options: PoolOptions;
  readonly #abort = new AbortController();
  readonly #opened = new Map<string, Opened>();
  /** Replicas on their way out, which may still write. */
  readonly #ending = new Map<string, Promise<void>>();
  readonly #stored: Promise<Set<string>>;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#stored = this.#readStored();
  }

  get isClosed(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Fires when the pool is closed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** The replicas that are loaded. */
  *ready(): Iterable<Replica<unknown>> {
    for (const { ready } of this.#opened.values()) if (ready !== undefined) yield ready;
  }

  get(id: string): Opened | undefined {
    return this.#opened.get(id);
  }

  /** True when it is in memory here, or on disk. */
  async knows(id: string): Promise<boolean> {
    return this.#opened.has(id) || (await this.#stored).has(id);
  }

  /** @throws {ERR_QUEUE_FULL} too many documents are open */
  open(id: string): Opened {
    const known = this.#opened.get(id);
    if (known !== undefined) return known;
    const limit = documentLimits.openMax;
    if (this.#opened.size >= limit) {
      throw coreErrors.ERR_QUEUE_FULL(
        `${limit} documents are open on this node: close some before you open another`,
        { queue: "documents", limit, unit: "messages" },
      );
    }
    const replica = this.#load(id);
    const opened: Opened = { replica, ready: undefined, handles: 0, idle: undefined };
    this.#opened.set(id, opened);
    replica.then(
      (loaded) => {
        opened.ready = loaded;
        this.#options.loaded(id);
      },
      () => this.#opened.delete(id),
    );
    return opened;
  }

  /** A document that nobody here has open is let go when peers have asked nothing for a while. */
  rest(id: string, opened: Opened): void {
    opened.idle?.cancel();
    opened.idle = undefined;
    if (opened.handles > 0 || opened.ready === undefined || this.isClosed) return;
    opened.idle = this.#options.clock.setTimer(documentLimits.servedMs, () => {
      void this.#restOver(id, opened);
    });
  }

  /** What the disk does not take yet stays in memory: nobody else may have it. */
  async #restOver(id: string, opened: Opened): Promise<void> {
    try {
      await opened.ready?.persisted();
    } catch {
      this.rest(id, opened);
      return;
    }
    await this.#letGo(id, opened);
  }

  /** One handle less. With a disk the document is still had here; without one it ends with its last handle. */
  async release(id: string, opened: Opened): Promise<void> {
    opened.handles -= 1;
    if (opened.handles > 0 || opened.ready === undefined || this.isClosed) return;
    try {
      await opened.ready.persisted();
    } catch (error) {
      this.rest(id, opened);
      throw error;
    }
    if (opened.handles > 0) return;
    if (this.#options.files === undefined) await this.#letGo(id, opened);
    else this.rest(id, opened);
  }

  /** Removes a document from the disk. @throws {ERR_INVALID_ARGUMENT} while somebody here has it open */
  async forget(id: string): Promise<void> {
    const stored = await this.#stored;
    const opened = this.#opened.get(id);
    if (opened !== undefined && opened.handles > 0) {
      const [argument, expected, found] = ["id", "that of a document nobody has open here", id];
      throw coreErrors.ERR_INVALID_ARGUMENT(`The document "${id}" is open here: close it first`, {
        argument,
        expected,
        found,
      });
    }
    // Who opens it meanwhile waits: it must not read what is about to go.
    const before = opened === undefined ? this.#ending.get(id) : this.#letGo(id, opened);
    await this.#endingBy(id, this.#removed(id, before, stored));
  }

  async #removed(
    id: string,
    before: Promise<void> | undefined,
    stored: Set<string>,
  ): Promise<void> {
    await before;
    await this.#options.files?.removeRange([id]);
    stored.delete(id);
    this.#options.has(id, false);
  }

  /** Writes what is not written and ends all replicas. @throws {ERR_STORAGE} */
  async close(): Promise<void> {
    this.#abort.abort();
    const closing = [...this.#opened.values()].map(async ({ replica, idle }) => {
      idle?.cancel();
      await (await replica).close();
    });
    this.#opened.clear();
    const results = await Promise.allSettled([...closing, ...this.#ending.values()]);
    const failed = results.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  }

  assertOpen(): void {
    if (!this.isClosed) return;
    throw coreErrors.ERR_CLOSED("The documents of this node are closed", { what: "documents" });
  }

  async #load(id: string): Promise<Replica<unknown>> {
    const { files, clock, logger, inline } = this.#options;
    const automerge = await loadAutomerge();
    await this.#stored;
    await this.#ending.get(id)?.catch(() => undefined);
    const file = files && new DocumentFile({ automerge, files, id, clock, logger, inline });
    const doc = file === undefined ? automerge.init<unknown>() : await file.load<unknown>();
    this.assertOpen();
    this.#options.has(id, true);
    return new Replica({
      ...{ automerge, id, doc, file, logger },
      send: (to, message) => this.#options.send(id, to, message),
      later: (run) => {
        const { signal } = this.#abort;
        void clock.sleep(documentLimits.syncRetryMs, { signal }).then(run, () => undefined);
      },
    });
  }

  async #letGo(id: string, opened: Opened): Promise<void> {
    if (opened.handles > 0 || this.#opened.get(id) !== opened) return;
    this.#opened.delete(id);
    opened.idle?.cancel();
    await this.#endingBy(id, this.#end(id, opened));
  }

  async #endingBy(id: string, ending: Promise<void>): Promise<void> {
    this.#ending.set(id, ending);
    try {
      await ending;
    } finally {
      if (this.#ending.get(id) === ending) this.#ending.delete(id);
    }
  }

  async #end(id: string, { ready }: Opened): Promise<void> {
    const stored = await this.#stored;
    if (this.#options.files === undefined || ready?.isEmpty === true) this.#options.has(id, false);
    else stored.add(id);
    await ready?.close().catch((error: unknown) => {
      this.#options.logger.error("A document could not be written before it was closed", {
        document: id,
        error,
      });
    });
  }

  /** What is on disk here is said to the others, so that they find it. */
  async #readStored(): Promise<Set<string>> {
    try {
      const ids = new Set((await this.#options.files?.firstParts()) ?? []);
      for (const id of ids) if (!this.isClosed) this.#options.has(id, true);
      return ids;
    } catch (error) {
      this.#options.logger.error(
        "The documents on disk cannot be listed: nobody is served what nobody opens",
        { error },
      );
      return new Set();
    }
  }
}
