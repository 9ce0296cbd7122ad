/**
 * EtcdWatch: one watch, over however many streams it takes.
 *
 * Each watch has a stream of its own, so that a slow reader stops its own stream and nobody else's. A stream that breaks
 * is followed by one from the first revision that was not given out (`watch-cursor.ts`).
 *
 * Two things that etcd does not do by itself. A member that lags behind would begin a new watch in the past, so the
 * newest revision is read from the quorum first. And an etcd of before August 2024 (Debian's, too) says nothing when a
 * watch begins exactly at the compacted revision and that was a deletion, which it has forgotten (etcd #18089); so before
 * anything of a stream is given out that begins in the past, it is made sure that the revision before its first is there.
 */
import { isFoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { KeyRange, Revision, Watch, WatchBatch, WatchOptions } from "../engine/engine.js";
import { abortedError, closedError, compactedError } from "../store/engine-errors.js";
import { callErrorOf, type WatchStream } from "./endpoint.js";
import { failureOf, type Failure } from "./failures.js";
import type { Keyspace } from "./keyspace.js";
import { SYNC_MS, TOKEN_RENEWALS_MAX } from "./limits.js";
import type { EtcdWatchRequest, EtcdWatchResponse } from "./messages.js";
import { Pauses } from "./pauses.js";
import { ForgottenRevision, refusedBy } from "./refusals.js";
import type { Requests, Way } from "./requests.js";
import type { Scope } from "./scope.js";
import type { Settings } from "./settings.js";
import { WatchCursor } from "./watch-cursor.js";
import { WatchQueue } from "./watch-queue.js";

/** What watches have in common. */
export interface WatchSurroundings {
  readonly requests: Requests;
  readonly settings: Settings;
  readonly keys: Keyspace;
  readonly random: Random;
  /** One has ended, for whatever reason. */
  onEnd(): void;
}

const REFUSED = { what: "a watch" };
const ENDED: Failure = { type: "in-doubt", reason: "the stream ended" };

export class EtcdWatch implements Watch {
  readonly #around: WatchSurroundings;
  /** Undefined: no key can be in it. */
  readonly #range: { readonly key: Uint8Array; readonly range_end?: Uint8Array } | undefined;
  readonly #scope: Scope;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: WatchQueue;
  readonly #ready: Promise<Revision>;
  #isReady: (first: Revision) => void = () => {};
  #isNotReady: (error: Error) => void = () => {};
  #cursor: WatchCursor | undefined;
  #stream: WatchStream | undefined;
  #renewals = 0;
  #hasFailed = false;

  /** @throws {ERR_CLOSED} */
  constructor(around: WatchSurroundings, range: KeyRange, options: WatchOptions) {
    const { settings, requests, keys } = around;
    this.#around = around;
    this.#range = keys.rangeOf(range);
    this.#signal = options.signal;
    this.#scope = requests.open({ signal: options.signal });
    this.#queue = new WatchQueue(
      settings.limits.watchBatchesMax,
      () => this.#stream?.resume(),
      () => this.#scope.end("closed"),
    );
    this.#ready = new Promise((resolve, reject) => {
      this.#isReady = resolve;
      this.#isNotReady = reject;
    });
    // Who does not ask for it learns of the failure from the loop.
    this.#ready.catch(() => {});
    this.#scope.onEnd(() => this.#end());
    if (this.#scope.ended === undefined) void this.#run(options.from);
  }

  async ready(): Promise<Revision> {
    return await this.#ready;
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return this.#queue;
  }

  async close(): Promise<void> {
    this.#scope.end("closed");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Streams, one after the other, until the watch ends. */
  async #run(from: Revision | undefined): Promise<void> {
    const { settings, random, keys } = this.#around;
    const pauses = new Pauses(settings.times, random);
    try {
      while (this.#scope.ended === undefined) {
        try {
          this.#cursor ??= new WatchCursor(from ?? (await this.#newest()) + 1, keys);
          if (this.#range === undefined) {
            this.#isReady(this.#cursor.next);
            return;
          }
          await this.#stretch(this.#cursor, pauses);
        } catch (error) {
          if (!isPassing(error)) throw error;
        }
        await pauses.next(this.#scope);
      }
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** One stream, from where it can be had until it breaks. */
  async #stretch(cursor: WatchCursor, pauses: Pauses): Promise<void> {
    const way = await this.#around.requests.way(this.#scope);
    if (way === undefined) return;
    cursor.restart();
    const failure = await this.#follow(way, cursor, pauses);
    if (this.#scope.ended !== undefined) return;
    this.#around.settings.runtime.logger.debug("A watch of etcd goes on in another stream", {
      endpoint: way.endpoint.address,
      reason: failure.reason,
      from: cursor.next,
    });
    way.endpoints.passOver(way.endpoint);
    if (failure.type === "in-doubt" || failure.type === "not-taken") return;
    // To a watch etcd says of an old token that it permits nothing.
    if (!way.token || this.#renewals >= TOKEN_RENEWALS_MAX) throw refusedBy(failure, REFUSED);
    this.#renewals += 1;
    this.#around.requests.dropToken(way.token);
  }

  async #follow(way: Way, cursor: WatchCursor, pauses: Pauses): Promise<Failure> {
    const stream = way.endpoint.watch(way.metadata);
    const { guard } = this.#around.requests;
    /** What came before it was certain where the stream begins; undefined once it is. */
    let early: EtcdWatchResponse[] | undefined = [];
    let leave = () => {};
    this.#stream = stream;
    try {
      return await new Promise<Failure>((resolve, reject) => {
        const admit = (created: EtcdWatchResponse) =>
          this.#admit(created, cursor).then(() => {
            if (this.#stream !== stream) return;
            pauses.reset();
            for (const response of early ?? []) this.#take(response, cursor, stream);
            early = undefined;
            stream.resume();
          }, reject);
        const receive = (response: EtcdWatchResponse) => {
          guard.check(response, way.endpoint.address);
          if (response.canceled) resolve(cancellation(response, cursor));
          else if (response.created) void admit(response);
          else if (early === undefined) this.#take(response, cursor, stream);
          else {
            early.push(response);
            stream.pause();
          }
        };
        stream.on("data", (response: EtcdWatchResponse) => {
          if (this.#stream !== stream) return;
          try {
            receive(response);
          } catch (error) {
            reject(error as Error);
          }
        });
        stream.on("error", (error) => resolve(failureOf(callErrorOf(error))));
        stream.on("end", () => resolve(ENDED));
        leave = this.#scope.onEnd(() => resolve(ENDED));
        stream.write(this.#creation(cursor.next));
      });
    } finally {
      leave();
      this.#stream = undefined;
      stream.cancel();
    }
  }

  #creation(from: Revision): EtcdWatchRequest {
    const range = this.#range ?? { key: Buffer.alloc(0) };
    const wishes = { progress_notify: true, prev_kv: true, fragment: true };
    return { create_request: { ...range, start_revision: from, ...wishes } };
  }

  /** Makes sure that a stream that begins in the past has its first revision. */
  async #admit({ header }: EtcdWatchResponse, cursor: WatchCursor): Promise<void> {
    const { requests } = this.#around;
    const from = cursor.next;
    if (this.#range !== undefined && Number(header?.revision ?? 0) >= from) {
      const past = { ...this.#range, revision: Math.max(1, from - 1), count_only: true };
      const question = { name: "Range", request: past, effect: "none", refused: REFUSED } as const;
      try {
        await requests.askWithin(this.#scope, question);
      } catch (error) {
        if (!(error instanceof ForgottenRevision)) throw error;
        // When more than that is forgotten etcd says so itself, and since when, at its next look at the watch.
        await this.#scope.pause(SYNC_MS);
        throw compactedError(from, from + 1);
      }
    }
    this.#renewals = 0;
    this.#isReady(from);
  }

  #take(response: EtcdWatchResponse, cursor: WatchCursor, stream: WatchStream): void {
    for (const batch of cursor.take(response)) this.#queue.push(batch);
    if (this.#queue.isFull) stream.pause();
  }

  async #newest(): Promise<Revision> {
    const { requests, keys } = this.#around;
    const request = { key: keys.keyOf("\0"), count_only: true };
    const question = { name: "Range", request, effect: "none", refused: REFUSED } as const;
    const { header } = await requests.askWithin(this.#scope, question);
    return Number(header?.revision ?? 0);
  }

  #fail(error: Error): void {
    // A scope that has ended is why its last request failed.
    if (this.#scope.ended !== undefined) return;
    this.#hasFailed = true;
    this.#queue.fail(error);
    this.#isNotReady(error);
    this.#scope.end("closed");
  }

  #end(): void {
    if (!this.#hasFailed) this.#queue.close();
    this.#isNotReady(
      this.#scope.ended === "aborted"
        ? abortedError("A watch", this.#signal?.reason)
        : closedError("The watch"),
    );
    this.#around.requests.done(this.#scope);
    this.#around.onEnd();
  }
}

/** Why etcd ended the watch. @throws {ERR_REVISION_COMPACTED} */
function cancellation(response: EtcdWatchResponse, cursor: WatchCursor): Failure {
  const compacted = Number(response.compact_revision);
  if (compacted > 0) throw compactedError(cursor.next, compacted);
  return failureOf({ code: 2, details: response.cancel_reason });
}

/** Nobody could be asked just now; a watch has time. */
function isPassing(error: unknown): boolean {
  return isFoundationError(error, "ERR_NO_QUORUM") || isFoundationError(error, "ERR_TIMEOUT");
}
