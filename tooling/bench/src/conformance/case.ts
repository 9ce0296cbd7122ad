/**
 * Case: what one conformance case sends and what must happen, as data. The numbering, the order of
 * frames and the expectations are those of the public Autobahn test suite
 * (https://github.com/crossbario/autobahn-testsuite), the list every WebSocket library is held to.
 */
import { closePayload, Opcode, type RawFrame } from "./raw-frames.js";

export type Step =
  /**
   * `chopBytes`: written in pieces of so many bytes, each by a write of its own. `pausesAt`: cut at
   * these offsets of the payload, with a pause at each.
   */
  | {
      readonly type: "send";
      readonly frame: RawFrame;
      readonly chopBytes?: number;
      readonly pausesAt?: readonly number[];
    }
  | { readonly type: "wait"; readonly durationMs: number }
  /** Goes on when so many messages have come back. */
  | { readonly type: "await-messages"; readonly count: number };

export type Received =
  | { readonly type: "message"; readonly binary: boolean; readonly payload: Buffer }
  | { readonly type: "pong"; readonly payload: Buffer };

/** How the connection must end. */
export type Ending =
  /** We close with 1000 once everything came; the answer is a close frame with one of the codes. */
  | { readonly type: "closed-by-us"; readonly codes: readonly number[] }
  /**
   * The case's own frames end it: a close frame with one of the codes; `drop`: or just the end of
   * the TCP connection.
   */
  | { readonly type: "closed"; readonly codes: readonly number[]; readonly drop: boolean }
  /** Whatever happens is allowed, as long as the connection ends. */
  | { readonly type: "informational" };

export interface Case {
  /** Autobahn's number; with `/binary`: the same with binary messages in place of text. */
  readonly id: string;
  readonly about: string;
  readonly steps: readonly Step[];
  /** What must come back; any of these lists will do (the first is strict, others non-strict). */
  readonly received: readonly (readonly Received[])[];
  readonly ending: Ending;
}

export const send = (frame: RawFrame, chopBytes?: number): Step =>
  chopBytes === undefined ? { type: "send", frame } : { type: "send", frame, chopBytes };

export const frameOf = (
  opcode: number,
  payload: string | Buffer = "",
  options: { readonly fin?: boolean; readonly rsv?: number } = {},
): RawFrame => ({ opcode, payload: Buffer.from(payload), ...options });

export const message = (payload: string | Buffer, binary = false): Received => ({
  type: "message",
  binary,
  payload: Buffer.from(payload),
});

export const pong = (payload: string | Buffer): Received => ({
  type: "pong",
  payload: Buffer.from(payload),
});

export const close = (code: number, reason: string | Buffer = ""): RawFrame => ({
  opcode: Opcode.close,
  payload: closePayload(code, reason),
});

/** A message cut into fragments of so many bytes, as Autobahn's `fragmentSize` does. */
export function fragments(opcode: number, payload: Buffer, sizeBytes: number): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < payload.length; at += sizeBytes) {
    const part = payload.subarray(at, at + sizeBytes);
    const fin = at + sizeBytes >= payload.length;
    steps.push(send(frameOf(at === 0 ? opcode : Opcode.continuation, part, { fin })));
  }
  return steps;
}

export const NORMAL: Ending = { type: "closed-by-us", codes: [1000] };
/** Failed by the other side, with 1002 or without a word. */
export const FAILED: Ending = { type: "closed", codes: [1002], drop: true };

/**
 * The twin of a case of text messages with binary ones: a node port takes no text, and its framing
 * shall be tested all the same. Undefined where the case has no text.
 */
export function binaryTwin(of: Case): Case | undefined {
  const isText = (step: Step) => step.type === "send" && step.frame.opcode === Opcode.text;
  if (!of.steps.some(isText)) return undefined;
  const steps = of.steps.map((step) =>
    step.type === "send" && isText(step)
      ? { ...step, frame: { ...step.frame, opcode: Opcode.binary } }
      : step,
  );
  const received = of.received.map((list) =>
    list.map((each) => (each.type === "message" ? { ...each, binary: true } : each)),
  );
  return { ...of, id: `${of.id}/binary`, steps, received };
}
