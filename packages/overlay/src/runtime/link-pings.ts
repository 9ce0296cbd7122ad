/**
 * LinkPings: signs of life asked of the other side of one link, and how long its answers take.
 *
 * Pings are control messages: they wait behind nothing of ours but one connection's short queue.
 */
import type { Clock } from "@foundation/core";
import { FAIR } from "../limits.js";
import { MessageType } from "../protocol/frame.js";
import { PerSecond } from "./per-second.js";

const EMPTY = new Uint8Array(0);

interface Asked {
  readonly atMs: number;
  readonly answer: ((alive: boolean) => void) | undefined;
}

export class LinkPings {
  /** The shortest round trip seen on this link: queues only lengthen it. */
  roundTripMs: number | undefined;

  readonly #clock: Clock;
  readonly #post: (type: MessageType, id: number, payload: Uint8Array) => void;
  /** A node has thousands of links, and most never ask. */
  #asked: Map<number, Asked> | undefined;
  #lastId = 0;
  #asks: PerSecond | undefined;

  constructor(clock: Clock, post: (type: MessageType, id: number, payload: Uint8Array) => void) {
    this.#clock = clock;
    this.#post = post;
  }

  /** An application asks; false: so often that the other side would close the link. */
  mayAsk(): boolean {
    this.#asks ??= new PerSecond(FAIR.pingsAskedPerSecondMax);
    return this.#asks.take(this.#clock.now());
  }

  /** Answers true when the pong comes in time, else false. */
  ask(timeoutMs: number, answer: (alive: boolean) => void, payload: Uint8Array): void {
    const id = this.#next();
    const timer = this.#clock.setTimer(timeoutMs, () => this.#settle(id, false));
    this.#send(id, payload, (alive) => {
      timer.cancel();
      answer(alive);
    });
  }

  /** Only measures, one at a time; without an answer nothing happens. */
  measure(): void {
    if (this.#asked === undefined || this.#asked.size === 0) {
      this.#send(this.#next(), EMPTY, undefined);
    }
  }

  onPong(id: number): void {
    this.#settle(id, true);
  }

  /**
   * The connection is gone. Answers how to say so to those who asked: whoever does may be let in by
   * that on another connection at once, so it is said after everything else.
   */
  end(): () => void {
    const asked = this.#asked;
    this.#asked = undefined;
    return () => {
      for (const { answer } of asked?.values() ?? []) answer?.(false);
    };
  }

  #next(): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    return this.#lastId;
  }

  #send(id: number, payload: Uint8Array, answer: Asked["answer"]): void {
    this.#asked ??= new Map();
    this.#asked.set(id, { atMs: this.#clock.now(), answer });
    this.#post(MessageType.ping, id, payload);
  }

  #settle(id: number, alive: boolean): void {
    const asked = this.#asked?.get(id);
    if (asked === undefined) return;
    this.#asked?.delete(id);
    if (alive) {
      const tookMs = this.#clock.now() - asked.atMs;
      if (this.roundTripMs === undefined || tookMs < this.roundTripMs) this.roundTripMs = tookMs;
    }
    asked.answer?.(alive);
  }
}
