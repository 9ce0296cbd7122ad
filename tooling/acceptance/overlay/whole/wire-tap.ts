/**
 * WireTap: what the nodes of a whole overlay put on their connections, and the broadcasts among it.
 *
 * It stands between a node and the simulated network and reads the real frames: how many messages and bytes, of which
 * kind, and which copies of which broadcast came over how many links. Nothing is changed on the way.
 */
import { createCodec, type Codec } from "@foundation/core";
import type { Connection, ListenOptions, Transport } from "@foundation/core/ports";
import {
  FrameKind,
  FrameReader,
  MessageType,
  readU32,
} from "../../../../packages/overlay/src/protocol/frame.js";
import { decode } from "../../../../packages/overlay/src/protocol/plumtree/wire.js";
import { webSocketHeadBytes, type Usage } from "../meter.js";

/** A copy of a broadcast came to a node, over so many links. */
export type OnCopy = (node: number, broadcast: number, hop: number) => void;

/** The number of a broadcast are the last bytes of its payload, whatever stands around that. */
export const NUMBER_BYTES = 4;

const nameOfType = new Map<number, string>(
  Object.entries(MessageType).map(([name, type]) => [type, name]),
);

export class WireTap {
  /** Since the world began. */
  messages = 0;
  bytes = 0;
  /** Copies of broadcasts are looked for: reading each frame twice is not for free. */
  isReadingTrees = false;
  readonly #onCopy: OnCopy;
  readonly #codec: Codec = createCodec();
  readonly #reader = new FrameReader();
  /** Since it was started; undefined: it was not. */
  #kinds: Map<string, number> | undefined;
  #since = { atMs: 0, messages: 0, bytes: 0 };

  constructor(onCopy: OnCopy) {
    this.#onCopy = onCopy;
  }

  /** Counts kinds from now on. */
  start(nowMs: number): void {
    this.#kinds = new Map();
    this.#since = { atMs: nowMs, messages: this.messages, bytes: this.bytes };
  }

  /** What was sent since `start`. */
  stop(nowMs: number): Usage & { readonly kinds: ReadonlyMap<string, number> } {
    const kinds = this.#kinds ?? new Map<string, number>();
    this.#kinds = undefined;
    const { atMs, messages, bytes } = this.#since;
    const sent = { messages: this.messages - messages, bytes: this.bytes - bytes };
    return { seconds: (nowMs - atMs) / 1_000, ...sent, kinds };
  }

  /** The transport of one node, with this tap on all of its connections. */
  on(transport: Transport, node: number): Transport {
    const tapped = (connection: Connection) => new TappedConnection(connection, this, node);
    return {
      frameBytesMax: transport.frameBytesMax,
      listen: (options: ListenOptions, onConnection) =>
        transport.listen(options, (connection) => onConnection(tapped(connection))),
      dial: async (address, options) => tapped(await transport.dial(address, options)),
    };
  }

  sent(frame: Uint8Array): void {
    this.bytes += webSocketHeadBytes(frame.length) + frame.length;
    if (!isBatch(frame)) {
      this.messages += 1;
      return this.#count("handshake");
    }
    const reader = this.#reader;
    reader.begin(frame);
    while (reader.next()) {
      this.messages += 1;
      if (this.#kinds !== undefined) this.#count(this.#kindOf(reader));
    }
    reader.end();
  }

  received(node: number, frame: Uint8Array): void {
    if (!this.isReadingTrees || frame[0] !== FrameKind.data) return;
    const reader = this.#reader;
    reader.begin(frame);
    while (reader.next()) {
      if (reader.type !== MessageType.gossip) continue;
      const message = decode(reader.payload());
      if (message?.type !== "gossip") continue;
      const { payload, hop } = message;
      this.#onCopy(node, readU32(payload, payload.length - NUMBER_BYTES), hop);
    }
    reader.end();
  }

  #kindOf(reader: FrameReader): string {
    if (reader.type === MessageType.gossip) {
      return `tree ${decode(reader.payload())?.type ?? "unknown"}`;
    }
    const name = nameOfType.get(reader.type) ?? "unknown";
    if (reader.type !== MessageType.membership && reader.type !== MessageType.control) return name;
    const { type } = reader.decode(this.#codec) as { readonly type?: unknown };
    return typeof type === "string" ? `${name} ${type}` : name;
  }

  #count(kind: string): void {
    this.#kinds?.set(kind, (this.#kinds.get(kind) ?? 0) + 1);
  }
}

/** Not one of a handshake, which is text. */
function isBatch(frame: Uint8Array): boolean {
  return frame[0] === FrameKind.data || frame[0] === FrameKind.control;
}

class TappedConnection implements Connection {
  readonly #inner: Connection;
  readonly #tap: WireTap;
  readonly #node: number;

  constructor(inner: Connection, tap: WireTap, node: number) {
    this.#inner = inner;
    this.#tap = tap;
    this.#node = node;
  }

  get remote(): string {
    return this.#inner.remote;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  get binding(): Uint8Array | undefined {
    return this.#inner.binding;
  }

  get givesFrames(): boolean {
    return this.#inner.givesFrames ?? false;
  }

  get closed(): Connection["closed"] {
    return this.#inner.closed;
  }

  send(frame: Uint8Array, released?: () => void): void {
    this.#tap.sent(frame);
    this.#inner.send(frame, released);
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#inner.onFrame((frame) => {
      this.#tap.received(this.#node, frame);
      receive(frame);
    });
  }

  drained(lowWaterBytes: number): Promise<void> {
    return this.#inner.drained(lowWaterBytes);
  }

  pause(): () => void {
    return this.#inner.pause();
  }

  close(...end: Parameters<Connection["close"]>): void {
    this.#inner.close(...end);
  }
}
