/**
 * SimulatedConnection: one end of a connection of a simulated network.
 *
 * A close is a parcel like the frames before it; the other side answers with its own. An end has ended when it took the
 * other's close and its own was taken, when it gave up waiting for that, or when it was told of a reset.
 */
import type { Connection, ConnectionEnd, Timer } from "@foundation/core/ports";
import type { Boot } from "./boot.js";
import { copyOfFrame } from "./frame-copies.js";
import { simulationLimits } from "./limits.js";
import { Pipe, type Parcel } from "./pipe.js";
import type { SimulatedNetwork } from "./simulated-network.js";

export class SimulatedConnection implements Connection {
  readonly binding = undefined;
  readonly closed: Promise<ConnectionEnd>;
  readonly #network: SimulatedNetwork;
  #peer!: SimulatedConnection;
  #outgoing!: Pipe;
  #resolveClosed!: (end: ConnectionEnd) => void;
  #state: "open" | "closing" | "ended" = "open";
  #receive: ((frame: Uint8Array) => void) | undefined;
  #pauses = 0;
  #closeTimer: Timer | undefined;
  #ownEnd: ConnectionEnd | undefined;
  #theirEnd: ConnectionEnd | undefined;

  constructor(
    network: SimulatedNetwork,
    readonly boot: Boot,
    readonly remote: string,
  ) {
    this.#network = network;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  attach(peer: SimulatedConnection): void {
    this.#peer = peer;
    this.#outgoing = new Pipe(this.#network, this, peer);
  }

  get host(): string {
    return this.boot.node;
  }

  get peer(): SimulatedConnection {
    return this.#peer;
  }

  /** False when a parcel that arrives here meets nobody: this end has ended, or its process has. */
  get isThere(): boolean {
    return this.boot.alive && this.#state !== "ended";
  }

  get isClosing(): boolean {
    return this.#state === "closing";
  }

  get hasEnded(): boolean {
    return this.#state === "ended";
  }

  get outgoing(): Pipe {
    return this.#outgoing;
  }

  get bufferedBytes(): number {
    return this.#state === "ended" ? 0 : this.#outgoing.bufferedBytes;
  }

  send(frame: Uint8Array): void {
    if (this.#state !== "open" || !this.boot.alive) return;
    const { frameBytesMax } = this.#network;
    if (frame.length > frameBytesMax) {
      const detail = `a frame of ${frame.length} bytes exceeds frameBytesMax ${frameBytesMax}`;
      this.#network.tell(this.#peer, { reason: "protocol", detail });
      this.end({ reason: "protocol", detail });
      return;
    }
    this.#outgoing.post({ type: "frame", bytes: copyOfFrame(frame), arrivesMs: 0 });
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    this.#peer.#outgoing.changed();
  }

  drained(lowWaterBytes: number): Promise<void> {
    return this.#state === "ended" ? Promise.resolve() : this.#outgoing.drained(lowWaterBytes);
  }

  pause(): () => void {
    this.#pauses += 1;
    let paused = true;
    return () => {
      if (!paused) return;
      paused = false;
      this.#pauses -= 1;
      this.#peer.#outgoing.changed();
    };
  }

  close(end: ConnectionEnd = { reason: "closed", detail: "closed by this side" }): void {
    if (this.#state !== "open" || !this.boot.alive) return;
    this.#beginClosing(end);
    // A receiver that closes wants no more; it must not hold up the end it waits for.
    this.#peer.#outgoing.changed();
  }

  takes(parcel: Parcel): boolean {
    if (this.#state === "closing") return true;
    if (this.#pauses > 0) return false;
    return parcel.type === "end" || this.#receive !== undefined;
  }

  take(bytes: Uint8Array): void {
    if (this.#pauses > 0) return;
    this.#receive?.(bytes);
  }

  takeEnd(end: ConnectionEnd): void {
    this.#theirEnd = end;
    if (this.#state === "open") this.#beginClosing(end);
    this.acknowledged();
  }

  /** Something this end sent was taken: after its own close that may be the last thing it waits for. */
  acknowledged(): void {
    if (this.#state !== "closing" || this.#theirEnd === undefined) return;
    if (this.#outgoing.isEmpty) this.end(this.#ownEnd ?? this.#theirEnd);
  }

  /** Ends this side at once, telling nobody: the other side learns it when it sends, or from the network. */
  end(end: ConnectionEnd): void {
    if (this.#state === "ended") return;
    this.#outgoing.stop();
    // Once it is closing, it has a reason: a reset on top of it says nothing new.
    this.#finish(this.#ownEnd ?? end);
  }

  #finish(end: ConnectionEnd): void {
    this.#state = "ended";
    this.#closeTimer?.cancel();
    this.#network.ended(this);
    this.#resolveClosed(end);
  }

  #beginClosing(end: ConnectionEnd): void {
    this.#state = "closing";
    this.#ownEnd = end;
    this.#outgoing.post({ type: "end", end, arrivesMs: 0 });
    // Nobody waits any longer, but the operating system goes on sending what it has, the end included.
    this.#closeTimer = this.boot.timer(simulationLimits.closeTimeoutMs, () => {
      this.#finish(end);
    });
  }
}
