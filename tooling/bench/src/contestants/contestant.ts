/**
 * What each contestant of the overlay suite can do: one receiving process, one sending process, one
 * connection between them.
 */

export interface BenchServer {
  readonly address: string;
}

export interface BenchClient {
  /** Sends one request and waits for the echo. */
  call(payload: unknown): Promise<unknown>;
  /** Sends one event; false: wait for `room` before the next. */
  emit(payload: unknown): boolean;
  /** Resolves when events may be sent again; the contestant's own backpressure. */
  room(): Promise<void>;
}

/** Ports of 127.0.0.1 that nobody uses, for what must know them before it listens. */
export type Ports = readonly [server: number, client: number, broker: number];

export interface Contestant {
  serve(onEvent: (payload: unknown) => void, ports: Ports): Promise<BenchServer>;
  connect(address: string, ports: Ports): Promise<BenchClient>;
}

/** Requests under way, by a number of our own: for contestants that are bare connections. */
export class Waiting {
  readonly #waiting = new Map<number, (value: unknown) => void>();
  #last = 0;

  /** The number of a new request, whose answer goes to `resolve`. */
  add(resolve: (value: unknown) => void): number {
    this.#last = (this.#last + 1) | 0;
    this.#waiting.set(this.#last, resolve);
    return this.#last;
  }

  settle(id: number, value: unknown): void {
    const resolve = this.#waiting.get(id);
    this.#waiting.delete(id);
    resolve?.(value);
  }
}
