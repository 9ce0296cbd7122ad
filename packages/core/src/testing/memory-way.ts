/**
 * MemoryWay: one channel from one node of a MemoryCluster to another.
 *
 * What is on the way arrives in the order it was put there. A way takes `bytesMax` at once; who finds it full waits in
 * line, and nobody overtakes the line, so waiting does not change the order either.
 */
import type { Clock } from "../ports/clock.js";

/** Somebody who waits for room. */
interface Waiter {
  readonly sizeBytes: number;
  readonly write: () => void;
}

export class MemoryWay {
  lastArrivalMs = 0;
  #bytes = 0;
  readonly #line: Waiter[] = [];

  constructor(
    readonly clock: Clock,
    readonly bytesMax: number,
  ) {}

  /** True when so many bytes can be put on the way at once. */
  hasRoom(sizeBytes: number): boolean {
    return this.#line.length === 0 && this.#fits(sizeBytes);
  }

  /** Runs `write` when there is room, after those who came before. Returns the way to stop waiting. */
  whenRoom(sizeBytes: number, write: () => void): () => void {
    const waiter = { sizeBytes, write };
    this.#line.push(waiter);
    return () => {
      const place = this.#line.indexOf(waiter);
      if (place >= 0) this.#line.splice(place, 1);
    };
  }

  /** Runs `arrive` after `delayMs` and after everything put on the way before. */
  post(sizeBytes: number, delayMs: number, arrive: () => void): void {
    this.lastArrivalMs = Math.max(this.lastArrivalMs, this.clock.now() + delayMs);
    this.#bytes += sizeBytes;
    this.clock.setTimer(this.lastArrivalMs - this.clock.now(), () => {
      this.#bytes -= sizeBytes;
      arrive();
      this.#serve();
    });
  }

  #fits(sizeBytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + sizeBytes <= this.bytesMax;
  }

  #serve(): void {
    for (let head = this.#line[0]; head && this.#fits(head.sizeBytes); head = this.#line[0]) {
      this.#line.shift();
      head.write();
    }
  }
}
