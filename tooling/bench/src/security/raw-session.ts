/** RawSession: an upgraded WebSocket to a node, on a bare TCP socket that can do anything wrong. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionEnd } from "@foundation/core";
import { encodeFrame, Opcode, RawFrameReader, type RawFrame } from "../conformance/raw-frames.js";
import { readHead, upgradeRequest } from "../conformance/sides.js";
import { join, type Joined } from "./raw-member.js";
import type { Claim } from "./wire.js";

/** Milliseconds from when it was waited for. */
export interface Ended {
  readonly toldMs: number;
  readonly goneMs: number;
}

export class RawSession {
  readonly binding = undefined;
  readonly socket: Socket;
  /** Also when it ends without a close frame. */
  readonly closed: Promise<ConnectionEnd>;
  closeCode: number | undefined;
  /** A close frame has come. */
  readonly told: Promise<void>;
  isOpen = true;
  #receive: (frame: Uint8Array) => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new RawFrameReader(false);
    let tell = () => {};
    this.told = new Promise((resolve) => {
      tell = resolve;
    });
    this.closed = new Promise((resolve) => {
      const end = () => {
        this.isOpen = false;
        resolve({ reason: "lost", detail: `code ${this.closeCode ?? "none"}` });
        socket.destroy();
      };
      socket.on("error", end).on("end", end).on("close", end);
    });
    socket.on("data", (bytes) => {
      for (const { opcode, payload } of reader.push(bytes)) {
        if (opcode === Opcode.close) {
          this.closeCode = payload.length < 2 ? 1005 : payload.readUInt16BE(0);
          tell();
        } else if (opcode === Opcode.binary) this.#receive(payload);
      }
    });
    socket.resume();
  }

  /** @throws when the server refuses the upgrade or ends the connection */
  static async open(port: number): Promise<RawSession> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    socket.on("error", () => {});
    socket.write(upgradeRequest());
    const head = await readHead(socket);
    if (head.startsWith("HTTP/1.1 101 ")) return new RawSession(socket);
    socket.destroy();
    throw new Error(`no upgrade: ${head.split("\r\n")[0]}`);
  }

  /** The same, and proved: a member's connection. */
  static async member(
    port: number,
    claim: Claim,
  ): Promise<{ session: RawSession; joined: Joined }> {
    const session = await RawSession.open(port);
    return { session, joined: await join(session, claim) };
  }

  onFrame(receive: (frame: Uint8Array) => void): void {
    this.#receive = receive;
  }

  /** One binary WebSocket frame. */
  send(frame: Uint8Array): void {
    this.write({ opcode: Opcode.binary, payload: Buffer.from(frame) });
  }

  /** False: the socket is full. */
  write(frame: RawFrame): boolean {
    return this.isOpen && this.socket.write(encodeFrame(frame, true));
  }

  /** When the node has spoken its refusal, and when the connection was gone; else the deadline. */
  async endedWithin(deadlineMs: number): Promise<Ended> {
    const started = performance.now();
    const late = new AbortController();
    const timer = sleep(deadlineMs, undefined, { signal: late.signal }).catch(() => {});
    const since = () => performance.now() - started;
    const told = Promise.race([this.told, this.closed, timer]).then(since);
    const gone = Promise.race([this.closed, timer]).then(since);
    const ended = { toldMs: await told, goneMs: await gone };
    late.abort();
    this.socket.destroy();
    return ended;
  }
}
