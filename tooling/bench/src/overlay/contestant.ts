/**
 * What each contestant of the overlay suite can do: one server process, one client process, one
 * connection.
 */

export interface BenchServer {
  readonly address: string;
  close(): Promise<void>;
}

export interface BenchClient {
  /** Sends one request and waits for the echo. */
  call(payload: unknown): Promise<unknown>;
  /** Sends one event; false: wait for `room` before the next. */
  emit(payload: unknown): boolean;
  /** Resolves when events may be sent again. */
  room(): Promise<void>;
  close(): Promise<void>;
}

export interface Contestant {
  serve(onEvent: (payload: unknown) => void): Promise<BenchServer>;
  connect(address: string): Promise<BenchClient>;
}

/** About 100 bytes, as JSON and as MessagePack. */
export const EVENT = {
  type: "order.placed",
  id: "o-0000123456",
  cents: 1299,
  at: 1_700_000_000_000,
  customer: "ann",
  tags: ["new", "eu"],
} as const;
