/**
 * Player: plays one case over an open socket, as either side of a WebSocket, and says what came
 * back and how it ended. It judges nothing.
 */
import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { close, type Case, type Received, type Step } from "./case.js";
import { closePayload, encodeFrame, Opcode, RawFrameReader, type ReadFrame } from "./raw-frames.js";

export type Role = "client" | "server";

export interface Outcome {
  readonly received: readonly Received[];
  /** The code of the close frame that came; 1005 for one without a code; undefined: none came. */
  readonly closeCode: number | undefined;
  /** The TCP connection was ended by the other side, or after its close frame. */
  readonly ended: boolean;
  /** What a strict reader had to complain about. */
  readonly problem: string | undefined;
}

const PAUSE_MS = 200;

export async function play(
  test: Case,
  socket: Socket,
  role: Role,
  deadlineMs: number,
): Promise<Outcome> {
  const player = new Player(socket, role, performance.now() + deadlineMs);
  return player.play(test);
}

class Player {
  readonly #socket: Socket;
  readonly #role: Role;
  readonly #deadlineMs: number;
  readonly #reader: RawFrameReader;
  readonly #received: Received[] = [];
  #messages = 0;
  #parts: ReadFrame[] = [];
  #closeCode: number | undefined;
  #problem: string | undefined;
  #ended = false;
  #saidClose = false;
  /** Called when anything has happened. */
  #wake: () => void = () => {};

  constructor(socket: Socket, role: Role, deadlineMs: number) {
    this.#socket = socket;
    this.#role = role;
    this.#deadlineMs = deadlineMs;
    this.#reader = new RawFrameReader(role === "server");
    socket.setNoDelay(true);
    socket.on("error", () => this.#end());
    socket.on("close", () => this.#end());
    socket.on("end", () => this.#end());
    socket.on("data", (bytes) => this.#read(bytes));
    // Whoever read the head has paused it.
    socket.resume();
  }

  async play(test: Case): Promise<Outcome> {
    for (const step of test.steps) {
      if (this.#ended) break;
      await this.#perform(step);
    }
    const wanted = test.received[0]?.length ?? 0;
    if (test.ending.type === "closed-by-us") {
      await this.#until(() => this.#received.length >= wanted);
      // What comes too much has this long to come.
      if (wanted === 0) await sleep(20);
      if (!this.#ended && !this.#saidClose) await this.#write(close(1000));
      this.#saidClose = true;
    }
    await this.#until(() => this.#ended);
    const ended = this.#ended;
    this.#socket.destroy();
    return {
      received: this.#received,
      closeCode: this.#closeCode,
      ended,
      problem: this.#problem,
    };
  }

  async #perform(step: Step): Promise<void> {
    switch (step.type) {
      case "wait":
        return sleep(step.durationMs);
      case "await-messages":
        return this.#until(() => this.#messages >= step.count);
      case "send":
        return this.#write(step.frame, step);
      default:
        step satisfies never;
    }
  }

  async #write(
    frame: Parameters<typeof encodeFrame>[0],
    {
      chopBytes,
      pausesAt,
    }: { readonly chopBytes?: number; readonly pausesAt?: readonly number[] } = {},
  ): Promise<void> {
    if (frame.opcode === Opcode.close) this.#saidClose = true;
    const bytes = encodeFrame(frame, this.#role === "client");
    if (pausesAt !== undefined) {
      const headBytes = bytes.length - frame.payload.length;
      const cuts = [0, ...pausesAt.map((at) => headBytes + at), bytes.length];
      for (let i = 1; i < cuts.length && !this.#ended; i += 1) {
        this.#socket.write(bytes.subarray(cuts[i - 1], cuts[i]));
        await sleep(PAUSE_MS);
      }
      return;
    }
    const size = chopBytes ?? bytes.length;
    for (let at = 0; at < bytes.length && !this.#ended; at += size) {
      const more = this.#socket.write(bytes.subarray(at, at + size));
      // A turn for each few chops lets the system send them by themselves.
      if (size < bytes.length && at % (64 * size) === 0) await new Promise(setImmediate);
      if (!more) await this.#drained();
    }
  }

  async #drained(): Promise<void> {
    const leftMs = Math.max(0, this.#deadlineMs - performance.now());
    await Promise.race([
      once(this.#socket, "drain"),
      once(this.#socket, "close"),
      sleep(leftMs, undefined, { ref: false }),
    ]).catch(() => {});
  }

  #read(bytes: Buffer): void {
    if (this.#problem !== undefined) return;
    try {
      for (const frame of this.#reader.push(bytes)) this.#onFrame(frame);
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#socket.destroy();
    }
    this.#wake();
  }

  #onFrame(frame: ReadFrame): void {
    switch (frame.opcode) {
      case Opcode.pong:
        this.#received.push({ type: "pong", payload: frame.payload });
        return;
      case Opcode.close:
        this.#closeCode = frame.payload.length < 2 ? 1005 : frame.payload.readUInt16BE(0);
        this.#answerClose(this.#closeCode);
        return;
      case Opcode.ping:
        this.#socket.write(
          encodeFrame({ opcode: Opcode.pong, payload: frame.payload }, this.#role === "client"),
        );
        return;
      default:
        this.#onPart(frame);
    }
  }

  #onPart(frame: ReadFrame): void {
    this.#parts.push(frame);
    if (!frame.fin) return;
    const binary = this.#parts[0]?.opcode === Opcode.binary;
    const payload = Buffer.concat(this.#parts.map((part) => part.payload));
    this.#parts = [];
    this.#messages += 1;
    this.#received.push({ type: "message", binary, payload });
  }

  /** The closing handshake; the server ends the connection after it (RFC 6455 §7.1.1). */
  #answerClose(code: number): void {
    if (!this.#saidClose) {
      this.#saidClose = true;
      const payload = code === 1005 ? Buffer.alloc(0) : closePayload(code);
      this.#socket.write(encodeFrame({ opcode: Opcode.close, payload }, this.#role === "client"));
    }
    if (this.#role === "server") this.#socket.end();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds() && !this.#ended) {
      const leftMs = this.#deadlineMs - performance.now();
      if (leftMs <= 0) return;
      const timer = new AbortController();
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, sleep(leftMs, undefined, timer).catch(() => {})]);
      timer.abort();
    }
  }
}
