/**
 * Bare `ws`: what one writes without a framework. No identity, no limits, no deadlines, no checks
 * of what is sent.
 */
import { Packr } from "msgpackr";
import { WebSocket, WebSocketServer, type RawData } from "ws";
import type { AddressInfo } from "node:net";
import type { Contestant } from "./contestant.js";

type Message = [kind: 0 | 1 | 2, id: number, payload: unknown];
const REQUEST = 0;
const REPLY = 1;
const EVENT = 2;
const BUFFERED_BYTES_MAX = 1 << 20;
const BATCH_MAX = 256;

/** Sends messages over a socket and gives what arrives, one by one. */
type Framing = (
  socket: WebSocket,
  receive: (message: Message) => void,
) => (message: Message) => void;

const jsonFrames: Framing = (socket, receive) => {
  socket.on("message", (data: RawData) => receive(JSON.parse(data.toString()) as Message));
  return (message) => socket.send(JSON.stringify(message));
};

const msgpackrBatches: Framing = (socket, receive) => {
  const packr = new Packr({ useRecords: false });
  let queue: Message[] = [];
  const flush = () => {
    if (queue.length === 0) return;
    const batch = queue;
    queue = [];
    socket.send(packr.pack(batch));
  };
  socket.on("message", (data: RawData) => {
    for (const message of packr.unpack(data as Buffer) as Message[]) receive(message);
  });
  return (message) => {
    queue.push(message);
    if (queue.length >= BATCH_MAX) flush();
    else if (queue.length === 1) setImmediate(flush);
  };
};

function bareWs(framing: Framing): Contestant {
  return {
    async serve(onEvent) {
      const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
      server.on("connection", (socket) => {
        const send = framing(socket, ([kind, id, payload]) => {
          if (kind === REQUEST) send([REPLY, id, payload]);
          else onEvent(payload);
        });
      });
      await new Promise<void>((resolve) => server.once("listening", () => resolve()));
      const { port } = server.address() as AddressInfo;
      const close = async () => {
        for (const socket of server.clients) socket.terminate();
        await new Promise<void>((resolve) => server.close(() => resolve()));
      };
      return { address: `ws://127.0.0.1:${port}`, close };
    },
    async connect(address) {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      await new Promise<void>((resolve, reject) => {
        socket.once("open", () => resolve());
        socket.once("error", reject);
      });
      const waiting = new Map<number, (value: unknown) => void>();
      let lastId = 0;
      const send = framing(socket, ([, id, payload]) => {
        waiting.get(id)?.(payload);
        waiting.delete(id);
      });
      return {
        call: (payload) =>
          new Promise((resolve) => {
            lastId += 1;
            waiting.set(lastId, resolve);
            send([REQUEST, lastId, payload]);
          }),
        emit: (payload) => {
          send([EVENT, 0, payload]);
          return socket.bufferedAmount < BUFFERED_BYTES_MAX;
        },
        room: async () => {
          while (socket.bufferedAmount >= BUFFERED_BYTES_MAX) {
            await new Promise<void>((resolve) => void setImmediate(resolve));
          }
        },
        close: () =>
          new Promise<void>((resolve) => {
            socket.once("close", () => resolve());
            socket.terminate();
          }),
      };
    },
  };
}

/** One message a frame, JSON text. */
export const wsJson: Contestant = bareWs(jsonFrames);
/** All messages of a turn in one msgpackr array. */
export const wsMsgpackrBatched: Contestant = bareWs(msgpackrBatches);
