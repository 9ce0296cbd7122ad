/**
 * LoopbackConnection: a connection of a node to itself, so that a message to oneself takes the way
 * of every other: it is encoded, queued, delivered in a later turn and decoded, and nothing is
 * shared by accident.
 */
import type { Clock, Connection, ConnectionEnd } from "@foundation/core";

export class LoopbackConnection implements Connection {
  readonly remote = "self";
  readonly binding = undefined;
  readonly closed: Promise<ConnectionEnd>;
  bufferedBytes = 0;

  readonly #clock: Clock;
  #frames: Uint8Array[] = [];
  #receive: ((frame: Uint8Array) => void) | undefined;
  #resolveClosed: (end: ConnectionEnd) => void = () => {};
  #ended = false;
  #pauses = 0;
  #armed = false;
  #drains: { lowWaterBytes: number; resolve: () => void }[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  send(frame: Uint8Array): void {
    if (this.#ended) return;
    this.bufferedBytes += frame.length;
    this.#frames.push(frame);
    this.#arm();
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    this.#arm();
  }

  drained(lowWaterBytes: number): Promise<void> {
    if (this.bufferedBytes <= lowWaterBytes || this.#ended) return Promise.resolve();
    return new Promise((resolve) => this.#drains.push({ lowWaterBytes, resolve }));
  }

  pause(): () => void {
    this.#pauses += 1;
    let resumed = false;
    return () => {
      if (resumed) return;
      resumed = true;
      this.#pauses -= 1;
      this.#arm();
    };
  }

  close(end: ConnectionEnd = { reason: "closed", detail: "closed by this side" }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#frames = [];
    this.bufferedBytes = 0;
    this.#settleDrains();
    this.#resolveClosed(end);
  }

  #arm(): void {
    if (this.#armed || this.#frames.length === 0) return;
    this.#armed = true;
    this.#clock.endOfTurn(() => this.#deliver());
  }

  #deliver(): void {
    this.#armed = false;
    while (this.#receive !== undefined && this.#pauses === 0 && this.#frames.length > 0) {
      const frame = this.#frames.shift() as Uint8Array;
      this.bufferedBytes -= frame.length;
      this.#receive(frame);
    }
    this.#settleDrains();
  }

  #settleDrains(): void {
    const settled = this.#drains.filter((drain) => this.bufferedBytes <= drain.lowWaterBytes);
    this.#drains = this.#drains.filter((drain) => this.bufferedBytes > drain.lowWaterBytes);
    for (const drain of settled) drain.resolve();
  }
}
