/**
 * Persistence: one replicated state on this node's disk, as a snapshot and a log of what came after.
 *
 * Both are rows of records: length, checksum, a delta. Deltas may be applied twice and in any order,
 * so a crash between writing the snapshot and cutting the log costs nothing. What is damaged or torn
 * at the end of the log is cut off: those writes were not acknowledged by `persisted()`, and what of
 * them went to other nodes comes back from there.
 *
 * A snapshot makes good what a failing disk has missed, so nothing queues up meanwhile, and it is tried
 * with growing pauses: to encode all there is for each turn would cost more than the disk is worth.
 *
 * Invariant: what `persisted()` has resolved for is found again.
 */
import { crc32 } from "node:zlib";
import {
  createCodec,
  type Clock,
  type Codec,
  type Logger,
  type Storage,
  type Timer,
} from "@foundation/core";
import {
  CAUSAL_LIMITS,
  LOG_BYTES_AIM,
  PERSIST_RETRY_MS,
  PERSIST_RETRY_MS_MAX,
} from "../../limits.js";
import { fingerprint } from "../../protocol/fingerprint.js";
import { parseCausalMessage, type Delta } from "../../protocol/causal/messages.js";

const HEADER_BYTES = 8;

export interface PersistenceOptions {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly kind: string;
  readonly name: string;
  /** Everything there is now, for a snapshot. */
  readonly snapshot: () => readonly Delta<unknown>[];
}

/** A delta as it was kept, with what has passed since by the wall clock. */
interface Kept {
  readonly wallMs: number;
  readonly delta: Delta<unknown>;
}

export class Persistence {
  readonly #options: PersistenceOptions;
  readonly #codec: Codec = createCodec();
  readonly #base: string;
  #tail: Promise<void> = Promise.resolve();
  #waiting: Delta<unknown>[] = [];
  #logBytes = 0;
  #snapshotBytes = 0;
  #failure: unknown;
  #failedAtMs = 0;
  #pauseMs = 0;
  /** Runs while a failing disk is left alone. */
  #pause: Timer | undefined;

  constructor(options: PersistenceOptions) {
    this.#options = options;
    const { high, low } = fingerprint(options.name);
    this.#base = `crdt/${options.kind}-${high.toString(16)}-${low.toString(16)}`;
  }

