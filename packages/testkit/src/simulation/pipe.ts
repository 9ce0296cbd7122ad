/**
 * Pipe: one direction of a simulated connection, with TCP's manners.
 *
 * What is sent leaves at the link's bandwidth, arrives after its latency and never overtakes what was sent before. A cut
 * holds everything back and loses nothing. What arrives where nobody is any more is answered by a reset, unless the host
 * itself is off: then there is no answer at all, and the sender goes on believing.
 */
import type { ConnectionEnd, Timer } from "@foundation/core/ports";
import { simulationLimits } from "./limits.js";
import type { SimulatedConnection } from "./simulated-connection.js";
import type { SimulatedNetwork } from "./simulated-network.js";
import { hashOfBytes } from "./trace.js";

export type Parcel = (
  | { readonly type: "frame"; readonly bytes: Uint8Array }
  | { readonly type: "end"; readonly end: ConnectionEnd }
) & {
  /** Set when it is posted, and again when the network heals. */
  arrivesMs: number;
};

interface Acknowledgement {
  atMs: number;
  readonly sizeBytes: number;
}

export class Pipe {
  readonly #network: SimulatedNetwork;
  readonly #from: SimulatedConnection;
  readonly #to: SimulatedConnection;
  #queue: Parcel[] = [];
  #acknowledgements: Acknowledgement[] = [];
  #unackedBytes = 0;
  #scheduled = false;
  #timer: Timer | undefined;
  #ackScheduled = false;
  #departsMs = 0;
  #lastArrivalMs = 0;
  #waiting: { readonly lowWaterBytes: number; readonly resolve: () => void }[] = [];
  // Made once: every frame of every connection comes by here.
  readonly #onArrival = () => {
    this.#timer = undefined;
    if (this.#to.isThere) return this.#to.boot.io(this.#onTurn);
    this.#scheduled = false;
    this.#arriveAtNobody();
  };
  readonly #onTurn = () => {
    this.#scheduled = false;
    this.#deliver();
  };

  constructor(network: SimulatedNetwork, from: SimulatedConnection, to: SimulatedConnection) {
    this.#network = network;
    this.#from = from;
    this.#to = to;
  }

  /** Bytes the operating system has not taken: what is unacknowledged beyond the socket's buffer. */
  get bufferedBytes(): number {
    this.#takeAcknowledgements();
    return Math.max(0, this.#unackedBytes - simulationLimits.socketBufferBytes);
  }

  /** True when everything sent, the end included, was taken. */
  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  post(parcel: Parcel): void {
    const nowMs = this.#network.clock.now();
    const sizeBytes = parcel.type === "frame" ? parcel.bytes.length : 0;
    this.#unackedBytes += sizeBytes;
    const { bytesPerMs } = this.#network.conditions(this.#from.host, this.#to.host);
    this.#departsMs = Math.max(this.#departsMs, nowMs) + sizeBytes / bytesPerMs;
    const latencyMs = this.#network.latencyMs(this.#from.host, this.#to.host);
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#departsMs + latencyMs);
    parcel.arrivesMs = this.#lastArrivalMs;
    this.#queue.push(parcel);
    this.#schedule();
  }

  drained(lowWaterBytes: number): Promise<void> {
    if (this.bufferedBytes <= lowWaterBytes) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push({ lowWaterBytes, resolve });
      this.#scheduleAcknowledgement();
    });
  }

  /** The receiver takes frames again, or the network changed: what was held back comes. */
  changed(options: { readonly healed?: boolean } = {}): void {
    const { from, to } = { from: this.#from.host, to: this.#to.host };
    if (options.healed) {
      const nowMs = this.#network.clock.now();
      // A retransmission finds the way open: not all at the instant of the heal.
      const head = this.#queue[0];
      if (head && head.arrivesMs <= nowMs) {
        head.arrivesMs = nowMs + this.#network.latencyMs(from, to);
      }
      this.#hurry(nowMs);
      for (const ack of this.#acknowledgements) {
        if (ack.atMs === Infinity) ack.atMs = nowMs + this.#network.latencyMs(to, from);
      }
      this.#scheduleAcknowledgement();
    }
    this.#schedule();
  }

  /** What has not left yet leaves at the pace the link has now: a link that was slow does not stay so for what waits. */
  #hurry(nowMs: number): void {
    const last = this.#queue.at(-1);
    if (last === undefined || last.arrivesMs <= nowMs) return;
    const { from, to } = { from: this.#from.host, to: this.#to.host };
    const { bytesPerMs, latencyMs } = this.#network.conditions(from, to);
    this.#departsMs = nowMs;
    for (const parcel of this.#queue) {
      this.#departsMs += parcel.type === "frame" ? parcel.bytes.length / bytesPerMs : 0;
      parcel.arrivesMs = Math.min(parcel.arrivesMs, this.#departsMs + latencyMs);
    }
    this.#lastArrivalMs = last.arrivesMs;
    if (this.#timer === undefined) return;
    // It stands at the head's old time.
    this.#timer.cancel();
    this.#timer = undefined;
    this.#scheduled = false;
  }

  /** The receiver is gone: whatever was scheduled in it will not run. */
  receiverGone(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#scheduled = false;
    this.#schedule();
  }

  /** The sender has ended: nothing more leaves, and nobody waits. */
  stop(): void {
    this.#queue = [];
    this.#acknowledgements = [];
    this.#unackedBytes = 0;
    this.#wake();
  }

  #schedule(): void {
    const head = this.#queue[0];
    if (!head || this.#scheduled) return;
    this.#scheduled = true;
    const { clock } = this.#network;
    this.#timer = clock.setTimer(Math.max(0, head.arrivesMs - clock.now()), this.#onArrival);
  }

  /** Hands over every parcel that has arrived and can be taken. */
  #deliver(): void {
    const { clock, trace } = this.#network;
    for (;;) {
      const parcel = this.#queue[0];
      if (!parcel) return;
      if (parcel.arrivesMs > clock.now()) return this.#schedule();
      if (this.#network.isCut(this.#from.host, this.#to.host)) return;
      if (!this.#to.isThere) return this.#arriveAtNobody();
      if (!this.#to.takes(parcel)) return;
      this.#queue.shift();
      if (parcel.type === "frame") {
        this.#network.framesDelivered += 1;
        trace.event(clock.now(), this.#to.host, "frame", hashOfBytes(parcel.bytes));
        this.#acknowledge(parcel.bytes.length);
        this.#to.take(parcel.bytes);
      } else {
        trace.line(
          clock.now(),
          this.#to.host,
          "closing",
          `${this.#from.host}: ${parcel.end.reason}`,
        );
        this.#acknowledge(0);
        this.#to.takeEnd(parcel.end);
      }
    }
  }

  #arriveAtNobody(): void {
    if (this.#queue.length === 0) return;
    const { host } = this.#to;
    if (this.#network.isOff(host) || this.#network.isCut(this.#from.host, host)) return;
    this.#queue = [];
    this.#network.tellReset(this.#from, `${host} does not know this connection`);
  }

  #acknowledge(sizeBytes: number): void {
    const { clock } = this.#network;
    const { from, to } = { from: this.#from.host, to: this.#to.host };
    const isCut = this.#network.isCut(to, from);
    const atMs = isCut ? Infinity : clock.now() + this.#network.latencyMs(to, from);
    this.#acknowledgements.push({ atMs, sizeBytes });
    if (this.#waiting.length > 0 || this.#from.isClosing) this.#scheduleAcknowledgement();
  }

  #scheduleAcknowledgement(): void {
    const head = this.#acknowledgements[0];
    if (!head || this.#ackScheduled || head.atMs === Infinity) return;
    if (this.#waiting.length === 0 && !this.#from.isClosing) return;
    this.#ackScheduled = true;
    this.#from.boot.later(Math.max(0, head.atMs - this.#network.clock.now()), () => {
      this.#ackScheduled = false;
      this.#takeAcknowledgements();
      this.#wake();
      this.#from.acknowledged();
      this.#scheduleAcknowledgement();
    });
  }

  #takeAcknowledgements(): void {
    const nowMs = this.#network.clock.now();
    let taken = 0;
    for (const { atMs, sizeBytes } of this.#acknowledgements) {
      if (atMs > nowMs) break;
      this.#unackedBytes -= sizeBytes;
      taken += 1;
    }
    if (taken > 0) this.#acknowledgements.splice(0, taken);
  }

  #wake(): void {
    const buffered = Math.max(0, this.#unackedBytes - simulationLimits.socketBufferBytes);
    const ready = this.#waiting.filter(({ lowWaterBytes }) => buffered <= lowWaterBytes);
    this.#waiting = this.#waiting.filter(({ lowWaterBytes }) => buffered > lowWaterBytes);
    for (const { resolve } of ready) resolve();
  }
}
