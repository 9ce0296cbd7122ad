/**
 * Transport and Connection: frames between two processes, before anybody knows who the other is.
 *
 * Guarantees: frames of one connection arrive whole, in order, at most once, each in a callback of its own turn or of
 * one turn with others. A frame accepted by `send` before `close` is delivered unless the connection breaks. No
 * authentication happens here: the layer above proves identities with the first frames.
 * Limits: a frame larger than `frameBytesMax` closes the connection on both sides with reason "protocol".
 */
export interface Transport {
  /** The largest frame either side accepts, in bytes. */
  readonly frameBytesMax: number;
  /**
   * Listens; `onConnection` is called once for each connection, in the turn it becomes usable.
   * @throws {ERR_ADDRESS_IN_USE} when the port is taken. @throws {ERR_ADDRESS_INVALID} when it cannot be bound.
   */
  listen(options: ListenOptions, onConnection: (connection: Connection) => void): Promise<Listener>;
  /**
   * Connects to an address that a listener announced.
   * @throws {ERR_DIAL_REFUSED} nobody listens there: strong evidence that the process is gone.
   * @throws {ERR_DIAL_FAILED} anything else: no route, a timeout, a host that does not speak the protocol.
   */
  dial(address: string, options: { readonly signal: AbortSignal }): Promise<Connection>;
}

export interface ListenOptions {
  /** A host name or address to bind. */
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
}

export interface Listener {
  /** What peers dial, with the real port. */
  readonly address: string;
  /** Stops accepting and closes what is still open; resolves when the port is free. Idempotent. */
  close(): Promise<void>;
}

export interface Connection {
  /** Where the other side is, for logs. */
  readonly remote: string;
  /** Bytes accepted by `send` and not yet handed to the operating system. */
  readonly bufferedBytes: number;
  /** 32 bytes that both ends of this very connection share and nobody else knows (RFC 9266), where TLS gives them. */
  readonly binding: Uint8Array | undefined;
  /**
   * The memory of each frame it delivers is used by nobody else, so that what is decoded from it may stay a part of it.
   * @default the receiver copies what it keeps
   */
  readonly givesFrames?: boolean;
  /** Settles once, never rejects: why the connection ended. After it, no frame is delivered. */
  readonly closed: Promise<ConnectionEnd>;
  /**
   * Queues one frame. The bytes belong to the connection from now on, until it calls `released`, which it does when it has
   * flushed or dropped them, or never. After the end it does nothing.
   */
  send(frame: Uint8Array, released?: () => void): void;
  /** Sets the one receiver. Frames that came before are delivered to it in order. */
  onFrame(receive: (frame: Uint8Array) => void): void;
  /** Resolves when `bufferedBytes` has fallen to `lowWaterBytes` or the connection has ended. */
  drained(lowWaterBytes: number): Promise<void>;
  /** Stops delivering frames until the returned function is called: the sender feels it as backpressure. */
  pause(): () => void;
  /** Ends it after what was sent has been flushed. Idempotent. */
  close(end?: ConnectionEnd): void;
}

/** Why a connection ended. `reason` is closed; `detail` is for people. */
export interface ConnectionEnd {
  readonly reason: "closed" | "lost" | "protocol" | "replaced" | "refused" | "timeout";
  readonly detail: string;
}