  /** What is on the disk; cuts a torn end of the log. @throws {ERR_STORAGE} */
  async load(): Promise<readonly Delta<unknown>[]> {
    const { storage, logger, name } = this.#options;
    const snapshot = (await storage.read(this.#snapshotFile)) ?? new Uint8Array();
    const log = (await storage.read(this.#logFile)) ?? new Uint8Array();
    const out: Delta<unknown>[] = [];
    const kept = this.#read(snapshot, out);
    const wholeBytes = this.#read(log, out);
    if (kept < snapshot.length) {
      logger.warn("A snapshot of a replicated state was damaged; what follows comes from others", {
        state: name,
        atBytes: kept,
      });
    }
    if (wholeBytes < log.length) await storage.truncate(this.#logFile, wholeBytes);
    this.#snapshotBytes = kept;
    this.#logBytes = wholeBytes;
    return out;
  }

  /** Keeps a delta, after those before it. */
  append(delta: Delta<unknown>): void {
    if (this.#pause !== undefined) return;
    this.#waiting.push(delta);
    if (this.#waiting.length === 1) this.#tail = this.#tail.then(() => this.#write());
  }

  /**
   * Resolves when everything appended so far is durable. A failing disk is tried once more, unless it has just been.
   * @throws {ERR_STORAGE}
   */
  async persisted(): Promise<void> {
    await this.#tail;
    const isRecent = this.#options.clock.now() - this.#failedAtMs < PERSIST_RETRY_MS;
    if (this.#failure !== undefined && !isRecent) await this.#again();
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  /** Tries for the last time what is not durable. Never rejects: what is lost was told as a failure. */
  async close(): Promise<void> {
    await this.#tail;
    if (this.#failure !== undefined) await this.#again();
    this.#pause?.cancel();
  }

  get #snapshotFile(): string {
    return `${this.#base}.snapshot`;
  }

  get #logFile(): string {
    return `${this.#base}.log`;
  }

  #again(): Promise<void> {
    this.#pause?.cancel();
    this.#pause = undefined;
    this.#tail = this.#tail.then(() => this.#write());
    return this.#tail;
  }

  async #write(): Promise<void> {
    // It was asked for before the disk failed: the snapshot after the pause has it.
    if (this.#pause !== undefined) return;
    const deltas = this.#waiting;
    this.#waiting = [];
    try {
      // The log may end in a part of a record now: only a snapshot makes it good.
      if (this.#failure !== undefined) await this.#fold();
      else if (deltas.length > 0) await this.#log(deltas);
      this.#works();
    } catch (error) {
      this.#fails(error);
    }
  }

  async #log(deltas: readonly Delta<unknown>[]): Promise<void> {
    const { storage } = this.#options;
    const bytes = this.#records(deltas);
    await storage.append(this.#logFile, bytes);
    await storage.sync(this.#logFile);
    this.#logBytes += bytes.length;
    if (this.#logBytes > Math.max(LOG_BYTES_AIM, 2 * this.#snapshotBytes)) await this.#fold();
  }

  #works(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#pauseMs = 0;
    const { logger, name } = this.#options;
    logger.info("A replicated state is kept on disk again", { state: name });
  }

  #fails(error: unknown): void {
    const { clock, logger, name } = this.#options;
    if (this.#failure === undefined) {
      logger.error("A replicated state is not kept on disk until it can be", {
        state: name,
        error,
      });
    }
    this.#failure = error;
    this.#failedAtMs = clock.now();
    this.#waiting = [];
    this.#pauseMs = Math.min(Math.max(PERSIST_RETRY_MS, 2 * this.#pauseMs), PERSIST_RETRY_MS_MAX);
    this.#pause = clock.setTimer(this.#pauseMs, () => void this.#again());
  }

  async #fold(): Promise<void> {
    const { storage, snapshot } = this.#options;
    const bytes = this.#records(snapshot());
    await storage.replace(this.#snapshotFile, bytes);
    // Not cut: there may be none, and one whose sync failed can only be made anew.
    await storage.remove(this.#logFile);
    this.#snapshotBytes = bytes.length;
    this.#logBytes = 0;
  }

  #records(deltas: readonly Delta<unknown>[]): Uint8Array {
    const wallMs = this.#options.clock.wallNow();
    const parts = deltas.flatMap((delta) => {
      const payload = this.#codec.encode({ wallMs, delta } satisfies Kept);
      const header = new DataView(new ArrayBuffer(HEADER_BYTES));
      header.setUint32(0, payload.length);
      header.setUint32(4, crc32(payload));
      return [new Uint8Array(header.buffer), payload];
    });
    return new Uint8Array(Buffer.concat(parts));
  }

  /** Adds the whole records to `out`; how many bytes they take. */
  #read(bytes: Uint8Array, out: Delta<unknown>[]): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    while (at + HEADER_BYTES <= bytes.length) {
      const length = view.getUint32(at);
      const end = at + HEADER_BYTES + length;
      if (length === 0 || end > bytes.length) break;
      const payload = bytes.subarray(at + HEADER_BYTES, end);
      if (crc32(payload) !== view.getUint32(at + 4)) break;
      const { wallMs, delta } = this.#codec.decode(payload) as Kept;
      const parsed = parseCausalMessage(delta, UNLIMITED);
      if ("problem" in parsed) break;
      out.push(aged(delta, Math.max(0, this.#options.clock.wallNow() - wallMs)));
      at = end;
    }
    return at;
  }
}

/** Another configuration may have had other limits. */
const UNLIMITED = {
  ...CAUSAL_LIMITS,
  keyBytesMax: Number.MAX_SAFE_INTEGER,
  deltaEntriesMax: Number.MAX_SAFE_INTEGER,
};

/** Entries with an end have less time left; those whose time is over end at once. */
function aged(delta: Delta<unknown>, passedMs: number): Delta<unknown> {
  if (!delta.parts.some(({ left }) => left !== undefined)) return delta;
  const parts = delta.parts.map((part) => {
    if (part.left === undefined) return part;
    return { ...part, left: part.left.map((ms) => (ms === 0 ? 0 : Math.max(1, ms - passedMs))) };
  });
  return { ...delta, parts };
}
