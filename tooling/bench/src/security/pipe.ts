/**
 * Pipe: the Transport port without sockets, one end of which is the attacker's. A hundred thousand
 * connections are cheap this way, and everything behind the port is the real thing.
 */
import type { Connection, ConnectionEnd, Transport } from "@foundation/core";

const FRAME_BYTES_MAX = 1024 * 1024;

/** One end. Frames arrive at the other end in a later turn, in order. */
export class PipeEnd implements Connection {
  readonly remote: string;
  readonly binding = undefined;
  readonly bufferedBytes = 0;
  readonly closed: Promise<ConnectionEnd>;
  isOpen = true;
  other!: PipeEnd;
  #settle!: (end: ConnectionEnd) => void;
  #receive: ((frame: Uint8Array) => void) | undefined;
  #waiting: Uint8Array[] = [];
  #pauses = 0;

  constructor(remote: string) {
    this.remote = remote;
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  send(frame: Uint8Array): void {
    if (!this.isOpen) return;
    const { other } = this;
    queueMicrotask(() => other.deliver(frame));
  }

  /** A frame comes, at once. */
  deliver(frame: Uint8Array): void {
    if (!this.isOpen) return;
    if (this.#receive === undefined || this.#pauses > 0) this.#waiting.push(frame);
    else this.#receive(frame);
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
    this.#flush();
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  pause(): () => void {
    this.#pauses += 1;
    return () => {
      this.#pauses -= 1;
      this.#flush();
    };
  }

  close(end: ConnectionEnd = { reason: "closed", detail: "" }): void {
    queueMicrotask(() => {
      this.end(end);
      this.other.end(end);
    });
  }

  end(end: ConnectionEnd): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#settle(end);
  }

  #flush(): void {
    while (this.#receive !== undefined && this.#pauses === 0 && this.#waiting.length > 0) {
      this.#receive(this.#waiting.shift() as Uint8Array);
    }
  }
}

function pair(): [PipeEnd, PipeEnd] {
  const ends: [PipeEnd, PipeEnd] = [new PipeEnd("127.0.0.1:1"), new PipeEnd("127.0.0.1:2")];
  ends[0].other = ends[1];
  ends[1].other = ends[0];
  return ends;
}

/** Addresses of one process, each with what is behind it. */
export class PipeNetwork {
  readonly #listeners = new Map<string, (connection: Connection) => void>();
  #lastPort = 0;

  /** Opens a connection to an address; the answer is the dialler's end. */
  connect(address: string): PipeEnd {
    const accept = this.#listeners.get(address);
    const [near, far] = pair();
    if (accept === undefined) throw new Error(`nobody listens at ${address}`);
    accept(far);
    return near;
  }

  /** Whoever dials this address gets the other end of what `accept` is given. */
  listen(address: string, accept: (connection: Connection) => void): () => void {
    this.#listeners.set(address, accept);
    return () => this.#listeners.delete(address);
  }

  transport(): Transport {
    return {
      frameBytesMax: FRAME_BYTES_MAX,
      listen: (_options, onConnection) => {
        this.#lastPort += 1;
        const address = `ws://127.0.0.1:${this.#lastPort}`;
        const close = this.listen(address, onConnection);
        return Promise.resolve({
          address,
          close: () => {
            close();
            return Promise.resolve();
          },
        });
      },
      dial: (address) =>
        new Promise((resolve) => {
          resolve(this.connect(address));
        }),
    };
  }
}
