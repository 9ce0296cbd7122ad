/**
 * Lane: one direction of one connection. What the source sends reaches the sink when the schedule says so.
 *
 * A cut holds everything back, ends and resets too, and loses nothing, as TCP does over a network that drops packets.
 * Bounded: when it holds enough, the source is not read, and feels it as backpressure.
 */
import type { Socket } from "node:net";
import type { Random } from "@foundation/core";
import { proxyLimits } from "./limits.js";
import { reset } from "./reset.js";
import { piecesOf, Schedule, undisturbed, type LaneConditions } from "./schedule.js";

type Item =
  | { readonly type: "bytes"; readonly bytes: Uint8Array; readonly dueMs: number }
  | { readonly type: "end"; readonly dueMs: number }
  | { readonly type: "reset"; readonly dueMs: number };

export interface LaneOptions {
  readonly source: Socket;
  readonly sink: Socket;
  readonly random: Random;
}

export class Lane {
  readonly #source: Socket;
  readonly #sink: Socket;
  readonly #random: Random;
  readonly #schedule = new Schedule();
  #conditions = undisturbed;
  #queue: Item[] = [];
  #heldBytes = 0;
  #isCut = false;
  #isBlackHole = false;
  #sourceHasEnded = false;
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #waitsForDrain = false;

  constructor({ source, sink, random }: LaneOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#random = random;
    source.setNoDelay(true);
    source.on("data", (bytes) => this.#take(bytes));
    source.on("end", () => this.#ended("end"));
    source.on("error", () => this.#ended("reset"));
    source.on("close", () => this.#ended("reset"));
    sink.on("drain", () => {
      this.#waitsForDrain = false;
      this.#pump();
    });
    sink.on("close", () => this.#stop());
  }

  set(conditions: LaneConditions): void {
    this.#conditions = conditions;
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    this.#pump();
  }

  /** From now on everything vanishes, the end too. */
  blackHole(): void {
    this.#isBlackHole = true;
    this.#stop();
    this.#source.resume();
  }

  /** Bytes of nobody, as if the source had sent them. */
  inject(bytes: Uint8Array): void {
    this.#take(bytes);
  }

  #take(bytes: Uint8Array): void {
    if (this.#isBlackHole || this.#sink.destroyed) return;
    const { pieceBytesMax } = this.#conditions;
    for (const piece of piecesOf(bytes, pieceBytesMax)) {
      const unit = this.#random.next();
      const nowMs = performance.now();
      const dueMs = this.#schedule.arrivalMs(piece.length, this.#conditions, nowMs, unit);
      this.#queue.push({ type: "bytes", bytes: piece, dueMs });
    }
    this.#heldBytes += bytes.length;
    if (this.#heldBytes >= proxyLimits.laneBytesMax) this.#source.pause();
    this.#pump();
  }

  #ended(type: "end" | "reset"): void {
    if (this.#sourceHasEnded || this.#isBlackHole || this.#sink.destroyed) return;
    this.#sourceHasEnded = true;
    const dueMs = this.#schedule.endArrivalMs(this.#conditions, performance.now());
    this.#queue.push({ type, dueMs });
    this.#pump();
  }

  /** Hands over what is due; the rest by a timer. */
  #pump(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    while (!this.#isCut && !this.#waitsForDrain) {
      const head = this.#queue[0];
      if (head === undefined) return;
      const inMs = head.dueMs - performance.now();
      if (inMs > 0) return this.#later(inMs);
      this.#queue.shift();
      this.#hand(head);
      // In pieces means one read each: the next one in a later turn.
      if (this.#conditions.pieceBytesMax !== Infinity) return this.#nextTurn();
    }
  }

  #later(delayMs: number): void {
    this.#timer = setTimeout(() => this.#pump(), delayMs);
  }

  #nextTurn(): void {
    clearImmediate(this.#turn);
    this.#turn = setImmediate(() => this.#pump());
  }

  #hand(item: Item): void {
    if (item.type === "reset") reset(this.#sink);
    else if (item.type === "end") this.#sink.end();
    else {
      this.#heldBytes -= item.bytes.length;
      if (this.#heldBytes < proxyLimits.laneBytesMax) this.#source.resume();
      this.#waitsForDrain = !this.#sink.write(item.bytes);
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#queue = [];
    this.#heldBytes = 0;
  }
}
