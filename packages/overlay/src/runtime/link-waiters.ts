/** LinkWaiters: sends that wait for room in a link, in order, and whoever waits until it is empty. */
import { LINK } from "../limits.js";
import { Fifo } from "../protocol/flow/fifo.js";

/** A sender that waits for room. */
export interface Waiter {
  /** What it keeps in memory while it waits. */
  readonly sizeBytes: number;
  /** There is room: append now. */
  ready(): void;
  /** The link is gone. */
  fail(): void;
}

export class LinkWaiters {
  readonly #waiting = new Fifo<Waiter>();
  #sizeBytes = 0;
  #untilEmpty: (() => void)[] | undefined;

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get canTake(): boolean {
    return this.#waiting.length < LINK.waitersMax && this.#sizeBytes < LINK.waitingBytesMax;
  }

  add(waiter: Waiter): void {
    this.#waiting.push(waiter);
    this.#sizeBytes += waiter.sizeBytes;
  }

  /** The next in order appends what it has. */
  serve(): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) return;
    this.#sizeBytes -= waiter.sizeBytes;
    waiter.ready();
  }

  /** Nobody is served any more. */
  fail(): void {
    const count = this.#waiting.length;
    for (let i = 0; i < count; i += 1) this.#waiting.shift()?.fail();
    this.#sizeBytes = 0;
  }

  whenEmpty(resolve: () => void): void {
    this.#untilEmpty ??= [];
    this.#untilEmpty.push(resolve);
  }

  /** Nothing waits in the link any more. */
  emptied(): void {
    const resolves = this.#untilEmpty;
    if (resolves === undefined) return;
    this.#untilEmpty = undefined;
    for (const resolve of resolves) resolve();
  }
}
