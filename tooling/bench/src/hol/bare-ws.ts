/**
 * Bare `ws`: large messages as they are over one connection or over one of their own, and, as the
 * reference, one connection with chunks of 64 KB of which four may be under way: the receiver gives
 * a credit back for each. Chunks of several messages take turns.
 *
 * A frame: kind u8, id u32, then bytes.
 */
import type { WebSocket } from "ws";
import { listen, open } from "../contestants/bare-ws.js";
import { Waiting } from "../contestants/contestant.js";
import { BULK, PING, type HolContestant } from "./contestant.js";

const Kind = { ping: 0, pong: 1, bulk: 2, received: 3, chunk: 4, lastChunk: 5, credit: 6 } as const;
const HEAD_BYTES = 5;
const CHUNK_BYTES = 65_536;
const CREDITS = 4;
const NOTHING = Buffer.alloc(0);

function frame(kind: number, id: number, bytes: Buffer = NOTHING): Buffer {
  const made = Buffer.allocUnsafe(HEAD_BYTES + bytes.length);
  made[0] = kind;
  made.writeUInt32BE(id, 1);
  bytes.copy(made, HEAD_BYTES);
  return made;
}

function answer(socket: WebSocket, onBulk: (bytes: number) => void): void {
  const parts = new Map<number, Buffer[]>();
  socket.on("message", (data: Buffer) => {
    const id = data.readUInt32BE(1);
    const body = data.subarray(HEAD_BYTES);
    const kind = data[0];
    if (kind === Kind.ping) socket.send(frame(Kind.pong, id, body));
    else if (kind === Kind.bulk) {
      onBulk(body.length);
      socket.send(frame(Kind.received, id));
    } else {
      const own = parts.get(id) ?? [];
      own.push(body);
      parts.set(id, own);
      socket.send(frame(Kind.credit, id));
      if (kind !== Kind.lastChunk) return;
      parts.delete(id);
      onBulk(Buffer.concat(own).length);
      socket.send(frame(Kind.received, id));
    }
  });
}

/** Sends large messages in chunks, in turns, as long as there is credit. */
class Chunks {
  readonly #socket: WebSocket;
  readonly #queue: { readonly id: number; at: number }[] = [];
  #credits = CREDITS;
  #isArmed = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
  }

  send(id: number): void {
    this.#queue.push({ id, at: 0 });
    this.#arm();
  }

  onCredit(): void {
    this.#credits += 1;
    this.#arm();
  }

  #arm(): void {
    if (this.#isArmed || this.#queue.length === 0) return;
    this.#isArmed = true;
    setImmediate(this.#pump);
  }

  readonly #pump = (): void => {
    this.#isArmed = false;
    while (this.#credits > 0) {
      const message = this.#queue.shift();
      if (message === undefined) return;
      const part = BULK.subarray(message.at, message.at + CHUNK_BYTES);
      message.at += CHUNK_BYTES;
      const isLast = message.at >= BULK.length;
      this.#credits -= 1;
      this.#socket.send(frame(isLast ? Kind.lastChunk : Kind.chunk, message.id, part));
      if (!isLast) this.#queue.push(message);
    }
  };
}

function bareWs(connections: 1 | 2, inChunks: boolean): HolContestant {
  return {
    async serve(onBulk) {
      return { address: await listen((socket) => answer(socket, onBulk)) };
    },
    async connect(address) {
      const pings = await open(address);
      const bulks = connections === 1 ? pings : await open(address);
      const chunks = new Chunks(bulks);
      const waiting = new Waiting();
      const take = (data: Buffer) => {
        if (data[0] === Kind.credit) chunks.onCredit();
        else waiting.settle(data.readUInt32BE(1), data);
      };
      for (const socket of new Set([pings, bulks])) socket.on("message", take);
      return {
        ping: () =>
          new Promise((resolve) => pings.send(frame(Kind.ping, waiting.add(resolve), PING))),
        bulk: () =>
          new Promise((resolve) => {
            const id = waiting.add(resolve);
            if (inChunks) chunks.send(id);
            else bulks.send(frame(Kind.bulk, id, BULK));
          }),
      };
    },
  };
}

export const wsChunksCredit: HolContestant = bareWs(1, true);
export const wsPlain: HolContestant = bareWs(1, false);
export const wsTwo: HolContestant = bareWs(2, false);
