/**
 * Bare `ws`: what one writes without a framework. No identity, no limits, no deadlines, no checks
 * of what is sent. With batches, what is sent in one turn of the event loop leaves as one frame, of
 * at most 256 messages; with records, msgpackr writes the shape of objects once a frame. Batches
 * with records are the limit that ours is held against.
 */
import { Packr } from "msgpackr";
import { WebSocket, WebSocketServer, type RawData } from "ws";
import type { AddressInfo } from "node:net";
import { Waiting, type BenchClient, type Contestant } from "./contestant.js";

type Message = [kind: 0 | 1 | 2, id: number, payload: unknown];
const REQUEST = 0;
const REPLY = 1;
const EVENT = 2;
const BUFFERED_BYTES_MAX = 1 << 20;
const BATCH_MAX = 256;

interface Format {
  encode(value: unknown): Buffer | string;
  decode(data: Buffer): unknown;
}

const json: Format = {
  encode: (value) => JSON.stringify(value),
  decode: (data) => JSON.parse(data.toString("utf8")) as unknown,
};

function msgpackr(useRecords: boolean): Format {
  const packr = new Packr({ useRecords });
  return {
    encode: (value) => packr.pack(value),
    decode: (data) => packr.unpack(data) as unknown,
  };
}

/** Both directions of a socket: messages go in by `send` and come out at `receive`. */
class Wire {
  readonly send: (message: Message) => void;
  readonly #socket: WebSocket;
  readonly #format: Format;
  #queue: Message[] = [];
  #roomWaiter: (() => void) | undefined;

  constructor(
    socket: WebSocket,
    format: Format,
    batched: boolean,
    receive: (message: Message, wire: Wire) => void,
  ) {
    this.#socket = socket;
    this.#format = format;
    socket.on("error", () => {});
    socket.on("message", (data: RawData) => {
      const decoded = format.decode(data as Buffer);
      if (!batched) return receive(decoded as Message, this);
      const messages = decoded as Message[];
      for (let i = 0; i < messages.length; i += 1) receive(messages[i] as Message, this);
    });
    this.send = batched ? this.#enqueue : (message) => this.#write(message);
  }

  get isFull(): boolean {
    return this.#socket.bufferedAmount >= BUFFERED_BYTES_MAX;
  }

  room(): Promise<void> {
    if (!this.isFull) return Promise.resolve();
    return new Promise((resolve) => {
      this.#roomWaiter = resolve;
    });
  }

  readonly #enqueue = (message: Message): void => {
    this.#queue.push(message);
    if (this.#queue.length >= BATCH_MAX) this.#flush();
    else if (this.#queue.length === 1) setImmediate(this.#flush);
  };

  readonly #flush = (): void => {
    if (this.#queue.length === 0) return;
    const batch = this.#queue;
    this.#queue = [];
    this.#write(batch);
  };

  #write(value: unknown): void {
    this.#socket.send(this.#format.encode(value), this.#written);
  }

  readonly #written = (): void => {
    if (this.#roomWaiter === undefined || this.isFull) return;
    const resolve = this.#roomWaiter;
    this.#roomWaiter = undefined;
    resolve();
  };
}

/** A server on a free port of loopback; answers its address. */
export async function listen(onSocket: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
  server.on("connection", onSocket);
  await new Promise<void>((resolve) => server.once("listening", () => resolve()));
  const { port } = server.address() as AddressInfo;
  return `ws://127.0.0.1:${port}`;
}

export async function open(address: string): Promise<WebSocket> {
  const socket = new WebSocket(address, { perMessageDeflate: false });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  return socket;
}

function bareWs(format: Format, batched: boolean): Contestant {
  return {
    async serve(onEvent) {
      const receive = ([kind, id, payload]: Message, wire: Wire) => {
        if (kind === REQUEST) wire.send([REPLY, id, payload]);
        else onEvent(payload);
      };
      const address = await listen((socket) => void new Wire(socket, format, batched, receive));
      return { address };
    },
    async connect(address) {
      const waiting = new Waiting();
      const settle = ([, id, payload]: Message) => waiting.settle(id, payload);
      const wire = new Wire(await open(address), format, batched, settle);
      const client: BenchClient = {
        call: (payload) =>
          new Promise((resolve) => wire.send([REQUEST, waiting.add(resolve), payload])),
        emit: (payload) => {
          wire.send([EVENT, 0, payload]);
          return !wire.isFull;
        },
        room: () => wire.room(),
      };
      return client;
    },
  };
}

export const wsJson: Contestant = bareWs(json, false);
export const wsJsonBatched: Contestant = bareWs(json, true);
export const wsMsgpackrBatched: Contestant = bareWs(msgpackr(false), true);
export const wsRecordsBatched: Contestant = bareWs(msgpackr(true), true);
